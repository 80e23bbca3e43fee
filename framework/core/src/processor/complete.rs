//! Complete: what an owner does between its restore and its work, first of all the end of a torn answer.

use crate::event::OwnEvents;
use crate::id::{CorrelationId, EventId};
use crate::state::State;
use crate::stream::StreamReader;
use crate::time::Timestamp;
use crate::wire::{BARRED, PARKED, Source, Stamp, UNPARKED, Writer};

use super::outbox::{Append, Outbox};
use super::owner::Owner;
use super::restore::Part;
use super::{ProcessorError, ResumeAt, Start, StreamProblem};

/// An answer whose last records are not in the log (yet).
pub(super) struct Torn {
    pub(super) stamp: Stamp,
    pub(super) key: Box<str>,
    pub(super) traceparent: Option<Box<str>>,
    /// The records that follow the first one.
    pub(super) rest: Vec<(Box<str>, EventId, Box<[u8]>)>,
    /// How many of the answer's records were found.
    pub(super) found: u16,
}

impl<S: State> Owner<S> {
    /// Everything before the fence is folded: completes what is torn, and says where to go on.
    pub(super) fn begin(
        &mut self,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<Start, ProcessorError> {
        // Before the torn answer: a request in its missing half starts when its own append is sound.
        let effects = crate::processor::Processor::pending(self);
        if let Some(torn) = self.torn.take()
            && self.setup.rules.complete_torn
        {
            let (topic, partition, offset) = (S::Event::STREAM, self.setup.partition, self.epoch);
            self.complete(&torn, now, out)
                .map_err(|problem| ProcessorError::Stream {
                    topic,
                    partition,
                    offset,
                    problem,
                })?;
        }
        self.check_version()?;
        self.arm_deadlines();
        let partition = self.setup.partition;
        let positions = &self.positions;
        let resume = self.inputs.iter_mut().map(|input| {
            let decided = input
                .origin
                .and_then(|origin| positions.last(origin, partition))
                .map(|last| last.offset);
            match (decided, input.marked) {
                (decided, Some((next, cursor))) if decided.is_none_or(|offset| offset < next) => {
                    input.reader = StreamReader::resume(cursor);
                    input.next = Some(next);
                    ResumeAt::Next(next)
                }
                (Some(offset), _) => {
                    input.reader = StreamReader::at_valid();
                    input.resumes_at = Some(offset);
                    ResumeAt::Decided(offset)
                }
                (None, _) => ResumeAt::Beginning,
            }
        });
        Ok(Start {
            resume: resume.collect(),
            effects,
            events: self.events,
        })
    }

    /// A snapshot tells of fences that the stream may not hold any more.
    fn check_version(&self) -> Result<(), ProcessorError> {
        self.newest_is_ours()
            .map_err(|problem| ProcessorError::Stream {
                topic: S::Event::STREAM,
                partition: self.setup.partition,
                offset: self.epoch,
                problem,
            })
    }

    fn complete(
        &mut self,
        torn: &Torn,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<(), StreamProblem> {
        let correlation = torn.stamp.correlation;
        for (at, (event_type, id, value)) in torn
            .rest
            .iter()
            .enumerate()
            .skip(usize::from(torn.found) - 1)
        {
            let part = Part {
                event_type,
                id: *id,
                key: &torn.key,
                value,
                at: now,
                correlation: correlation.unwrap_or_else(|| CorrelationId::of_event(*id)),
                traceparent: torn.traceparent.as_deref(),
            };
            let request = self.fold_part(&part)?;
            self.number += 1;
            let source = match torn.stamp.source {
                Source::Input {
                    origin,
                    partition,
                    position,
                } => self.source(origin, partition, position),
                other => other,
            };
            let writer = Writer {
                epoch: Some(self.epoch),
                nonce: self.setup.nonce,
                number: self.number,
            };
            let index = u16::try_from(at + 2).unwrap_or(u16::MAX);
            let stamp = Stamp {
                writer: Some(writer),
                source,
                index,
                ..torn.stamp
            };
            let event_type = self.static_name(event_type)?;
            out.push(&Append {
                event_type,
                id: *id,
                at: now,
                key: torn.key.as_bytes(),
                value,
                stamp: stamp.to_string().as_bytes(),
                rest: None,
                traceparent: torn.traceparent.as_deref().map(str::as_bytes),
            });
            self.appends.push(request);
        }
        Ok(())
    }

    fn static_name(&self, name: &str) -> Result<&'static str, StreamProblem> {
        if let Some(own) = [BARRED, PARKED, UNPARKED]
            .into_iter()
            .find(|own| *own == name)
        {
            return Ok(own);
        }
        let own = S::Event::TYPES.iter().find(|own| own.name == name);
        own.map(|own| own.name)
            .ok_or_else(|| StreamProblem::UnknownEvent {
                event_type: name.to_owned(),
            })
    }
}
