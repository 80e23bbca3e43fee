//! The layout of a snapshot: what is written of a key, and what of the rest.
//!
//! Fields are written in order and without names (postcard), so any change here is a new [`FORMAT`].

use serde::{Deserialize, Serialize};

use crate::barrier::Saga;
use crate::id::{CorrelationId, EventId, TopicId};
use crate::position::{Origin, OriginNumber, Position};
use crate::processor::entity::Alarm;
use crate::stream::Cursor;
use crate::time::Timestamp;

/// The version of this layout.
pub(super) const FORMAT: u32 = 2;

/// What is no key's own.
#[derive(Serialize, Deserialize)]
pub(super) struct Common<'a> {
    #[serde(borrow)]
    pub(super) whose: Whose<'a>,
    /// The fence in force, and the number of the last valid record.
    pub(super) cursor: Cursor,
    /// The last valid record's offset.
    pub(super) last: i64,
    pub(super) newest_version: u32,
    pub(super) events: u64,
    pub(super) keys: u64,
    /// Those of the fence in force first, by their numbers there.
    pub(super) origins: Vec<Origin>,
    pub(super) fenced_origins: u64,
    pub(super) decided: Vec<(OriginNumber, i32, Position)>,
    /// What the latest markers say: the topic, the next offset, and the fence in force there.
    pub(super) reads: Vec<(TopicId, i64, Option<Cursor>)>,
    /// In order.
    pub(super) pending: Vec<Request<'a>>,
    pub(super) latest_parked: Option<&'a str>,
}

/// What a snapshot must have in common with who loads it.
#[derive(Serialize, Deserialize)]
pub(super) struct Whose<'a> {
    pub(super) service: &'a str,
    pub(super) aggregate: &'a str,
    pub(super) partition: i32,
    pub(super) partitions: i32,
    pub(super) stream: TopicId,
    pub(super) state_version: u32,
    /// What the declaration folds beyond the state.
    pub(super) folds: String,
}

/// A request without an answer.
#[derive(Serialize, Deserialize)]
pub(super) struct Request<'a> {
    pub(super) id: EventId,
    pub(super) effect: u32,
    pub(super) key: &'a str,
    pub(super) correlation: CorrelationId,
    #[serde(borrow)]
    pub(super) value: Bytes<'a>,
    pub(super) at: Timestamp,
    pub(super) traceparent: Option<&'a str>,
    pub(super) is_parked: bool,
}

/// The barrier of a key that is written, and of one that is read.
pub(super) type KeptSagas<'a> = Vec<(&'a CorrelationId, &'a Saga)>;
pub(super) type ReadSagas = Vec<(CorrelationId, Saga)>;

/// One key.
#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "Sagas: Deserialize<'de>"))]
pub(super) struct KeyLayout<'a, Sagas> {
    /// `None` for a key of which nothing is known but what is parked.
    #[serde(borrow)]
    pub(super) entity: Option<EntityLayout<'a, Sagas>>,
    /// Each in JSON, as in the stream: what is optional there has no fixed place.
    pub(super) parked: Vec<Bytes<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "Sagas: Deserialize<'de>"))]
pub(super) struct EntityLayout<'a, Sagas> {
    /// As the state's own type writes itself.
    #[serde(borrow)]
    pub(super) state: Bytes<'a>,
    pub(super) answered: Ring<'a>,
    pub(super) answered_copies: Option<Ring<'a>>,
    pub(super) barrier: Sagas,
    pub(super) alarm: Option<Alarm>,
}

/// A ring of ids, 16 bytes each, and where the next one goes.
#[derive(Serialize, Deserialize)]
pub(super) struct Ring<'a> {
    #[serde(borrow)]
    pub(super) ids: Bytes<'a>,
    pub(super) next: u32,
}

/// Bytes that are borrowed from where they were read.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Bytes<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Deserialize::deserialize(deserializer).map(Bytes)
    }
}
