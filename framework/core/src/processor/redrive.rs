//! Redrive: what is parked runs again, by today's code, or is dropped.
//!
//! Each step is an answer of its own, and what it takes off the queue stands in the same answer: an owner that dies on
//! the way leaves the queue as far as it came, and the control record is read again.

use crate::id::{CorrelationId, EventId};
use crate::partition::partition_of;
use crate::problem::InputProblem;
use crate::state::State;
use crate::time::Timestamp;
use crate::wire::{
    self, DROP, Failure, FailureClass, Parked, ParkedKind, REDRIVE, REPLAY, Record, Source, Stamp,
    Unparked,
};

use super::answer::AnswerTo;
use super::decide::Deciding;
use super::making::Failed;
use super::outbox::Outbox;
use super::owner::Owner;
use super::replay::undecided;
use super::{Outcome, ProcessorError};

/// What the answer of something parked is written with.
pub(super) struct Redriven {
    pub(super) correlation: CorrelationId,
    causation: EventId,
    source: Source,
    traceparent: Option<Box<str>>,
}

impl Redriven {
    /// As it was parked: for what says nothing about the business.
    fn of<S: State>(owner: &Owner<S>, parked: &Parked) -> Redriven {
        let record = parked.record();
        let stamp = record
            .headers
            .stamp
            .and_then(|stamp| Stamp::read(stamp).ok());
        let pending = owner.pending.get(&parked.id);
        let correlation = pending.map(|pending| pending.correlation);
        let correlation = correlation.or_else(|| stamp.and_then(|stamp| stamp.correlation));
        Redriven {
            correlation: correlation.unwrap_or_else(|| CorrelationId::of_event(parked.id)),
            causation: parked.id,
            source: Source::Parked,
            traceparent: record.headers.traceparent.map(Into::into),
        }
    }

    fn to<'a>(&'a self, key: &'a str) -> AnswerTo<'a> {
        AnswerTo {
            correlation: self.correlation,
            causation: self.causation,
            source: self.source,
            key,
            traceparent: self.traceparent.as_deref(),
        }
    }
}

impl<S: State> Owner<S> {
    /// Handles a control record of the inbox.
    pub(super) fn control(
        &mut self,
        event_type: &str,
        source: Source,
        record: &Record<'_>,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<Outcome, ProcessorError> {
        // No key is the key of records without one.
        let Ok(key) = std::str::from_utf8(record.key.unwrap_or_default()) else {
            return Ok(Outcome::NotUnderstood);
        };
        match event_type {
            REDRIVE => self.redrive(key, now, out).map(Outcome::Decided),
            DROP => {
                let value = record.value.unwrap_or_default();
                let Ok(drop) = serde_json::from_slice::<wire::Drop>(value) else {
                    return Ok(Outcome::NotUnderstood);
                };
                self.drop_parked(key, drop, now, out).map(Outcome::Decided)
            }
            REPLAY => {
                let value = record.value.unwrap_or_default();
                let Ok(replay) = serde_json::from_slice::<wire::Replay>(value) else {
                    return Ok(Outcome::NotUnderstood);
                };
                self.replay(key, replay, source, now, out)
            }
            _ => Ok(Outcome::NotUnderstood),
        }
    }

