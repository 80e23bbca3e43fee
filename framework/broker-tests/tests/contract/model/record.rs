//! Records: as a script draws them, as they are written, and as they are read.

use std::fmt;

use kolo_core::processor::Append;
use kolo_core::wire::{CE_ID, CE_TYPE, KOLO, KOLO_REST};
use kolo_core::{EventId, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

/// What is written in a record.
#[derive(Clone)]
pub(crate) struct Draft {
    key: Vec<u8>,
    value: Vec<u8>,
    stamp: String,
    rest: Option<Vec<u8>>,
    at_ms: i64,
}

/// Any record that kolo could write: none of its headers is empty. Its time is any since 1970, since time is the client's: not 0, which librdkafka
/// takes for now, and not the future, which Apache Kafka refuses.
pub(crate) fn drafts() -> impl Strategy<Value = Draft> {
    let value = prop_oneof![
        9 => vec(any::<u8>(), 0..100),
        1 => vec(any::<u8>(), 10_000..30_000),
    ];
    let stamp = vec(prop::char::range(' ', '~'), 1..30).prop_map(String::from_iter);
    let rest = prop::option::weighted(0.3, vec(any::<u8>(), 1..100));
    let key = vec(any::<u8>(), 0..5);
    (key, value, stamp, rest, 1..1_700_000_000_000_i64).prop_map(
        |(key, value, stamp, rest, at_ms)| Draft {
            key,
            value,
            stamp,
            rest,
            at_ms,
        },
    )
}

/// The id of the record that the operation with this number sends.
pub(crate) fn id(number: usize) -> EventId {
    EventId::foreign(&format!("record {number}"))
}

impl Draft {
    pub(crate) fn append(&self, number: usize) -> Append<'_> {
        Append {
            event_type: "contract.Happened",
            id: id(number),
            at: Timestamp::from_millis(self.at_ms),
            key: &self.key,
            value: &self.value,
            stamp: self.stamp.as_bytes(),
            rest: self.rest.as_deref(),
            traceparent: None,
        }
    }

    /// As it must be read at this offset.
    pub(crate) fn found(&self, number: usize, offset: i64) -> Found {
        let headers = [
            (CE_ID, Some(id(number).to_string().into_bytes())),
            (CE_TYPE, Some(b"contract.Happened".to_vec())),
            (KOLO, Some(self.stamp.clone().into_bytes())),
            (KOLO_REST, self.rest.clone()),
        ];
        let headers = headers.into_iter();
        Found {
            offset,
            at_ms: self.at_ms,
            key: Some(self.key.clone()),
            value: Some(self.value.clone()),
            headers: headers
                .filter_map(|(name, value)| Some((name.to_owned(), value?)))
                .collect(),
        }
    }
}

impl fmt::Debug for Draft {
    /// Short: what is in a record is seldom what matters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Draft { key, value, .. } = self;
        write!(f, "key {key:?} value of {} bytes", value.len())
    }
}

/// A record as a reader finds it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) offset: i64,
    pub(crate) at_ms: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    /// In the order in which they stand.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
}

impl Found {
    pub(crate) fn id(&self) -> Option<EventId> {
        let (_, id) = self.headers.iter().find(|(name, _)| name == CE_ID)?;
        std::str::from_utf8(id).ok()?.parse().ok()
    }
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        let some = |bytes: &Option<Vec<u8>>| bytes.as_deref().map_or("none".into(), text);
        write!(
            f,
            "{} at {} ms: key {}",
            self.offset,
            self.at_ms,
            some(&self.key)
        )?;
        write!(f, " value {}", some(&self.value))?;
        self.headers
            .iter()
            .try_for_each(|(name, value)| write!(f, " {name}={}", text(value)))
    }
}
