//! A record as a topic keeps it, whatever the topic.

use std::hash::{DefaultHasher, Hash, Hasher};

use kolo_core::processor::Append;
use kolo_core::wire::{Headers, Record, Stamp};
use kolo_core::{EventId, Timestamp};

/// A record, wherever it stands: its offset is its place in the topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) event_type: &'static str,
    pub(crate) at: Timestamp,
    pub(crate) key: Box<[u8]>,
    pub(crate) value: Box<[u8]>,
    pub(crate) id: EventId,
    /// `id` as it stands in the header.
    id_text: Box<str>,
    pub(crate) stamp: Option<Box<str>>,
    rest: Option<Box<[u8]>>,
}

impl Stored {
    /// What a processor wants appended.
    pub(crate) fn of(append: &Append<'_>) -> Self {
        Stored {
            event_type: append.event_type,
            at: append.at,
            key: append.key.into(),
            value: append.value.into(),
            id: append.id,
            id_text: append.id.to_string().into(),
            stamp: Some(String::from_utf8_lossy(append.stamp).into()),
            rest: append.rest.map(Into::into),
        }
    }

    /// A fact from outside; a routed copy if it has a stamp.
    pub(crate) fn event(
        id: EventId,
        event_type: &'static str,
        key: &str,
        value: &[u8],
        at: Timestamp,
        stamp: Option<&Stamp>,
    ) -> Self {
        Stored {
            event_type,
            at,
            key: key.as_bytes().into(),
            value: value.into(),
            id,
            id_text: id.to_string().into(),
            stamp: stamp.map(|stamp| stamp.to_string().into()),
            rest: None,
        }
    }

    /// A router's copy for the aggregate with this key.
    pub(crate) fn copied(&self, key: &str, stamp: &Stamp) -> Self {
        Stored {
            key: key.as_bytes().into(),
            stamp: Some(stamp.to_string().into()),
            rest: None,
            ..self.clone()
        }
    }

    pub(crate) fn record(&self, offset: usize) -> Record<'_> {
        Record {
            offset: at(offset),
            timestamp: self.at,
            key: Some(&self.key),
            value: Some(&self.value),
            headers: self.headers(),
            all_headers: None,
        }
    }

    pub(crate) fn headers(&self) -> Headers<'_> {
        Headers {
            id: Some(&self.id_text),
            event_type: Some(self.event_type),
            stamp: self.stamp.as_deref(),
            rest: self.rest.as_deref(),
            traceparent: None,
        }
    }

    /// Stands for all of it.
    pub(crate) fn digest(&self) -> u64 {
        let mut hash = DefaultHasher::new();
        (self.event_type, self.at, &self.key, &self.value).hash(&mut hash);
        (self.id, &self.stamp, &self.rest).hash(&mut hash);
        hash.finish()
    }

    pub(crate) fn key_text(&self) -> &str {
        std::str::from_utf8(&self.key).unwrap_or_default()
    }

    pub(crate) fn read_stamp(&self) -> Option<Stamp> {
        let stamp = self.stamp.as_deref()?;
        Stamp::read(stamp).ok()
    }
}

/// An offset as it stands on the wire.
pub(crate) fn at(offset: usize) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}
