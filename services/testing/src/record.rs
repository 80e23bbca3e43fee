//! A record as a topic keeps it.

use kolo_core::processor::Append;
use kolo_core::wire::{Headers, Record, Stamp};
use kolo_core::{Event, EventId, Key, Timestamp};

/// A record of an in-memory topic.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Stored {
    /// Full name of its type.
    pub(crate) event_type: String,
    /// Its event id.
    pub(crate) id: String,
    /// Its key.
    pub(crate) key: Vec<u8>,
    /// Its framed value.
    pub(crate) value: Vec<u8>,
    /// The `kolo` header.
    pub(crate) stamp: Option<String>,
    /// The `kolo_rest` header.
    pub(crate) rest: Option<Vec<u8>>,
}

impl Stored {
    /// A fact from outside, as a publisher without kolo would write it, under the id that `name` stands for.
    #[must_use]
    pub(crate) fn foreign<E: Event>(event: &E, name: &str) -> Self {
        let mut value = Vec::new();
        event.encode(&mut value);
        Stored {
            event_type: E::TYPE.name.to_owned(),
            id: EventId::foreign(name).to_string(),
            key: event.key().text().into_bytes(),
            value,
            stamp: None,
            rest: None,
        }
    }

    /// An owner's record.
    pub(crate) fn appended(append: &Append<'_>) -> Self {
        Stored {
            event_type: append.event_type.to_owned(),
            id: append.id.to_string(),
            key: append.key.to_vec(),
            value: append.value.to_vec(),
            stamp: Some(String::from_utf8_lossy(append.stamp).into_owned()),
            rest: append.rest.map(<[u8]>::to_vec),
        }
    }

    /// A router's copy for the aggregate with this key.
    pub(crate) fn copied(&self, key: String, stamp: &Stamp) -> Self {
        Stored {
            key: key.into_bytes(),
            stamp: Some(stamp.to_string()),
            rest: None,
            ..self.clone()
        }
    }

    /// As a processor reads it.
    pub(crate) fn record(&self, offset: i64) -> Record<'_> {
        Record {
            offset,
            timestamp: Timestamp::default(),
            key: Some(&self.key),
            value: Some(&self.value),
            headers: Headers {
                id: Some(&self.id),
                event_type: Some(&self.event_type),
                stamp: self.stamp.as_deref(),
                rest: self.rest.as_deref(),
                traceparent: None,
            },
            all_headers: None,
        }
    }
}
