//! A record as a topic keeps it, whatever the topic.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use kolo_core::processor::Append;
use kolo_core::wire::{Headers, Record, Stamp};
use kolo_core::{EventId, Timestamp};

/// A record, wherever it stands: its offset is its place in the topic.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Stored {
    pub(crate) event_type: &'static str,
    pub(crate) at: Timestamp,
    pub(crate) id: EventId,
    /// All that has a length, in one piece: a simulation makes many records. First the id as it stands in its header.
    bytes: Box<[u8]>,
    key: u32,
    value: u32,
    stamp: u32,
}

/// How long an id is in its header.
const ID: usize = 36;

/// What a record is made of.
struct Parts<'a> {
    event_type: &'static str,
    at: Timestamp,
    id: EventId,
    key: &'a [u8],
    value: &'a [u8],
    /// Empty if there is none.
    stamp: &'a [u8],
    /// Empty if there is none.
    rest: &'a [u8],
}

impl Stored {
    fn new(parts: &Parts<'_>) -> Self {
        let Parts {
            event_type,
            at,
            id,
            key,
            value,
            stamp,
            rest,
        } = *parts;
        let length = ID + key.len() + value.len() + stamp.len() + rest.len();
        let mut bytes = Vec::with_capacity(length);
        let mut text = [0; ID];
        id.0.hyphenated().encode_lower(&mut text);
        bytes.extend_from_slice(&text);
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(stamp);
        bytes.extend_from_slice(rest);
        let length = |of: &[u8]| u32::try_from(of.len()).unwrap_or(u32::MAX);
        Stored {
            event_type,
            at,
            id,
            bytes: bytes.into(),
            key: length(key),
            value: length(value),
            stamp: length(stamp),
        }
    }

    /// What a processor wants appended.
    pub(crate) fn of(append: &Append<'_>) -> Self {
        Stored::new(&Parts {
            event_type: append.event_type,
            at: append.at,
            id: append.id,
            key: append.key,
            value: append.value,
            stamp: append.stamp,
            rest: append.rest.unwrap_or_default(),
        })
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
        let stamp = stamp.map(ToString::to_string).unwrap_or_default();
        Stored::new(&Parts {
            event_type,
            at,
            id,
            key: key.as_bytes(),
            value,
            stamp: stamp.as_bytes(),
            rest: &[],
        })
    }

    /// A router's copy for the aggregate with this key.
    pub(crate) fn copied(&self, key: &str, stamp: &Stamp) -> Self {
        let (event_type, at, id) = (self.event_type, self.at, self.id);
        Stored::event(id, event_type, key, self.value(), at, Some(stamp))
    }

    /// The same with another stamp.
    pub(crate) fn with_stamp(&self, stamp: &Stamp) -> Self {
        Stored::new(&Parts {
            event_type: self.event_type,
            at: self.at,
            id: self.id,
            key: self.key(),
            value: self.value(),
            stamp: stamp.to_string().as_bytes(),
            rest: &self.bytes[self.stamp_at().end..],
        })
    }

    fn key_at(&self) -> Range<usize> {
        ID..ID + self.key as usize
    }

    fn value_at(&self) -> Range<usize> {
        let start = self.key_at().end;
        start..start + self.value as usize
    }

    fn stamp_at(&self) -> Range<usize> {
        let start = self.value_at().end;
        start..start + self.stamp as usize
    }

    pub(crate) fn key(&self) -> &[u8] {
        &self.bytes[self.key_at()]
    }

    pub(crate) fn value(&self) -> &[u8] {
        &self.bytes[self.value_at()]
    }

    /// The `kolo` header, if it has one.
    pub(crate) fn stamp(&self) -> Option<&str> {
        let text = &self.bytes[self.stamp_at()];
        let text = (!text.is_empty()).then_some(text)?;
        std::str::from_utf8(text).ok()
    }

    pub(crate) fn record(&self, offset: usize) -> Record<'_> {
        Record {
            offset: at(offset),
            timestamp: self.at,
            key: Some(self.key()),
            value: Some(self.value()),
            headers: self.headers(),
            all_headers: None,
        }
    }

    pub(crate) fn headers(&self) -> Headers<'_> {
        let rest = &self.bytes[self.stamp_at().end..];
        Headers {
            id: std::str::from_utf8(&self.bytes[..ID]).ok(),
            event_type: Some(self.event_type),
            stamp: self.stamp(),
            rest: (!rest.is_empty()).then_some(rest),
            traceparent: None,
        }
    }

    /// Stands for all of it.
    pub(crate) fn digest(&self) -> u64 {
        let mut hash = DefaultHasher::new();
        self.hash(&mut hash);
        hash.finish()
    }

    pub(crate) fn key_text(&self) -> &str {
        std::str::from_utf8(self.key()).unwrap_or_default()
    }

    pub(crate) fn read_stamp(&self) -> Option<Stamp> {
        Stamp::read(self.stamp()?).ok()
    }
}

/// An offset as it stands on the wire.
pub(crate) fn at(offset: usize) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}