    /// Decides an input that has no answer. The answer names the control record as its input's place, and the input as
    /// its cause: nothing else can tell it from one that was given when the input came.
    fn replay(
        &mut self,
        key: &str,
        replay: wire::Replay,
        source: Source,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<Outcome, ProcessorError> {
        let id = replay.id;
        let entity = self.entities.get(key);
        if entity.is_some_and(|entity| entity.has_answered(id)) {
            return Ok(Outcome::Repeat);
        }
        let way = self.stands_in_the_way(key, id);
        let mut parked = replay.parked(undecided());
        let outcome = match way {
            Some(failure) => Err(failure),
            None => match self.run_input(&parked, key, now) {
                Ok(answer) => Ok(answer),
                Err(failed) => Err(failed.parkable(key, id)?),
            },
        };
        let window = self.declaration.window;
        match outcome {
            Ok(_) if self.scratch.draft.items.is_empty() => Ok(Outcome::Decided(0)),
            Ok(answer) => {
                if let Some(entity) = self.entities.get_mut(key) {
                    entity.answered(id, false, window);
                }
                let answer = Redriven { source, ..answer };
                Ok(Outcome::Decided(self.write_answer(
                    &answer.to(key),
                    now,
                    out,
                )))
            }
            Err(failure) => {
                parked.failure = failure;
                let entity = self.entities.get_or_default(key);
                entity.answered(id, false, window);
                let answer = Redriven {
                    source,
                    ..Redriven::of(self, &parked)
                };
                self.write_parked(&answer.to(key), parked, now, out);
                Ok(Outcome::Parked)
            }
        }
    }

    /// Runs what is parked under a key, in order, until something fails again. Gives how many records that took.
    fn redrive(
        &mut self,
        key: &str,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<usize, ProcessorError> {
        let mut records = 0;
        while let Some(first) = self.first_parked(key).cloned() {
            let failed = match first.kind {
                ParkedKind::Input => self.run_input(&first, key, now),
                ParkedKind::Request => self.run_request(&first),
                ParkedKind::Deadline => self.run_parked_deadline(&first, key, now),
            };
            match failed {
                Ok(answer) => {
                    let id = self.own_id(first.id);
                    let (unparked, draft) = (
                        Unparked {
                            id: first.id,
                            dropped: None,
                        },
                        &mut self.scratch.draft,
                    );
                    draft.unparked(id, unparked);
                    records += self.write_answer(&answer.to(key), now, out);
                }
                Err(failed) => {
                    let failure = failed.parkable(key, first.id)?;
                    let answer = Redriven::of(self, &first);
                    let again = Parked {
                        failure,
                        attempts: first.attempts + 1,
                        value: None,
                        headers: Vec::new(),
                        ..first
                    };
                    self.write_parked(&answer.to(key), again, now, out);
                    return Ok(records + 1);
                }
            }
        }
        Ok(records)
    }

    pub(super) fn run_input(
        &mut self,
        parked: &Parked,
        key: &str,
        now: Timestamp,
    ) -> Result<Redriven, Failed> {
        let fail = |class, message: String| {
            Failed::cleanly(Failure {
                class,
                function: None,
                message,
            })
        };
        if let Some(failure) = self.setup.broken.get(&parked.id).cloned() {
            return Err(Failed::cleanly(failure));
        }
        if parked.too_large {
            let message = "its value was too large to be kept in the stream: publish it again under another id, and drop this one";
            return Err(fail(parked.failure.class, message.to_owned()));
        }
        let record = parked.record();
        let routed = parked.place.as_ref().is_some_and(|place| place.is_inbox);
        let failed = |problem: &InputProblem| fail(problem.class(), problem.to_string());
        let stamp = record.headers.stamp.map(Stamp::read).transpose();
        let stamp = stamp.map_err(|error| failed(&error.into()))?;
        let place = parked.place.as_ref();
        if place.is_some_and(|place| place.is_inbox && place.copy_of.is_none()) {
            return Err(failed(&InputProblem::NoOrigin));
        }
        let sole_type = parked.place.as_ref().and_then(|place| {
            let at = self
                .setup
                .inputs
                .iter()
                .position(|input| input.id == place.id)?;
            self.names.sole_types[at]
        });
        let Some(event_type) = parked.event_type.as_deref().or(sole_type) else {
            return Err(failed(&InputProblem::NoType));
        };
        if key.is_empty() {
            return Err(failed(&InputProblem::NoKey));
        }
        let expected = partition_of(key.as_bytes(), self.setup.partitions);
        if expected != self.setup.partition {
            return Err(failed(&InputProblem::WrongPartition { expected }));
        }
        let deciding = Deciding {
            id: parked.id,
            event_type,
            key,
            value: record.value.unwrap_or_default(),
            at: parked.at,
            stamp,
            routed,
        };
        let correlation = self.run(&deciding, now)?;
        Ok(Redriven {
            correlation,
            causation: parked.id,
            source: Source::Parked,
            traceparent: record.headers.traceparent.map(Into::into),
        })
    }

    /// A request runs by being called: that starts when the record that unparks it is sound.
    fn run_request(&mut self, parked: &Parked) -> Result<Redriven, Failed> {
        self.scratch.draft.clear();
        Ok(Redriven::of(self, parked))
    }

    pub(super) fn run_parked_deadline(
        &mut self,
        parked: &Parked,
        key: &str,
        now: Timestamp,
    ) -> Result<Redriven, Failed> {
        self.scratch.draft.clear();
        let mut redriven = Redriven::of(self, parked);
        if let Some(failure) = self.setup.broken.get(&parked.id).cloned() {
            return Err(Failed::cleanly(failure));
        }
        let alarm = self.entities.get(key).and_then(|e| e.alarm.as_deref());
        // A deadline that the state has no more is nobody's.
        let Some(alarm) = alarm.filter(|alarm| alarm.due == parked.at).cloned() else {
            return Ok(redriven);
        };
        self.run_deadline(parked.id, key, &alarm, now)?;
        redriven.causation = alarm.cause;
        redriven.correlation = alarm.correlation;
        Ok(redriven)
    }

    /// Forgets one parked record. What waited behind it runs.
    fn drop_parked(
        &mut self,
        key: &str,
        drop: wire::Drop,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<usize, ProcessorError> {
        let mut records = 0;
        if let Some(parked) = self.parked.get(key, drop.id).cloned() {
            records = self.forget(key, &parked, drop.reason, now, out)?;
        }
        // Also where it is gone already: an owner may have died between the two.
        let waits = self
            .first_parked(key)
            .is_some_and(|first| first.failure.class == FailureClass::Behind);
        if waits {
            records += self.redrive(key, now, out)?;
        }
        Ok(records)
    }

    fn forget(
        &mut self,
        key: &str,
        parked: &Parked,
        reason: String,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<usize, ProcessorError> {
        let redriven = Redriven::of(self, parked);
        self.scratch.draft.clear();
        // An undo that waits for the answer of a request that is given up waits no more.
        if parked.kind == ParkedKind::Request
            && let Some(pending) = self.pending.remove(&parked.id)
            && let Err(failed) = self.end_request(&pending, now, |_, _| Ok(()))
        {
            let failure = failed.parkable(key, parked.id)?;
            let attempts = parked.attempts + 1;
            self.park_request(parked.id, pending, failure, attempts, now, out);
            return Ok(1);
        }
        let id = self.own_id(parked.id);
        let unparked = Unparked {
            id: parked.id,
            dropped: Some(reason),
        };
        self.scratch.draft.unparked(id, unparked);
        Ok(self.write_answer(&redriven.to(key), now, out))
    }
}
