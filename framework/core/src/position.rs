//! Positions: how far an aggregate has decided the inputs of each origin.
//!
//! A position is compared with inputs of the same origin only. It keeps order and recognises what is read again; what
//! was *published* twice has another position, and is recognised by its id.

use std::fmt;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::id::TopicId;

/// The place of an input in its origin: the offset, and which of its routed copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Offset in the origin's partition.
    pub offset: i64,
    /// Index of the copy among those a router made of the record; 0 for a direct input.
    pub copy: u32,
}

impl Position {
    /// A direct input's position.
    #[must_use]
    pub const fn direct(offset: i64) -> Self {
        Position { offset, copy: 0 }
    }
}

/// By which way an input reaches the aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Path {
    /// The aggregate reads the topic itself.
    Direct,
    /// A router of this version forwards copies through the inbox.
    Route(u32),
}

impl Path {
    /// The route that this code makes. Its version is part of the origin, so that a router that splits records in
    /// another way starts with fresh positions.
    pub const CURRENT_ROUTE: Path = Path::Route(1);
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Direct => f.write_str("direct"),
            Path::Route(version) => write!(f, "route {version}"),
        }
    }
}

/// One topic as a source of inputs: a path, and the topic's id (not its name, so that a recreated topic starts anew).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// How its records arrive.
    pub path: Path,
    /// Kafka's id of the topic.
    pub id: TopicId,
    /// The topic's name, for people.
    pub topic: String,
}

impl Origin {
    fn same(&self, other: &Origin) -> bool {
        self.path == other.path && self.id == other.id
    }
}

/// The number of an origin in an owner's fence record.
pub type OriginNumber = u16;

/// The last decided position of each origin and partition.
#[derive(Debug, Clone, Default)]
pub(crate) struct Positions {
    origins: Vec<Origin>,
    decided: HashMap<(OriginNumber, i32), Position>,
}

impl Positions {
    /// The number of `origin` here, given one if it has none yet.
    pub(crate) fn number(&mut self, origin: &Origin) -> OriginNumber {
        let at = self.find(origin).unwrap_or_else(|| {
            self.origins.push(origin.clone());
            self.origins.len() - 1
        });
        OriginNumber::try_from(at).unwrap_or(OriginNumber::MAX)
    }

    fn find(&self, origin: &Origin) -> Option<usize> {
        self.origins.iter().position(|known| known.same(origin))
    }

    /// The number of the origin with this path and topic id, if it is known.
    pub(crate) fn lookup(&self, path: Path, id: TopicId) -> Option<OriginNumber> {
        self.origins
            .iter()
            .position(|known| known.path == path && known.id == id)
            .and_then(|at| OriginNumber::try_from(at).ok())
    }

    pub(crate) fn origins(&self) -> &[Origin] {
        &self.origins
    }

    pub(crate) fn is_routed(&self, origin: OriginNumber) -> bool {
        let origin = self.origins.get(usize::from(origin));
        origin.is_some_and(|origin| matches!(origin.path, Path::Route(_)))
    }

    pub(crate) fn last(&self, origin: OriginNumber, partition: i32) -> Option<Position> {
        self.decided.get(&(origin, partition)).copied()
    }

    /// Rule 5, its first half: whether this input is at or below the last decided one of its origin.
    pub(crate) fn passed(&self, origin: OriginNumber, partition: i32, position: Position) -> bool {
        self.last(origin, partition)
            .is_some_and(|last| position <= last)
    }

    pub(crate) fn advance(&mut self, origin: OriginNumber, partition: i32, position: Position) {
        let last = self.decided.entry((origin, partition)).or_insert(position);
        *last = (*last).max(position);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (OriginNumber, i32, Position)> + '_ {
        self.decided
            .iter()
            .map(|(&(origin, partition), &position)| (origin, partition, position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(id: u128, topic: &str) -> Origin {
        Origin {
            path: Path::Direct,
            id: TopicId(uuid::Uuid::from_u128(id)),
            topic: topic.into(),
        }
    }

    #[test]
    fn a_recreated_topic_is_another_origin_and_starts_anew() {
        let mut positions = Positions::default();
        let old = positions.number(&origin(1, "orders"));
        positions.advance(old, 0, Position::direct(41));
        assert!(positions.passed(old, 0, Position::direct(41)));
        let new = positions.number(&origin(2, "orders"));
        assert_ne!(old, new);
        assert!(!positions.passed(new, 0, Position::direct(0)));
    }

    #[test]
    fn copies_of_one_record_are_told_apart_by_their_index() {
        let mut positions = Positions::default();
        let routed = positions.number(&origin(1, "inventory"));
        positions.advance(routed, 3, Position { offset: 7, copy: 0 });
        assert!(positions.passed(routed, 3, Position { offset: 7, copy: 0 }));
        assert!(!positions.passed(routed, 3, Position { offset: 7, copy: 1 }));
        assert!(
            !positions.passed(routed, 4, Position { offset: 0, copy: 0 }),
            "each partition counts on its own"
        );
    }
}
