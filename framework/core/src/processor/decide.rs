//! Decide: from an input to the records of its answer.

use crate::declaration::Decision;
use crate::id::{CorrelationId, EventId};
use crate::problem::InputProblem;
use crate::state::{Meta, State};
use crate::time::Timestamp;
use crate::wire::Stamp;

use super::answer::AnswerTo;
use super::arrive::Arrived;
use super::entity::Entity;
use super::making::{Failed, Making};
use super::outbox::Outbox;
use super::owner::Owner;
use super::{Outcome, ProcessorError};

/// What a decision needs to know of an input, whether it has just arrived or was parked.
#[derive(Clone, Copy)]
pub(super) struct Deciding<'a> {
    pub(super) id: EventId,
    pub(super) event_type: &'a str,
    pub(super) key: &'a str,
    pub(super) value: &'a [u8],
    pub(super) at: Timestamp,
    pub(super) stamp: Option<Stamp>,
    pub(super) traceparent: Option<&'a str>,
    pub(super) routed: bool,
}

impl<S: State> Owner<S> {
    pub(super) fn decide(
        &mut self,
        arrived: &Arrived<'_>,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<Outcome, ProcessorError> {
        let Deciding {
            id, key, routed, ..
        } = arrived.deciding;
        let correlation = match self.run(&arrived.deciding, now) {
            Ok(correlation) => correlation,
            Err(failed) => {
                let failure = failed.parkable(key, id)?;
                return Ok(self.park(arrived, failure, now, out));
            }
        };
        if self.scratch.draft.items.is_empty() {
            self.routed_unmarked |= routed;
            self.positions
                .advance(arrived.origin, arrived.partition, arrived.position);
            return Ok(match self.bars(&arrived.deciding, correlation) {
                true => Outcome::Barred,
                false => Outcome::Decided(0),
            });
        }
        if let Some(entity) = self.entities.get_mut(key) {
            entity.answered(id, routed, self.declaration.window);
        }
        let answer = AnswerTo {
            correlation,
            causation: id,
            source: self.source(arrived.origin, arrived.partition, arrived.position),
            key,
            traceparent: arrived.deciding.traceparent,
        };
        let count = self.write_answer(&answer, now, out);
        self.positions
            .advance(arrived.origin, arrived.partition, arrived.position);
        Ok(Outcome::Decided(count))
    }

    /// Whether what an input's reaction does is barred to the saga.
    fn bars(&mut self, input: &Deciding<'_>, saga: CorrelationId) -> bool {
        let handlers = self.names.handlers.get(input.event_type);
        let reaction = handlers.and_then(|handlers| handlers.reaction(input.routed));
        let steps = reaction.map(|at| self.declaration.reactions[at].blocked_by);
        let entity = self.entities.get(input.key);
        entity
            .zip(steps)
            .is_some_and(|(entity, steps)| entity.barrier.bars(saga, steps))
    }

    /// Runs what is declared for an input and collects the answer in the draft; the state takes it up at once. Gives
    /// the saga.
    pub(super) fn run(
        &mut self,
        input: &Deciding<'_>,
        now: Timestamp,
    ) -> Result<CorrelationId, Failed> {
        let Deciding {
            id,
            event_type,
            key,
            value,
            routed,
            ..
        } = *input;
        let known = self.entities.get_mut(key);
        let mut fresh = Entity::default();
        let is_fresh = known.is_none();
        let entity = known.unwrap_or(&mut fresh);
        let due = entity.due();

        let mut key_text = std::mem::take(&mut self.scratch.key);
        key_text.clear();
        key_text.push_str(key);
        let rules = self.setup.rules;
        let correlation = input.stamp.and_then(|stamp| stamp.correlation);
        let mut meta = Meta {
            id,
            causation: input.stamp.and_then(|stamp| stamp.causation),
            correlation: correlation.unwrap_or_else(|| CorrelationId::of_event(id)),
            at: input.at,
            key: key_text,
        };
        let mut making = Making::begin(
            &self.declaration,
            &self.names,
            &mut self.scratch,
            key,
            self.setup.max_record_bytes,
            now,
            meta.correlation,
        );
        making.traceparent = input.traceparent;
        let pending = &self.pending;
        let outcome = making.attempt(|making| {
            let Some(handlers) = making.names.handlers.get(event_type) else {
                return Ok(meta);
            };
            if !routed && !handlers.undos.is_empty() {
                let undo = &making.declaration.undos[handlers.undos[0]];
                let (saga, same_key) = (undo.check)(value, &meta.key)?;
                if !same_key {
                    return Err(InputProblem::KeyMismatch {
                        field: undo.trigger.key_field,
                    });
                }
                if correlation.is_none()
                    && let Some(saga) = saga
                {
                    meta.correlation = saga;
                }
                making.compensate(entity, &handlers.undos, &meta, value, |id| {
                    pending.contains_key(&id)
                })?;
            }
            if let Some(at) = handlers.reaction(routed) {
                let reaction = &making.declaration.reactions[at];
                making.function = Some(reaction.function);
                let mut decision = Decision {
                    state: &entity.state,
                    barrier: &entity.barrier,
                    blocked_by: reaction.blocked_by,
                    value,
                    routed,
                    stamped: correlation.is_some(),
                    meta,
                    events: making.events,
                };
                (reaction.run)(&mut decision)?;
                meta = decision.meta;
                making.correlation = meta.correlation;
                let key = (routed && rules.ids_by_key).then_some(key);
                making.take_events(entity, id, &making.names.reactions[at], 0, key)?;
            }
            Ok(meta)
        });
        let meta = match outcome {
            Ok(meta) => meta,
            // A state that nobody had before is not missed.
            Err(failed) => {
                return Err(Failed {
                    broken: failed.broken && !is_fresh,
                    ..failed
                });
            }
        };
        let due_now = entity.due();
        let correlation = meta.correlation;
        self.scratch.key = meta.key;
        if is_fresh && !self.scratch.draft.items.is_empty() && !self.scratch.rehearses {
            self.entities.insert(key, fresh);
        }
        self.deadlines.changed(key, due, due_now);
        Ok(correlation)
    }
}
