//! Between rdkafka's messages and the processor's records.

use kolo_core::Timestamp;
use kolo_core::processor::Append;
use kolo_core::wire::{
    CE_ID, CE_SOURCE, CE_SPECVERSION, CE_TYPE, Headers, KOLO, KOLO_REST, Record, TRACEPARENT,
};
use rdkafka::message::{BorrowedMessage, Header, Headers as _, Message, OwnedHeaders};

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
    }
}

/// The headers of a record to append.
pub(crate) fn headers_of(append: &Append<'_>, source: &str) -> OwnedHeaders {
    let mut id = uuid::Uuid::encode_buffer();
    let id: &str = append.id.0.hyphenated().encode_lower(&mut id);
    let mut headers = OwnedHeaders::new_with_capacity(7)
        .insert(Header {
            key: CE_SPECVERSION,
            value: Some("1.0"),
        })
        .insert(Header {
            key: CE_ID,
            value: Some(id),
        })
        .insert(Header {
            key: CE_SOURCE,
            value: Some(source),
        })
        .insert(Header {
            key: CE_TYPE,
            value: Some(append.event_type),
        })
        .insert(Header {
            key: KOLO,
            value: Some(append.stamp),
        });
    if let Some(rest) = append.rest {
        headers = headers.insert(Header {
            key: KOLO_REST,
            value: Some(rest),
        });
    }
    if let Some(traceparent) = append.traceparent {
        headers = headers.insert(Header {
            key: TRACEPARENT,
            value: Some(traceparent),
        });
    }
    headers
}

/// The wall clock.
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
