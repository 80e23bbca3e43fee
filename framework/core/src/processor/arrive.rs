//! Arrive: whether an input is new, and whether it can be decided at all.

use crate::id::EventId;
use crate::partition::partition_of;
use crate::position::{Origin, OriginNumber, Path, Position};
use crate::problem::InputProblem;
use crate::state::State;
use crate::stream::Verdict;
use crate::time::Timestamp;
use crate::wire::{self, Failure, Record, Source, Stamp};

use super::decide::Deciding;
use super::outbox::Outbox;
use super::owner::Owner;
use super::{Outcome, ProcessorError};

/// An input whose place, type and key are known.
pub(super) struct Arrived<'a> {
    pub(super) input: usize,
    pub(super) origin: OriginNumber,
    pub(super) partition: i32,
    pub(super) position: Position,
    pub(super) record: &'a Record<'a>,
    pub(super) deciding: Deciding<'a>,
}

impl<S: State> Owner<S> {
    pub(super) fn take(
        &mut self,
        input: usize,
        record: &Record<'_>,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<Outcome, ProcessorError> {
        let stop = |this: &Self, problem| Err(this.input_error(input, record, problem));
        let mut reader = self.inputs[input].reader;
        let verdict = match reader.read(record.offset, &record.headers) {
            Ok(verdict) => Ok(verdict),
            // In a fenced stream it might be a record of a later version, and void would be whatever follows it.
            Err(error) if reader.is_fenced() => return stop(self, error.into()),
            Err(error) => Err(InputProblem::from(error)),
        };
        if let Some(decided) = self.inputs[input].resumes_at.take()
            && decided != record.offset
            && matches!(verdict, Ok(Verdict::Valid(_)) | Err(_))
        {
            return stop(self, InputProblem::Gone { decided });
        }
        let outcome = match verdict {
            Ok(Verdict::Fence(_)) => Outcome::Skipped,
            Ok(Verdict::Void(_)) => Outcome::Void,
            Ok(Verdict::Valid(stamp)) => self.arrive(input, Some(stamp), None, record, now, out)?,
            Ok(Verdict::Unfenced(stamp)) => self.arrive(input, stamp, None, record, now, out)?,
            Err(problem) => self.arrive(input, None, Some(problem), record, now, out)?,
        };
        // Only now: a marker written before this input's answer must not claim that this input was read.
        let place = &mut self.inputs[input];
        place.reader = reader;
        place.next = Some(record.offset + 1);
        match outcome {
            Outcome::Decided(1..) | Outcome::Parked => {}
            Outcome::Skipped => self.skipped += 1,
            _ => self.unmarked += 1,
        }
        Ok(outcome)
    }

