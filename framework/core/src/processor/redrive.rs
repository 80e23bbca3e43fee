//! Redrive: what is parked runs again, by today's code, or is dropped.
//!
//! Each step is an answer of its own, and what it takes off the queue stands in the same answer: an owner that dies on
//! the way leaves the queue as far as it came, and the control record is read again.

use crate::id::{CorrelationId, EventId};
use crate::partition::partition_of;
use crate::problem::InputProblem;
use crate::state::State;
use crate::time::Timestamp;
use crate::wire::{self, Failure, FailureClass, Parked, ParkedKind, Source, Stamp, Unparked};

use super::ProcessorError;
use super::answer::AnswerTo;
use super::decide::Deciding;
use super::making::Failed;
use super::outbox::Outbox;
use super::owner::Owner;

/// What the answer of something parked is written with.
pub(super) struct Redriven {
    pub(super) correlation: CorrelationId,
    causation: EventId,
    source: Source,
    traceparent: Option<Box<str>>,
}

impl Redriven {
    /// As it was parked: for what says nothing about the business.
    pub(super) fn anew<S: State>(owner: &Owner<S>, parked: &Parked) -> Redriven {
        let record = parked.record();
        let stamp = record
            .headers
            .stamp
            .and_then(|stamp| Stamp::read(stamp).ok());
        let pending = owner.pending.get(&parked.id);
        let traceparent = record.headers.traceparent;
        let traceparent =
            traceparent.or_else(|| pending.and_then(|pending| pending.traceparent.as_deref()));
        let correlation = pending.map(|pending| pending.correlation);
        let correlation = correlation.or_else(|| stamp.and_then(|stamp| stamp.correlation));
        Redriven {
            correlation: correlation.unwrap_or_else(|| CorrelationId::of_event(parked.id)),
            causation: parked.id,
            source: Source::Parked,
            traceparent: traceparent.map(Into::into),
        }
    }

    /// The answer to a record that stands there.
    pub(super) fn of(self, source: Source) -> Redriven {
        Redriven { source, ..self }
    }

    pub(super) fn to<'a>(&'a self, key: &'a str) -> AnswerTo<'a> {
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
    /// Runs what is parked under a key, in order, until something fails again. Gives how many records that took.
    pub(super) fn redrive(
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
                ParkedKind::Route => Err(Failed::cleanly(by_command(&first.failure))),
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
                    let answer = Redriven::anew(self, &first);
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
            traceparent: record.headers.traceparent,
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
        Ok(Redriven::anew(self, parked))
    }

    pub(super) fn run_parked_deadline(
        &mut self,
        parked: &Parked,
        key: &str,
        now: Timestamp,
    ) -> Result<Redriven, Failed> {
        self.scratch.draft.clear();
        let mut redriven = Redriven::anew(self, parked);
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
        redriven.traceparent = alarm.traceparent;
        Ok(redriven)
    }

    /// Forgets one parked record. What waited behind it runs.
    pub(super) fn drop_parked(
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
        let redriven = Redriven::anew(self, parked);
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

/// Only the tool runs a route again: an owner writes its own stream, and the keys may be those of other owners.
fn by_command(failure: &Failure) -> Failure {
    Failure {
        message: "which keys it is for, only `parked redrive` can find out: type it with the binary that is deployed now".into(),
        ..failure.clone()
    }
}
