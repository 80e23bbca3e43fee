//! Writing a snapshot: key by key while the owner works, and the rest when the log holds all that memory does.

use crate::declaration::SnapshotDecl;
use crate::id::TopicId;
use crate::processor::answered::Answered;
use crate::processor::entity::Entity;
use crate::processor::own::to_json;
use crate::processor::owner::Owner;
use crate::processor::requests::Pending;
use crate::state::State;
use crate::stream::Cursor;
use crate::wire::Queued;

use super::codec::write;
use super::layout::{
    Bytes, Common, EntityLayout, FORMAT, KeptSagas, KeyLayout, Request, Ring, Whose,
};
use super::{Snapshot, SnapshotProblem};

/// Buffers for one key after the other.
#[derive(Default)]
pub(in crate::processor) struct EntityBuffers {
    state: Vec<u8>,
    ids: [Vec<u8>; 2],
    key: Vec<u8>,
}

impl<S: State> Owner<S> {
    pub(super) fn write_keys(
        &mut self,
        at_most: usize,
        take: &mut dyn FnMut(&str, &[u8]),
    ) -> Result<(), SnapshotProblem> {
        if self.declaration.snapshots.is_none() {
            return Ok(());
        }
        self.list_changed();
        let Owner {
            declaration,
            entities,
            parked,
            changed,
            ..
        } = self;
        let Some(decl) = &declaration.snapshots else {
            return Ok(());
        };
        let mut buffers = EntityBuffers::default();
        let from = changed.keys.len().saturating_sub(at_most);
        let rest = at_most - (changed.keys.len() - from);
        for (at, key) in changed.keys.drain(from..).enumerate() {
            if !entities.is_in_memory(&key)
                && let Some(bytes) = entities.cold_bytes(&key)
            {
                take(&key, &bytes);
                continue;
            }
            // Of a key that cannot be read back nothing is handed out, and no snapshot is completed any more.
            if entities.failure().is_some() {
                break;
            }
            let mut entity = entities.get_mut(&key);
            if let Some(entity) = &mut entity {
                entity.answered.is_changed = false;
            }
            let unwritable = |problem: postcard::Error| SnapshotProblem::Unwritable {
                key: key.to_string(),
                problem: problem.to_string(),
            };
            let entity = entity.as_deref();
            buffers
                .write(decl, entity, parked.of(&key))
                .map_err(unwritable)?;
            // One of many tells: what a type cannot do, it cannot do for any key.
            if at == 0 && entity.is_some() {
                is_read_again(decl, &buffers.state).map_err(unwritable)?;
            }
            take(&key, &buffers.key);
        }
        self.write_stored(rest, take)
    }

    /// Of all keys, those that the store holds. One that was brought into memory since the sweep began has newer bytes.
    fn write_stored(
        &mut self,
        at_most: usize,
        take: &mut dyn FnMut(&str, &[u8]),
    ) -> Result<(), SnapshotProblem> {
        let Owner {
            declaration,
            entities,
            parked,
            changed,
            ..
        } = self;
        let (Some(decl), Some(sweep)) = (&declaration.snapshots, &mut changed.sweep) else {
            return Ok(());
        };
        if at_most == 0 {
            return Ok(());
        }
        let mut buffers = EntityBuffers::default();
        let (mut left, mut last, mut problem) = (at_most, None, None);
        let was_read = entities.each_stored(sweep.after.as_deref(), &mut |key, bytes| {
            if let Some(entity) = entities.peek(key) {
                let written = buffers.write(decl, Some(entity), parked.of(key));
                if let Err(error) = written {
                    problem = Some(SnapshotProblem::Unwritable {
                        key: key.to_owned(),
                        problem: error.to_string(),
                    });
                    return false;
                }
                take(key, &buffers.key);
            } else {
                take(key, bytes);
            }
            left -= 1;
            last = Some(key.into());
            left > 0
        });
        if let Some(problem) = problem {
            return Err(problem);
        }
        sweep.left = sweep.left.saturating_sub(at_most - left).max(1);
        if last.is_some() {
            sweep.after = last;
        }
        // With a store that failed, the sweep never ends, and no snapshot is completed: the owner is about to be dropped.
        if was_read {
            changed.sweep = None;
        }
        Ok(())
    }

