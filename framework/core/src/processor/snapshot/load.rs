//! Loading a snapshot into a fresh owner.

use std::collections::VecDeque;

use crate::barrier::Barrier;
use crate::declaration::SnapshotDecl;
use crate::id::TopicId;
use crate::processor::answered::Answered;
use crate::processor::changed::Changed;
use crate::processor::entity::Entity;
use crate::processor::owner::Owner;
use crate::processor::requests::Pending;
use crate::state::State;
use crate::stream::StreamReader;
use crate::wire::Queued;

use super::codec::read_borrowed;
use super::layout::{Common, FORMAT, KeyLayout, ReadSagas, Ring, Whose};
use super::{Snapshot, SnapshotProblem};

/// What a snapshot claims to hold is not believed when memory is set aside for it.
const KEYS_AT_ONCE: usize = 1 << 24;

fn unreadable(what: impl Into<String>, problem: impl std::fmt::Display) -> SnapshotProblem {
    SnapshotProblem::Unreadable {
        what: what.into(),
        problem: problem.to_string(),
    }
}

impl<S: State> Owner<S> {
    pub(super) fn load_common(
        &mut self,
        stream: TopicId,
        bytes: &[u8],
    ) -> Result<Snapshot, SnapshotProblem> {
        let (format, bytes) = bytes
            .split_first_chunk()
            .ok_or_else(|| unreadable("common part", "it is too short"))?;
        let found = u32::from_le_bytes(*format);
        if found != FORMAT {
            return Err(SnapshotProblem::Format {
                found,
                expected: FORMAT,
            });
        }
        let common: Common<'_> =
            read_borrowed(bytes).map_err(|error| unreadable("common part", error))?;
        let state_version = self.declaration.snapshots.as_ref().map(|decl| decl.version);
        common
            .whose
            .compare(&self.whose(state_version.unwrap_or_default(), stream))?;
        let numbers: Vec<_> = common
            .origins
            .iter()
            .map(|origin| self.positions.number(origin))
            .collect();
        for (origin, partition, position) in common.decided {
            let number = numbers.get(usize::from(origin));
            let number =
                number.ok_or_else(|| unreadable("common part", "an origin has no name"))?;
            self.positions.advance(*number, partition, position);
        }
        let fenced = usize::try_from(common.fenced_origins).unwrap_or(usize::MAX);
        self.fence_origins = numbers.into_iter().take(fenced).collect();
        for (topic, next, cursor) in common.reads {
            self.fold_read(topic, next, cursor);
        }
        for request in common.pending {
            let pending = Pending {
                effect: usize::try_from(request.effect).unwrap_or(usize::MAX),
                key: request.key.into(),
                correlation: request.correlation,
                value: request.value.0.into(),
                at: request.at,
                traceparent: request.traceparent.map(Into::into),
                place: 0,
                is_parked: request.is_parked,
            };
            self.pending.insert(request.id, pending);
        }
        self.latest_parked = common.latest_parked.map(Into::into);
        self.newest_version = common.newest_version;
        self.events = common.events;
        self.reader = StreamReader::resume(Some(common.cursor));
        self.is_known = true;
        self.changed = Changed::NONE;
        let keys = usize::try_from(common.keys).unwrap_or(usize::MAX);
        self.entities.reserve(keys.min(KEYS_AT_ONCE));
        Ok(Snapshot {
            last: common.last,
            cursor: common.cursor,
            keys,
            events: common.events,
        })
    }

    pub(super) fn load_entity(&mut self, key: &str, bytes: &[u8]) -> Result<(), SnapshotProblem> {
        let Some(decl) = &self.declaration.snapshots else {
            return Err(unreadable(
                format!("key `{key}`"),
                "the aggregate keeps no snapshots",
            ));
        };
        let (entity, parked) = read_key(decl, self.declaration.window, key, bytes)?;
        if let Some(entity) = entity {
            self.entities.insert(key, entity);
        }
        // Of the most keys nothing is parked, and nothing was.
        if !parked.is_empty() || !self.parked.is_empty() {
            self.parked.set(key, parked);
        }
        self.make_room();
        self.entities
            .failure()
            .map_or(Ok(()), |why| Err(why.clone()))
    }
}

/// One key from its bytes: what is known of it, and what is parked.
pub(in crate::processor) fn read_key<S>(
    decl: &SnapshotDecl<S>,
    window: usize,
    key: &str,
    bytes: &[u8],
) -> Result<(Option<Entity<S>>, VecDeque<Queued>), SnapshotProblem> {
    let of_key = || format!("key `{key}`");
    let layout: KeyLayout<'_, ReadSagas> =
        read_borrowed(bytes).map_err(|error| unreadable(of_key(), error))?;
    let parked = layout
        .parked
        .iter()
        .map(|json| serde_json::from_slice(json.0));
    let parked = parked.collect::<Result<VecDeque<_>, serde_json::Error>>();
    let parked = parked.map_err(|error| unreadable(of_key(), error))?;
    let Some(entity) = layout.entity else {
        return Ok((None, parked));
    };
    let state = (decl.read)(entity.state.0);
    let answered = entity.answered.read(window);
    let copies = entity.answered_copies.map(|ring| ring.read(window));
    let (Some(answered), Ok(copies)) = (
        answered,
        copies.map_or(Ok(None), |ring| ring.map(Some).ok_or(())),
    ) else {
        return Err(unreadable(of_key(), "its answered ids are no ring"));
    };
    let entity = Entity {
        state: state.map_err(|error| unreadable(of_key(), error))?,
        answered,
        answered_copies: copies.map(Box::new),
        barrier: Barrier::of_sagas(entity.barrier),
        alarm: entity.alarm.map(Box::new),
    };
    Ok((Some(entity), parked))
}

impl Ring<'_> {
    fn read(&self, window: usize) -> Option<Answered> {
        let (ids, rest) = self.ids.0.as_chunks();
        let is_ring = rest.is_empty() && ids.len() <= window && (self.next as usize) < window;
        let ids = ids.iter().map(|id| u128::from_le_bytes(*id));
        is_ring.then(|| Answered::of_ring(ids.collect(), self.next))
    }
}

impl Whose<'_> {
    fn compare(&self, own: &Whose<'_>) -> Result<(), SnapshotProblem> {
        let text = |text: &dyn std::fmt::Display| text.to_string();
        let pairs: [(&'static str, String, String); 7] = [
            ("the service", text(&self.service), text(&own.service)),
            ("the aggregate", text(&self.aggregate), text(&own.aggregate)),
            ("partition", text(&self.partition), text(&own.partition)),
            (
                "a partition count of",
                text(&self.partitions),
                text(&own.partitions),
            ),
            (
                "the stream with the topic id",
                text(&self.stream),
                text(&own.stream),
            ),
            (
                "the snapshots' version",
                text(&self.state_version),
                text(&own.state_version),
            ),
            (
                "a declaration that folds",
                text(&self.folds),
                text(&own.folds),
            ),
        ];
        match pairs
            .into_iter()
            .find(|(_, found, expected)| found != expected)
        {
            Some((what, found, expected)) => Err(SnapshotProblem::Other {
                what,
                found,
                expected,
            }),
            None => Ok(()),
        }
    }
}
