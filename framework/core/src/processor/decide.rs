//! Decide: from an input, or an effect's reply, to the records of its answer.

use crate::declaration::{Decision, EffectDecl};
use crate::effect::{CallFailure, Reply};
use crate::event::DecodeError;
use crate::id::{CorrelationId, EventId};
use crate::partition::partition_of;
use crate::position::{Origin, OriginNumber, Position};
use crate::problem::InputProblem;
use crate::state::{Meta, State};
use crate::stream::Verdict;
use crate::time::Timestamp;
use crate::wire::{self, Record, Source, Stamp};

use super::Outcome;
use super::answer::AnswerTo;
use super::compensate::Making;
use super::entity::Entity;
use super::outbox::Outbox;
use super::owner::Owner;

/// An input whose place, type and key are known.
struct Arrived<'a> {
    origin: OriginNumber,
    partition: i32,
    position: Position,
    routed: bool,
    stamp: Option<Stamp>,
    event_type: &'a str,
    key: &'a str,
    id: EventId,
    record: &'a Record<'a>,
}

impl<S: State> Owner<S> {
    pub(super) fn take(
        &mut self,
        input: usize,
        record: &Record<'_>,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<Outcome, InputProblem> {
        let mut reader = self.inputs[input].reader;
        let verdict = reader.read(record.offset, &record.headers)?;
        if let Some(decided) = self.inputs[input].resumes_at.take()
            && decided != record.offset
            && matches!(verdict, Verdict::Valid(_))
        {
            return Err(InputProblem::Gone { decided });
        }
        let outcome = match verdict {
            Verdict::Fence(_) | Verdict::Void(_) => Outcome::Skipped,
            Verdict::Valid(stamp) => self.arrive(input, Some(stamp), record, now, out)?,
            Verdict::Unfenced(stamp) => self.arrive(input, stamp, record, now, out)?,
        };
        // Only now: a marker written before this input's answer must not claim that this input was read.
        let place = &mut self.inputs[input];
        place.reader = reader;
        place.next = Some(record.offset + 1);
        if !matches!(outcome, Outcome::Decided(1..)) {
            self.unmarked += 1;
        }
        Ok(outcome)
    }

    fn arrive(
        &mut self,
        input: usize,
        stamp: Option<Stamp>,
        record: &Record<'_>,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<Outcome, InputProblem> {
        let event_type = match record.headers.event_type {
            Some(event_type) => event_type,
            None => self.names.sole_types[input].ok_or(InputProblem::NoType)?,
        };
        if wire::is_own_record(event_type) {
            return Ok(Outcome::Skipped);
        }
        let (origin, partition, position) = self.place(input, stamp.as_ref(), record)?;
        let rules = self.setup.rules;
        if rules.skip_by_position && self.positions.passed(origin, partition, position) {
            return Ok(Outcome::Repeat);
        }
        let routed = self.inputs[input].origin.is_none();
        // What a router that ended had in flight behind a copy that was lost: the next router brings both, in order.
        if rules.chained_copies
            && let Some(after) = predecessor(stamp.as_ref())
            && !self.positions.passed(origin, partition, after)
        {
            return Ok(Outcome::Unchained);
        }
        if !self
            .names
            .handlers
            .get(event_type)
            .is_some_and(|handlers| handlers.concern(routed))
        {
            self.positions.advance(origin, partition, position);
            self.routed_unmarked |= routed;
            return Ok(Outcome::Ignored);
        }
        let key = record
            .key
            .and_then(|key| std::str::from_utf8(key).ok())
            .ok_or(InputProblem::NoKey)?;
        let expected = partition_of(key.as_bytes(), self.setup.partitions);
        if expected != self.setup.partition {
            return Err(InputProblem::WrongPartition { expected });
        }
        let id = match record.headers.id {
            Some(id) => wire::event_id(id),
            None => EventId::of_place(
                self.setup.inputs[input].id,
                self.setup.partition,
                record.offset,
            ),
        };
        let known = self
            .entities
            .get(key)
            .is_some_and(|entity| entity.has_answered(id));
        if rules.skip_by_id && known {
            self.positions.advance(origin, partition, position);
            self.routed_unmarked |= routed;
            return Ok(Outcome::Repeat);
        }
        let arrived = Arrived {
            origin,
            partition,
            position,
            routed,
            stamp,
            event_type,
            key,
            id,
            record,
        };
        self.decide(&arrived, now, out)
    }

    /// The origin of an input, and its position there.
    fn place(
        &mut self,
        input: usize,
        stamp: Option<&Stamp>,
        record: &Record<'_>,
    ) -> Result<(OriginNumber, i32, Position), InputProblem> {
        if let Some(origin) = self.inputs[input].origin {
            return Ok((
                origin,
                self.setup.partition,
                Position::direct(record.offset),
            ));
        }
        match stamp.map(|stamp| stamp.source) {
            Some(Source::Copy {
                path,
                topic,
                partition,
                position,
                ..
            }) => {
                // Copies outlive their topic: one that was recreated leaves some in the inbox, and its new copies may
                // come before this owner's fence could name it. Such an origin has a number in memory only.
                let origin = self.positions.lookup(path, topic).unwrap_or_else(|| {
                    self.positions.number(&Origin {
                        path,
                        id: topic,
                        topic: String::new(),
                    })
                });
                Ok((origin, partition, position))
            }
            _ => Err(InputProblem::NoOrigin),
        }
    }