    fn arrive(
        &mut self,
        input: usize,
        stamp: Option<Stamp>,
        mut problem: Option<InputProblem>,
        record: &Record<'_>,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<Outcome, ProcessorError> {
        let routed = self.inputs[input].origin.is_none();
        let event_type = record.headers.event_type.or(self.names.sole_types[input]);
        if event_type.is_some_and(wire::is_own_record) && !routed {
            return Ok(Outcome::Skipped);
        }
        let (origin, partition, position) = self.place(input, stamp.as_ref(), record);
        let rules = self.setup.rules;
        if rules.skip_by_position && self.positions.passed(origin, partition, position) {
            return Ok(Outcome::Repeat);
        }
        // What a router that ended had in flight behind a copy that was lost: the next router brings both, in order.
        if rules.chained_copies
            && let Some(after) = predecessor(stamp.as_ref())
            && !self.positions.passed(origin, partition, after)
        {
            return Ok(Outcome::Unchained);
        }
        match event_type {
            Some(event_type) if wire::is_own_record(event_type) => {
                let source = self.source(origin, partition, position);
                let outcome = self.control(event_type, source, record, now, out)?;
                self.positions.advance(origin, partition, position);
                self.routed_unmarked = true;
                // What it had run names the parked inputs, and not the control record: only a marker does.
                self.unmarked += u64::from(matches!(outcome, Outcome::Decided(1..)));
                return Ok(outcome);
            }
            Some(event_type) if !self.names.concerns(event_type, routed) => {
                self.positions.advance(origin, partition, position);
                self.routed_unmarked |= routed;
                return Ok(Outcome::Ignored);
            }
            Some(_) => {}
            None => problem = problem.or(Some(InputProblem::NoType)),
        }
        let (deciding, wrong) = self.deciding(input, event_type, stamp, record);
        problem = problem.or(wrong);
        let Deciding { id, key, .. } = deciding;
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
            input,
            origin,
            partition,
            position,
            record,
            deciding,
        };
        if let Some(problem) = problem {
            let failure = Failure {
                class: problem.class(),
                function: None,
                message: problem.to_string(),
            };
            return Ok(self.park(&arrived, failure, now, out));
        }
        if let Some(failure) = self.stands_in_the_way(key, id) {
            return Ok(self.park(&arrived, failure, now, out));
        }
        self.decide(&arrived, now, out)
    }

    /// What is to be decided, and what is wrong with it if it cannot be.
    pub(super) fn deciding<'r>(
        &self,
        input: usize,
        event_type: Option<&'r str>,
        stamp: Option<Stamp>,
        record: &Record<'r>,
    ) -> (Deciding<'r>, Option<InputProblem>) {
        let routed = self.inputs[input].origin.is_none();
        let mut problem = None;
        if routed && !is_copy(stamp.as_ref()) {
            problem = Some(InputProblem::NoOrigin);
        }
        let key = record.key.and_then(|key| std::str::from_utf8(key).ok());
        if key.is_none() {
            problem = problem.or(Some(InputProblem::NoKey));
        }
        let key = key.unwrap_or_default();
        let expected = partition_of(key.as_bytes(), self.setup.partitions);
        if expected != self.setup.partition {
            problem = problem.or(Some(InputProblem::WrongPartition { expected }));
        }
        let id = match record.headers.id {
            Some(id) => wire::event_id(id),
            None => EventId::of_place(
                self.setup.inputs[input].id,
                self.setup.partition,
                record.offset,
            ),
        };
        let deciding = Deciding {
            id,
            event_type: event_type.unwrap_or_default(),
            key,
            value: record.value.unwrap_or_default(),
            at: record.timestamp,
            stamp,
            traceparent: record.headers.traceparent,
            routed,
        };
        (deciding, problem)
    }

    /// The origin of an input, and its position there.
    pub(super) fn place(
        &mut self,
        input: usize,
        stamp: Option<&Stamp>,
        record: &Record<'_>,
    ) -> (OriginNumber, i32, Position) {
        let origin = match (self.inputs[input].origin, stamp.map(|stamp| stamp.source)) {
            (Some(origin), _) => origin,
            (
                None,
                Some(Source::Copy {
                    path,
                    topic,
                    partition,
                    position,
                    ..
                }),
            ) => {
                // Copies outlive their topic: one that was recreated leaves some in the inbox, and its new copies may
                // come before this owner's fence could name it. Such an origin has a number in memory only.
                let origin = self.positions.lookup(path, topic).unwrap_or_else(|| {
                    self.positions.number(&Origin {
                        path,
                        id: topic,
                        topic: String::new(),
                    })
                });
                return (origin, partition, position);
            }
            // What somebody else put into the inbox has its place there, as in any topic.
            (None, _) => self.positions.number(&Origin {
                path: Path::Direct,
                id: self.setup.inputs[input].id,
                topic: self.setup.inputs[input].name.clone(),
            }),
        };
        (
            origin,
            self.setup.partition,
            Position::direct(record.offset),
        )
    }
}

pub(super) fn is_copy(stamp: Option<&Stamp>) -> bool {
    stamp.is_some_and(|stamp| matches!(stamp.source, Source::Copy { .. }))
}

/// The copy that a routed copy follows.
pub(super) fn predecessor(stamp: Option<&Stamp>) -> Option<Position> {
    match stamp?.source {
        Source::Copy { after, .. } => after,
        _ => None,
    }
}
