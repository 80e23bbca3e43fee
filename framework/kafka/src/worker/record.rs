//! Between rdkafka's messages and the processor's records.

use kolo_core::Timestamp;
use kolo_core::wire::{
    AllHeaders, CE_ID, CE_SOURCE, CE_SPECVERSION, CE_TYPE, Headers, KOLO, KOLO_REST, Record,
    TRACEPARENT,
};
use rdkafka::message::{BorrowedMessage, Headers as _, Message};

use crate::native;

/// Borrows what the processor reads of a message.
pub(crate) fn record_of<'a>(message: &'a BorrowedMessage<'_>) -> Record<'a> {
    let mut headers = Headers::default();
    if let Some(all) = message.headers() {
        for header in all.iter() {
            headers.take(header.key, header.value);
        }
    }
    Record {
        offset: message.offset(),
        timestamp: Timestamp::from_millis(message.timestamp().to_millis().unwrap_or_default()),
        key: message.key(),
        value: message.payload(),
        headers,
        all_headers: None,
    }
}

/// All headers of a message.
#[derive(Debug)]
pub(crate) struct AllOf<'a>(pub(crate) &'a BorrowedMessage<'a>);

impl AllHeaders for AllOf<'_> {
    fn each(&self, take: &mut dyn FnMut(&str, Option<&[u8]>)) {
        for header in self.0.headers().into_iter().flat_map(|all| all.iter()) {
            take(header.key, header.value);
        }
    }
}

/// What an event's record says beside its key and value.
pub(crate) struct Beside<'a> {
    /// The event's id, as text.
    pub(crate) id: &'a str,
    pub(crate) source: Option<&'a [u8]>,
    pub(crate) event_type: Option<&'a str>,
    pub(crate) stamp: &'a [u8],
    pub(crate) rest: Option<&'a [u8]>,
    pub(crate) traceparent: Option<&'a [u8]>,
}

impl<'a> Beside<'a> {
    /// The headers of a record to append.
    pub(crate) fn headers(&self) -> native::Headers<'a> {
        let mut headers = native::Headers::default();
        headers.push(CE_SPECVERSION, Some(b"1.0"));
        headers.push(CE_ID, Some(self.id.as_bytes()));
        headers.push(CE_SOURCE, self.source);
        headers.push(CE_TYPE, self.event_type.map(str::as_bytes));
        headers.push(KOLO, Some(self.stamp));
        if self.rest.is_some() {
            headers.push(KOLO_REST, self.rest);
        }
        if self.traceparent.is_some() {
            headers.push(TRACEPARENT, self.traceparent);
        }
        headers
    }
}

/// The wall clock.
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
