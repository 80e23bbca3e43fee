//! Whether a client has brokers (`rd_kafka_metadata`).

use std::ffi::CStr;
use std::ptr;
use std::time::Duration;

use rdkafka::bindings as c;
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

/// The brokers that are named, by the first to answer within `millis`, as `host:port`.
///
/// # Safety
/// `client` must be a live client.
unsafe fn named(client: *mut c::rd_kafka_t, millis: i32) -> Result<Vec<String>, RDKafkaErrorCode> {
    let mut metadata: *const c::rd_kafka_metadata_t = ptr::null();
    // SAFETY: the client lives, by this function's own contract; the answer is read and destroyed only where there is one,
    // and has as many brokers as it says.
    unsafe {
        let error = c::rd_kafka_metadata(client, 0, ptr::null_mut(), &mut metadata, millis);
        if error != c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Err(RDKafkaErrorCode::from(error));
        }
        let count = usize::try_from((*metadata).broker_cnt).unwrap_or(0);
        let address = |at: usize| {
            let broker = &*(*metadata).brokers.add(at);
            let host = CStr::from_ptr(broker.host).to_string_lossy();
            format!("{host}:{}", broker.port)
        };
        let brokers = (0..count).map(address).collect();
        c::rd_kafka_metadata_destroy(metadata);
        Ok(brokers)
    }
}

/// The brokers of the cluster, as `host:port`, by the first to answer in time. None where the one that answers knows none.
///
/// # Errors
/// When nobody does.
pub(crate) fn addresses<C: ClientContext>(
    client: &Client<C>,
    at_most: Duration,
) -> Result<Vec<String>, RDKafkaErrorCode> {
    let millis = i32::try_from(at_most.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: the client lives as long as it is borrowed, and may be used from any thread.
    unsafe { named(client.native_ptr(), millis) }
}

/// Waits until a broker is named. An administrative request that finds no broker keeps two of librdkafka's threads busy
/// for as long as it waits, half a core (2.12.1: each change of a connection's state has it ask for the next attempt at
/// once); a metadata request waits quietly.
///
/// # Safety
/// `client` must be a live client.
pub(super) unsafe fn await_broker(
    client: *mut c::rd_kafka_t,
    millis: i32,
) -> Result<(), KafkaError> {
    // SAFETY: as the caller promises.
    match unsafe { named(client, millis) } {
        // An answer without brokers has the client forget those it had: whatever it is asked next, it asks nobody.
        Ok(brokers) if brokers.is_empty() => Err(KafkaError::MetadataFetch(
            RDKafkaErrorCode::BrokerNotAvailable,
        )),
        Ok(_) => Ok(()),
        Err(code) => Err(KafkaError::MetadataFetch(code)),
    }
}

/// Whether the client is connected to a broker now. It does not wait: a broker is asked for metadata if there is one, and
/// its answer is not awaited. A client that was idle connects because of that, and has a broker when it is asked again.
pub(crate) fn has_broker<C: ClientContext>(client: &Client<C>) -> bool {
    // SAFETY: the client lives as long as it is borrowed, and may be used from any thread.
    let named = unsafe { named(client.native_ptr(), 0) };
    !matches!(named, Err(RDKafkaErrorCode::BrokerTransportFailure))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use kolo_broker::Broker;
    use kolo_broker::faults::{Action, Api, Plan};
    use rdkafka::ClientConfig;
    use rdkafka::consumer::{BaseConsumer, Consumer};

    use super::*;

    fn until(done: impl Fn() -> bool) {
        let until = Instant::now() + Duration::from_secs(60);
        while !done() {
            assert!(Instant::now() < until, "waited for a minute");
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    #[test]
    fn who_is_connected_has_a_broker_however_long_its_answers_take() {
        let an_hour = Action::Delay(Duration::from_secs(3600));
        let slow = Plan::new().on(Api::Metadata).then(an_hour);
        let broker = Broker::builder().faults(slow).start_blocking().unwrap();
        let client: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", broker.bootstrap())
            .create()
            .unwrap();
        let connected = || has_broker(client.client());
        until(connected);
        until(|| connected() && !broker.faults().fired().is_empty());
        broker.stop().unwrap();
        until(|| !connected());
        broker.start_again().unwrap();
        until(connected);
    }
}