    /// Writes one key, whether it has changed or not. False if nothing is known of it.
    pub(in crate::processor) fn write_one(
        &self,
        key: &str,
        out: &mut Vec<u8>,
    ) -> Result<bool, SnapshotProblem> {
        if let Some(bytes) = self.cold_bytes(key)? {
            out.extend_from_slice(&bytes);
            return Ok(true);
        }
        let entity = self.entities.peek(key);
        if entity.is_none() && !self.parked.contains(key) {
            return Ok(false);
        }
        let Some(decl) = &self.declaration.snapshots else {
            return Err(SnapshotProblem::Unreadable {
                what: format!("key `{key}`"),
                problem: "the aggregate keeps no snapshots".to_owned(),
            });
        };
        let mut buffers = EntityBuffers::default();
        let written = buffers.write(decl, entity, self.parked.of(key));
        written.map_err(|problem| SnapshotProblem::Unwritable {
            key: key.to_owned(),
            problem: problem.to_string(),
        })?;
        out.extend_from_slice(&buffers.key);
        Ok(true)
    }

    /// The bytes of a key that is not in memory.
    fn cold_bytes(&self, key: &str) -> Result<Option<Vec<u8>>, SnapshotProblem> {
        if self.entities.is_in_memory(key) {
            return Ok(None);
        }
        let bytes = self.entities.cold_bytes(key);
        self.entities
            .failure()
            .map_or(Ok(bytes), |why| Err(why.clone()))
    }

    pub(super) fn write_common(
        &self,
        stream: TopicId,
        out: &mut Vec<u8>,
    ) -> Result<Option<Snapshot>, SnapshotProblem> {
        let Some(decl) = &self.declaration.snapshots else {
            return Ok(None);
        };
        let is_durable =
            self.appends.in_flight() == 0 && self.unmarked == 0 && !self.routed_unmarked;
        if !is_durable || !self.has_written_keys() || self.entities.failure().is_some() {
            return Ok(None);
        }
        let inputs = self.inputs.iter().zip(&self.setup.inputs);
        let reads = inputs.filter_map(|(input, topic)| {
            input.marked.map(|(next, cursor)| (topic.id, next, cursor))
        });
        let snapshot = Snapshot {
            last: self.appends.last(),
            cursor: Cursor {
                epoch: self.epoch,
                nonce: self.setup.nonce,
                number: self.number,
            },
            keys: self.entities.len(),
            events: self.events,
        };
        let common = Common {
            whose: self.whose(decl.version, stream),
            cursor: snapshot.cursor,
            last: snapshot.last,
            newest_version: self.newest_version.max(self.declaration.version),
            events: snapshot.events,
            keys: snapshot.keys as u64,
            origins: self.positions.origins().to_vec(),
            fenced_origins: self.fenced_origins as u64,
            decided: self.positions.iter().collect(),
            reads: reads.chain(self.others_marked.iter().copied()).collect(),
            pending: self
                .pending
                .in_order()
                .into_iter()
                .map(|(&id, pending)| pending.layout(id))
                .collect(),
            latest_parked: self.latest_parked.as_deref(),
        };
        out.extend_from_slice(&FORMAT.to_le_bytes());
        write(&common, out).map_err(|error| SnapshotProblem::Unreadable {
            what: "common part".into(),
            problem: error.to_string(),
        })?;
        Ok(Some(snapshot))
    }