    fn decide(
        &mut self,
        arrived: &Arrived<'_>,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<Outcome, InputProblem> {
        let Some(handlers) = self.names.handlers.get(arrived.event_type) else {
            return Ok(Outcome::Ignored);
        };
        let value = arrived.record.value.unwrap_or_default();
        let known = self.entities.get_mut(arrived.key);
        let mut fresh = Entity::default();
        let is_fresh = known.is_none();
        let entity = known.unwrap_or(&mut fresh);

        let mut key = std::mem::take(&mut self.scratch.key);
        key.clear();
        key.push_str(arrived.key);
        let correlation = arrived.stamp.and_then(|stamp| stamp.correlation);
        let mut meta = Meta {
            id: arrived.id,
            causation: arrived.stamp.and_then(|stamp| stamp.causation),
            correlation: correlation.unwrap_or_else(|| CorrelationId::of_event(arrived.id)),
            at: arrived.record.timestamp,
            key,
        };
        let mut making = Making {
            declaration: &self.declaration,
            names: &self.names,
            items: &mut self.scratch.items,
            events: &mut self.scratch.events,
            now,
        };
        making.items.clear();
        making.events.clear();

        if !arrived.routed && !handlers.undos.is_empty() {
            let undo = &self.declaration.undos[handlers.undos[0]];
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
                self.pending.contains_key(&id)
            })?;
        }
        if let Some(at) = handlers.reaction(arrived.routed) {
            let reaction = &self.declaration.reactions[at];
            let mut decision = Decision {
                state: &entity.state,
                barrier: &entity.barrier,
                blocked_by: reaction.blocked_by,
                value,
                routed: arrived.routed,
                stamped: correlation.is_some(),
                meta,
                events: making.events,
            };
            (reaction.run)(&mut decision)?;
            meta = decision.meta;
            let key = arrived.routed.then_some(arrived.key);
            making.take_events(entity, arrived.id, &self.names.reactions[at], 0, key);
        }

        let correlation = meta.correlation;
        self.scratch.key = meta.key;
        if self.scratch.items.is_empty() {
            self.routed_unmarked |= arrived.routed;
            self.positions
                .advance(arrived.origin, arrived.partition, arrived.position);
            return Ok(Outcome::Decided(0));
        }
        entity.answered(arrived.id, arrived.routed, self.declaration.window);
        if is_fresh {
            self.entities.insert(arrived.key.into(), fresh);
        }
        if self.routed_unmarked && self.setup.rules.marker_before_answer {
            self.append_marker(now, out);
        }
        let answer = AnswerTo {
            correlation,
            causation: arrived.id,
            source: self.source(arrived.origin, arrived.partition, arrived.position),
            key: arrived.key,
            traceparent: arrived.record.headers.traceparent,
        };
        let count = self.write_answer(&answer, now, out)?;
        self.positions
            .advance(arrived.origin, arrived.partition, arrived.position);
        Ok(Outcome::Decided(count))
    }

    /// Answers a request with its port's reply.
    pub(super) fn settle(
        &mut self,
        request: EventId,
        reply: Reply,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<Outcome, InputProblem> {
        self.close(request, now, out, |effect, state, value, events| {
            (effect.run)(state, value, reply, events)
        })
    }

    /// Answers a request that gets no reply, if the declaration says with what.
    pub(super) fn give_up(
        &mut self,
        request: EventId,
        // What a parked key is recorded with.
        _failure: &CallFailure,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<Outcome, InputProblem> {
        let Some(pending) = self.pending.get(&request) else {
            return Ok(Outcome::Repeat);
        };
        if self.declaration.effects[pending.effect].exhausted.is_none() {
            return Ok(Outcome::Ignored);
        }
        self.close(
            request,
            now,
            out,
            |effect, state, value, events| match &effect.exhausted {
                Some(answer) => (answer.run)(state, value, events),
                None => Ok(()),
            },
        )
    }

    /// Gives a request its answer, and runs the undo that waited for it.
    fn close(
        &mut self,
        request: EventId,
        now: Timestamp,
        out: &mut Outbox,
        answer: impl FnOnce(&EffectDecl<S>, &S, &[u8], &mut Vec<S::Event>) -> Result<(), DecodeError>,
    ) -> Result<Outcome, InputProblem> {
        let Some(pending) = self.pending.remove(&request) else {
            return Ok(Outcome::Repeat);
        };
        let Some(entity) = self.entities.get_mut(&*pending.key) else {
            return Ok(Outcome::Repeat);
        };
        let mut making = Making {
            declaration: &self.declaration,
            names: &self.names,
            items: &mut self.scratch.items,
            events: &mut self.scratch.events,
            now,
        };
        making.items.clear();
        making.events.clear();
        let effect = &self.declaration.effects[pending.effect];
        answer(effect, &entity.state, &pending.value, making.events)?;
        making.take_events(
            entity,
            request,
            &self.names.effects[pending.effect],
            0,
            None,
        );
        making.settle_waiting(entity, pending.correlation, &pending.key, |id| {
            self.pending.contains_key(&id)
        })?;
        let answer = AnswerTo {
            correlation: pending.correlation,
            causation: request,
            source: Source::None,
            key: &pending.key,
            traceparent: pending.traceparent.as_deref(),
        };
        if self.routed_unmarked && self.setup.rules.marker_before_answer {
            self.append_marker(now, out);
        }
        self.write_answer(&answer, now, out).map(Outcome::Decided)
    }
}

/// The copy that a routed copy follows.
fn predecessor(stamp: Option<&Stamp>) -> Option<Position> {
    match stamp?.source {
        Source::Copy { after, .. } => after,
        Source::None | Source::Input { .. } => None,
    }
}
