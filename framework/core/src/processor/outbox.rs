//! Records to append, in one buffer: nothing is allocated per record.

use std::ops::Range;

use crate::id::EventId;
use crate::time::Timestamp;

/// Records that a processor wants appended to its stream, in order.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    records: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    event_type: &'static str,
    id: EventId,
    at: Timestamp,
    key: Range<usize>,
    value: Range<usize>,
    stamp: Range<usize>,
    rest: Range<usize>,
    traceparent: Range<usize>,
}

/// One record to append.
#[derive(Debug, Clone, Copy)]
pub struct Append<'a> {
    /// `ce_type`: an event's full name, or one of kolo's own.
    pub event_type: &'static str,
    /// `ce_id`
    pub id: EventId,
    /// The record's timestamp.
    pub at: Timestamp,
    /// The record's key.
    pub key: &'a [u8],
    /// The record's value.
    pub value: &'a [u8],
    /// The `kolo` header.
    pub stamp: &'a [u8],
    /// The `kolo_rest` header, on the first record of an answer of several.
    pub rest: Option<&'a [u8]>,
    /// The `traceparent` header, where the cause had one.
    pub traceparent: Option<&'a [u8]>,
}

/// About what a record takes on the wire, in bytes, without the client's batching and compression.
pub(super) const fn size_bytes(
    key: usize,
    value: usize,
    event_type: usize,
    headers: usize,
) -> usize {
    // The frame of a record, header names, `ce_specversion`, `ce_id`, a `ce_source`, and the lengths of all of them.
    const FIXED: usize = 256;
    key + value + event_type + headers + FIXED
}

impl Outbox {
    /// How many records wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The record at this place.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<Append<'_>> {
        self.records.get(at).map(|entry| self.append(entry))
    }

    /// The records, in the order in which they must be appended.
    pub fn iter(&self) -> impl Iterator<Item = Append<'_>> {
        self.records.iter().map(|entry| self.append(entry))
    }

    /// Those behind the first so many records.
    pub fn iter_from(&self, from: usize) -> impl Iterator<Item = Append<'_>> + Clone {
        let records = self.records.get(from..).unwrap_or_default();
        records.iter().map(|entry| self.append(entry))
    }

    /// Forgets all records, and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.records.clear();
    }

    /// Takes back all but the first records.
    pub(super) fn truncate(&mut self, records: usize) {
        self.records.truncate(records);
    }

    fn append(&self, entry: &Entry) -> Append<'_> {
        let slice = |range: &Range<usize>| &self.bytes[range.clone()];
        let some = |range: &Range<usize>| (!range.is_empty()).then(|| slice(range));
        Append {
            event_type: entry.event_type,
            id: entry.id,
            at: entry.at,
            key: slice(&entry.key),
            value: slice(&entry.value),
            stamp: slice(&entry.stamp),
            rest: some(&entry.rest),
            traceparent: some(&entry.traceparent),
        }
    }

    pub(super) fn push(&mut self, append: &Append<'_>) {
        let mut take = |bytes: &[u8]| {
            let from = self.bytes.len();
            self.bytes.extend_from_slice(bytes);
            from..self.bytes.len()
        };
        let entry = Entry {
            event_type: append.event_type,
            id: append.id,
            at: append.at,
            key: take(append.key),
            value: take(append.value),
            stamp: take(append.stamp),
            rest: take(append.rest.unwrap_or_default()),
            traceparent: take(append.traceparent.unwrap_or_default()),
        };
        self.records.push(entry);
    }
}
