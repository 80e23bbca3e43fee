//! Where a partition ends, as a consumer was told by its last fetch (`rd_kafka_get_watermark_offsets`).

use std::ffi::CString;

use rdkafka::bindings as c;
use rdkafka::client::{Client, ClientContext};

/// The first offset of a partition and the one behind its last record, without asking a broker; `None` where nothing
/// of it was fetched yet.
pub(crate) fn watermarks<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    partition: i32,
) -> Option<(i64, i64)> {
    let topic = CString::new(topic).ok()?;
    let (mut low, mut high) = (0, 0);
    // SAFETY: the client lives as long as it is borrowed, and may be used from any thread; the name ends with a nul, and
    // both offsets are written before the call returns.
    let error = unsafe {
        c::rd_kafka_get_watermark_offsets(
            client.native_ptr(),
            topic.as_ptr(),
            partition,
            &mut low,
            &mut high,
        )
    };
    let known = error == c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0;
    known.then_some((low.max(0), high))
}
