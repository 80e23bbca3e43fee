//! Decide: from an input, or an effect's reply, to the records of its answer.

use crate::aggregate::InputProblem;
use crate::barrier::{Step, Waiting};
use crate::declaration::{Decision, Declaration};
use crate::effect::Reply;
use crate::event::OwnEvents;
use crate::id::{CorrelationId, EventId, ReactionId};
use crate::key::Key;
use crate::partition::partition_of;
use crate::position::{Origin, OriginNumber, Position};
use crate::state::{Meta, State};
use crate::stream::Verdict;
use crate::time::Timestamp;
use crate::wire::{
    self, BARRED, Barred, Record, RestEvent, Source, Stamp, Trigger, Writer, write_rest,
};

use super::Outcome;
use super::outbox::{Append, Outbox};
use super::owner::{AnswerTo, Entity, Names, Owner, Recorded, to_json};

/// One record of an answer, before it is written.
pub(super) enum Item<E> {
    Event {
        event: E,
        id: EventId,
    },
    Bar {
        id: EventId,
        step: Step,
        by: String,
        waiting: Option<Trigger>,
    },
}

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
            .is_some_and(|entity| entity.answered.contains(id));
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
        entity.answered.insert(arrived.id, self.declaration.window);
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

    /// Answers a request with its port's reply, and runs the undo that waited for it.
    pub(super) fn settle(
        &mut self,
        request: EventId,
        reply: Reply,
        now: Timestamp,
        out: &mut Outbox,
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
        (effect.run)(&entity.state, &pending.value, reply, making.events)?;
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

    /// Writes the collected items as one answer. The state has taken them up already.
    fn write_answer(
        &mut self,
        answer: &AnswerTo<'_>,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<usize, InputProblem> {
        let Some(entity) = self.entities.get_mut(answer.key) else {
            return Ok(0);
        };
        let scratch = &mut self.scratch;
        let count = scratch.items.len();
        if count > usize::from(u16::MAX) {
            return Err(InputProblem::TooMany {
                records: count,
                limit: u16::MAX.into(),
            });
        }
        // All values first: the first record's header carries those of its successors.
        scratch.values.clear();
        let mut ends = [0usize; 1];
        let mut more_ends = Vec::new();
        if count > 1 {
            more_ends.reserve_exact(count);
        }
        let ends: &mut [usize] = if count > 1 {
            more_ends.resize(count, 0);
            &mut more_ends
        } else {
            &mut ends
        };
        for (item, end) in scratch.items.iter().zip(ends.iter_mut()) {
            match item {
                Item::Event { event, .. } => {
                    if !event.key().is(answer.key) {
                        let event_type = event.event_type().name;
                        return Err(InputProblem::ForeignKey {
                            event: event_type,
                            found: event.key().text(),
                        });
                    }
                    event.encode(&mut scratch.values);
                }
                Item::Bar {
                    step, by, waiting, ..
                } => {
                    let step = self.declaration.steps[usize::from(*step)].name.to_owned();
                    let barred = Barred {
                        step,
                        by: by.clone(),
                        waiting: waiting.clone(),
                    };
                    scratch.values.extend(to_json(&barred));
                }
            }
            *end = scratch.values.len();
        }
        scratch.rest.clear();
        for (at, item) in scratch.items.iter().enumerate().skip(1) {
            let value = &scratch.values[ends[at - 1]..ends[at]];
            write_rest(
                &mut scratch.rest,
                RestEvent {
                    event_type: item.event_type(),
                    id: item.id(),
                    value,
                },
            );
        }
        let mut from = 0;
        for (at, item) in scratch.items.iter_mut().enumerate() {
            let value = &scratch.values[from..ends[at]];
            from = ends[at];
            self.number += 1;
            let stamp = Stamp {
                correlation: Some(answer.correlation),
                causation: Some(answer.causation),
                writer: Some(Writer {
                    epoch: Some(self.epoch),
                    nonce: self.setup.nonce,
                    number: self.number,
                }),
                source: answer.source,
                index: u16::try_from(at + 1).unwrap_or(u16::MAX),
                count: u16::try_from(count).unwrap_or(u16::MAX),
            };
            scratch.stamp.clear();
            stamp.write(&mut scratch.stamp);
            let append = Append {
                event_type: item.event_type(),
                id: item.id(),
                at: now,
                key: answer.key.as_bytes(),
                value,
                stamp: scratch.stamp.as_bytes(),
                rest: (at == 0 && count > 1).then_some(scratch.rest.as_slice()),
                traceparent: answer.traceparent.map(str::as_bytes),
            };
            let (bytes, limit) = (append.size_bytes(), self.setup.max_record_bytes);
            if bytes > limit {
                return Err(InputProblem::TooLarge { bytes, limit });
            }
            out.push(&append);
            let request = match item {
                Item::Event { event, id } => {
                    let recorded = Recorded {
                        event_type: event.event_type().name,
                        id: *id,
                        correlation: answer.correlation,
                        key: answer.key,
                        value,
                        traceparent: answer.traceparent,
                    };
                    Self::note(
                        &self.names,
                        &mut self.pending,
                        &mut entity.barrier,
                        &recorded,
                    )
                }
                Item::Bar {
                    step, by, waiting, ..
                } => {
                    let waiting = waiting.take().map(|trigger| Waiting {
                        step: *step,
                        by: std::mem::take(by),
                        trigger,
                    });
                    entity.barrier.bar(answer.correlation, *step, waiting);
                    None
                }
            };
            self.appends.push(request);
        }
        Ok(count)
    }
}

