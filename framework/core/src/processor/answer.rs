//! Answer: the records of one decision, written as one append.

use crate::barrier::{Step, Waiting};
use crate::event::OwnEvents;
use crate::id::{CorrelationId, EventId};
use crate::key::Key;
use crate::problem::InputProblem;
use crate::state::State;
use crate::time::Timestamp;
use crate::wire::{BARRED, Barred, RestEvent, Source, Stamp, Trigger, Writer, write_rest};

use super::entity::Recorded;
use super::outbox::{Append, Outbox};
use super::own::to_json;
use super::owner::Owner;

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

/// What an answer is written with: the same for all its records.
pub(super) struct AnswerTo<'a> {
    pub(super) correlation: CorrelationId,
    pub(super) causation: EventId,
    pub(super) source: Source,
    pub(super) key: &'a str,
    pub(super) traceparent: Option<&'a str>,
}

impl<S: State> Owner<S> {
    /// Writes the collected items as one answer. The state has taken them up already.
    pub(super) fn write_answer(
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
                        at: now,
                    };
                    Recorded::note(
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
