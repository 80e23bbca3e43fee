//! What the store keeps of one record, and under which key: events and copies below their saga.

use std::borrow::Cow;

use kolo_core::saga::Told;
use kolo_core::{CorrelationId, EventId, Position, Timestamp, TopicId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::evidence::part::{Copied, Event};

/// The number of a topic in this index: of its id, and of how it is read.
pub(super) type TopicNumber = u32;
/// The number of a name in this index.
pub(super) type Name = u32;

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) topic: TopicNumber,
    pub(super) partition: i32,
    pub(super) offset: i64,
}

pub(super) const PLACE_BYTES: usize = 16;
/// A saga and a place in it.
pub(super) const ROW_BYTES: usize = 16 + PLACE_BYTES;

impl Place {
    /// The key of a saga's record: all of a saga stand together.
    pub(super) fn key(self, saga: CorrelationId) -> [u8; ROW_BYTES] {
        let mut key = [0; ROW_BYTES];
        key[..16].copy_from_slice(saga.0.as_bytes());
        key[16..].copy_from_slice(&self.bytes());
        key
    }

    pub(super) fn bytes(self) -> [u8; PLACE_BYTES] {
        let mut bytes = [0; PLACE_BYTES];
        bytes[..4].copy_from_slice(&self.topic.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.partition.to_be_bytes());
        bytes[8..].copy_from_slice(&self.offset.to_be_bytes());
        bytes
    }

    /// The place at the end of a key.
    pub(super) fn of(key: &[u8]) -> Option<Place> {
        let bytes = key.last_chunk::<PLACE_BYTES>()?;
        let (topic, rest) = bytes.split_first_chunk()?;
        let (partition, rest) = rest.split_first_chunk()?;
        Some(Place {
            topic: TopicNumber::from_be_bytes(*topic),
            partition: i32::from_be_bytes(*partition),
            offset: i64::from_be_bytes(*rest.first_chunk()?),
        })
    }
}

/// What is kept of a record.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Row<'r> {
    Event {
        id: Uuid,
        causation: Option<Uuid>,
        event: Name,
        by: Option<Name>,
        of_deadline: bool,
        #[serde(borrow)]
        key: Key<'r>,
        at: Timestamp,
    },
    Copy {
        topic: TopicId,
        partition: i32,
        position: Position,
    },
}

/// A key, most of which are uuids.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Key<'r> {
    Uuid(Uuid),
    Text(#[serde(borrow)] Cow<'r, str>),
}

impl<'r> Key<'r> {
    fn of(text: &'r str) -> Self {
        let id = Uuid::try_parse(text).ok();
        // Only as it is written again.
        let same = id.filter(|id| id.as_hyphenated().to_string() == text);
        same.map_or(Key::Text(Cow::Borrowed(text)), Key::Uuid)
    }

    pub(super) fn text(self) -> String {
        match self {
            Key::Uuid(id) => id.to_string(),
            Key::Text(text) => text.into_owned(),
        }
    }
}

impl<'r> Row<'r> {
    pub(super) fn of_event(event: &'r Event<'_>, name: Name, by: Option<Name>) -> Self {
        Row::Event {
            id: event.id.0,
            causation: event.causation.map(|id| id.0),
            event: name,
            by,
            of_deadline: event.of_deadline,
            key: Key::of(&event.key),
            at: event.at,
        }
    }

    pub(super) fn of_copy(copied: &Copied) -> Self {
        Row::Copy {
            topic: copied.topic,
            partition: copied.partition,
            position: copied.position,
        }
    }

    /// The record again. `name` gives the name of a number.
    pub(super) fn record(
        self,
        place: Place,
        topic: &str,
        name: impl Fn(Name) -> Option<String>,
    ) -> Option<Record> {
        Some(match self {
            Row::Event {
                id,
                causation,
                event,
                by,
                of_deadline,
                key,
                at,
            } => Record::Event(Told {
                id: EventId(id),
                causation: causation.map(EventId),
                event: name(event)?,
                by: by.map(&name).map_or(Some(None), |by| by.map(Some))?,
                of_deadline,
                key: key.text(),
                at,
                topic: topic.to_owned(),
                partition: place.partition,
                offset: place.offset,
            }),
            Row::Copy {
                topic,
                partition,
                position,
            } => Record::Copy(Copied {
                offset: place.offset,
                topic,
                partition,
                position,
            }),
        })
    }
}

/// A record of a saga, as a scan finds it.
pub(super) enum Record {
    Event(Told),
    Copy(Copied),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_from_its_key() {
        let place = Place {
            topic: 3,
            partition: 12,
            offset: 1 << 40,
        };
        let key = place.key(CorrelationId::of_saga("o-1"));
        assert_eq!(Place::of(&key), Some(place));
        assert_eq!(Place::of(&key[..15]), None);
    }

    #[test]
    fn a_key_is_kept_as_it_was_written() {
        for text in [
            "018f3c5e-7b1a-7000-8000-000000000001",
            "018F3C5E-7B1A-7000-8000-000000000001",
            "018f3c5e7b1a70008000000000000001",
            "tea",
            "",
        ] {
            let bytes = postcard::to_allocvec(&Key::of(text)).unwrap();
            let key: Key<'_> = postcard::from_bytes(&bytes).unwrap();
            assert_eq!(key.text(), text);
        }
    }
}