    pub(super) fn whose(&self, state_version: u32, stream: TopicId) -> Whose<'_> {
        let own = self.names.own.iter();
        let own = own.map(|own| {
            format!(
                "{} step {:?} effect {:?} pivot {}",
                own.event.name, own.step, own.effect, own.pivot
            )
        });
        let own: Vec<String> = own.collect();
        let steps: Vec<&str> = self
            .declaration
            .steps
            .iter()
            .map(|step| step.name)
            .collect();
        Whose {
            service: &self.setup.service,
            aggregate: self.declaration.name,
            partition: self.setup.partition,
            partitions: self.setup.partitions,
            stream,
            state_version,
            folds: format!(
                "{}; steps {}; deadline {}; remembers {}",
                own.join(", "),
                steps.join(", "),
                self.declaration.deadline.is_some(),
                self.declaration.window
            ),
        }
    }
}

impl Pending {
    fn layout(&self, id: crate::id::EventId) -> Request<'_> {
        Request {
            id,
            effect: u32::try_from(self.effect).unwrap_or(u32::MAX),
            key: &self.key,
            correlation: self.correlation,
            value: Bytes(&self.value),
            at: self.at,
            traceparent: self.traceparent.as_deref(),
            is_parked: self.is_parked,
        }
    }
}

impl EntityBuffers {
    /// Writes a key of which nothing is parked.
    pub(in crate::processor) fn entity<S>(
        &mut self,
        decl: &SnapshotDecl<S>,
        entity: &Entity<S>,
    ) -> postcard::Result<&[u8]> {
        self.write(decl, Some(entity), std::iter::empty())?;
        Ok(&self.key)
    }

    /// What was written last.
    pub(in crate::processor) fn bytes(&self) -> &[u8] {
        &self.key
    }

    /// The state's part of what was written last.
    pub(in crate::processor) fn state(&self) -> &[u8] {
        &self.state
    }

    fn write<'a, S>(
        &mut self,
        decl: &SnapshotDecl<S>,
        entity: Option<&Entity<S>>,
        parked: impl Iterator<Item = &'a Queued>,
    ) -> postcard::Result<()> {
        let EntityBuffers {
            state,
            ids: [direct, copies],
            key,
        } = self;
        state.clear();
        key.clear();
        let parked: Vec<Vec<u8>> = parked.map(to_json).collect();
        let entity = match entity {
            None => None,
            Some(entity) => {
                (decl.write)(&entity.state, state)?;
                let mut sagas: KeptSagas<'_> = entity.barrier.sagas().collect();
                sagas.sort_unstable_by_key(|(id, _)| **id);
                Some(EntityLayout {
                    state: Bytes(state),
                    answered: ring(&entity.answered, direct),
                    answered_copies: entity.answered_copies.as_ref().map(|ids| ring(ids, copies)),
                    barrier: sagas,
                    alarm: entity.alarm.as_deref().cloned(),
                })
            }
        };
        let layout = KeyLayout {
            entity,
            parked: parked.iter().map(|json| Bytes(json)).collect(),
        };
        write(&layout, key)
    }
}

fn ring<'a>(answered: &Answered, bytes: &'a mut Vec<u8>) -> Ring<'a> {
    let (ids, next) = answered.ring();
    bytes.clear();
    bytes.extend(ids.iter().flat_map(|id| id.to_le_bytes()));
    Ring {
        ids: Bytes(bytes),
        next,
    }
}

/// Whether a state that is read writes itself as it was written: the same bytes, but for the order in which a hash map or a
/// hash set hands out what it holds, which is another one in every map.
pub(in crate::processor) fn is_read_again<S>(
    decl: &SnapshotDecl<S>,
    written: &[u8],
) -> postcard::Result<()> {
    let mut again = Vec::new();
    (decl.write)(&(decl.read)(written)?, &mut again)?;
    if again == written || is_in_another_order(&again, written) {
        Ok(())
    } else {
        Err(postcard::Error::DeserializeBadEncoding)
    }
}

/// Whether both are the same bytes, each as often: what they are where only the order of a map's entries differs.
pub(crate) fn is_in_another_order(one: &[u8], other: &[u8]) -> bool {
    let counts = |bytes: &[u8]| {
        let mut counts = [0_usize; 256];
        for &byte in bytes {
            counts[usize::from(byte)] += 1;
        }
        counts
    };
    one.len() == other.len() && counts(one) == counts(other)
}