impl<E: OwnEvents> Item<E> {
    fn event_type(&self) -> &'static str {
        match self {
            Item::Event { event, .. } => event.event_type().name,
            Item::Bar { .. } => BARRED,
        }
    }

    fn id(&self) -> EventId {
        match self {
            Item::Event { id, .. } | Item::Bar { id, .. } => *id,
        }
    }
}

/// An answer in the making: each reaction's events are taken up by the state before the next reaction decides.
struct Making<'a, S: State> {
    declaration: &'a Declaration<S>,
    names: &'a Names,
    items: &'a mut Vec<Item<S::Event>>,
    events: &'a mut Vec<S::Event>,
    now: Timestamp,
}

impl<S: State> Making<'_, S> {
    /// Moves what a reaction emitted into the answer. Returns the index that its next event would have.
    fn take_events(
        &mut self,
        entity: &mut Entity<S>,
        cause: EventId,
        reaction: &ReactionId,
        from: u32,
        key: Option<&str>,
    ) -> u32 {
        let mut index = from;
        for event in self.events.drain(..) {
            entity.state.evolve(&event, self.now);
            self.items.push(Item::Event {
                id: EventId::derive(cause, reaction, index, key),
                event,
            });
            index += 1;
        }
        index
    }

    /// A trigger arrived: undoes, bars, or keeps the trigger until a pending effect is answered.
    fn compensate(
        &mut self,
        entity: &mut Entity<S>,
        undos: &[usize],
        meta: &Meta,
        value: &[u8],
        is_pending: impl Fn(EventId) -> bool,
    ) -> Result<(), InputProblem> {
        let saga = entity.barrier.saga(meta.correlation);
        if saga.is_some_and(crate::barrier::Saga::is_past_pivot) {
            return Ok(());
        }
        let open = undos.iter().copied().filter(|&at| {
            let step = self.declaration.undos[at].step;
            saga.is_none_or(|saga| !saga.is_barred(step))
        });
        let open: Vec<usize> = open.collect();
        let steps = self.steps(&open);
        // All wait if one does: they are undone together, in reverse order.
        let waits = saga.is_some_and(|saga| saga.to_undo(steps).any(|done| is_pending(done.id)));
        let trigger = Trigger {
            id: meta.id,
            causation: meta.causation,
            correlation: meta.correlation,
            at: meta.at,
            value: value.into(),
        };
        if !waits {
            return self.undo(entity, &open, &trigger, &meta.key);
        }
        for at in open {
            let undo = &self.declaration.undos[at];
            self.items.push(Item::Bar {
                id: EventId::derive(meta.id, &self.names.bars[usize::from(undo.step)], 0, None),
                step: undo.step,
                by: undo.trigger.name.to_owned(),
                waiting: Some(trigger.clone()),
            });
        }
        Ok(())
    }

    /// A request was answered: the triggers that waited for it are decided now, on the state that knows the answer.
    fn settle_waiting(
        &mut self,
        entity: &mut Entity<S>,
        correlation: CorrelationId,
        key: &str,
        is_pending: impl Fn(EventId) -> bool,
    ) -> Result<(), InputProblem> {
        let Some(saga) = entity.barrier.saga(correlation) else {
            return Ok(());
        };
        // What one trigger undoes is undone together: (the trigger, its compensations).
        let mut triggers: Vec<(Trigger, Vec<usize>)> = Vec::new();
        for waiting in saga.waiting() {
            let undos = &self.declaration.undos;
            let undo = undos
                .iter()
                .position(|undo| undo.step == waiting.step && undo.trigger.name == waiting.by);
            // A compensation that was taken out of the declaration since has nothing to undo with.
            let Some(undo) = undo else { continue };
            match triggers
                .iter_mut()
                .find(|(trigger, _)| trigger.id == waiting.trigger.id)
            {
                Some((_, undos)) => undos.push(undo),
                None => triggers.push((waiting.trigger.clone(), vec![undo])),
            }
        }
        triggers.retain(|(_, undos)| {
            !saga
                .to_undo(self.steps(undos))
                .any(|done| is_pending(done.id))
        });
        for (trigger, undos) in triggers {
            self.undo(entity, &undos, &trigger, key)?;
        }
        Ok(())
    }

    /// The steps of these compensations, as a bit mask.
    fn steps(&self, undos: &[usize]) -> u64 {
        undos
            .iter()
            .fold(0, |mask, &at| mask | 1 << self.declaration.undos[at].step)
    }

    /// Undoes what the steps of these compensations did in the saga, the latest first, and bars the steps.
    fn undo(
        &mut self,
        entity: &mut Entity<S>,
        undos: &[usize],
        trigger: &Trigger,
        key: &str,
    ) -> Result<(), InputProblem> {
        let steps = self.steps(undos);
        let done = entity
            .barrier
            .saga(trigger.correlation)
            .map(|saga| saga.to_undo(steps).cloned().collect::<Vec<_>>());
        let mut next_index = vec![0; undos.len()];
        for done in done.into_iter().flatten() {
            let Some(place) = undos
                .iter()
                .position(|&at| self.declaration.undos[at].step == done.step)
            else {
                continue;
            };
            let undo = &self.declaration.undos[undos[place]];
            let meta = Meta {
                id: trigger.id,
                causation: trigger.causation,
                correlation: trigger.correlation,
                at: trigger.at,
                key: key.to_owned(),
            };
            (undo.run)(
                &entity.state,
                meta,
                &trigger.value,
                &done.value,
                self.events,
            )?;
            let name = &self.names.undos[undos[place]];
            next_index[place] = self.take_events(entity, trigger.id, name, next_index[place], None);
        }
        for &at in undos {
            let undo = &self.declaration.undos[at];
            self.items.push(Item::Bar {
                // Told apart from the bar that this trigger may have written while it waited.
                id: EventId::derive(
                    trigger.id,
                    &self.names.bars[usize::from(undo.step)],
                    1,
                    None,
                ),
                step: undo.step,
                by: undo.trigger.name.to_owned(),
                waiting: None,
            });
        }
        Ok(())
    }
}
