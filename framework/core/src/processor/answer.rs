//! Answer: the records of one decision, written as one append.

use crate::barrier::Waiting;
use crate::id::{CorrelationId, EventId};
use crate::state::State;
use crate::time::Timestamp;
use crate::wire::{RestEvent, Source, Stamp, Writer, write_rest};

use super::draft::Means;
use super::entity::Recorded;
use super::outbox::{Append, Outbox};
use super::owner::Owner;

/// What an answer is written with: the same for all its records.
pub(super) struct AnswerTo<'a> {
    pub(super) correlation: CorrelationId,
    pub(super) causation: EventId,
    pub(super) source: Source,
    pub(super) key: &'a str,
    pub(super) traceparent: Option<&'a str>,
}

impl<S: State> Owner<S> {
    /// Writes the draft as one answer. The state has taken it up already, and nothing can forbid it any more.
    pub(super) fn write_answer(
        &mut self,
        answer: &AnswerTo<'_>,
        now: Timestamp,
        out: &mut Outbox,
    ) -> usize {
        // A routed origin's positions must be durable before an answer that may depend on them.
        if self.routed_unmarked && self.setup.rules.marker_before_answer {
            self.append_marker(now, out);
        }
        let mut draft = std::mem::take(&mut self.scratch.draft);
        let count = draft.items.len();
        self.scratch.rest.clear();
        let mut from = draft.items.first().map_or(0, |first| first.end);
        for item in draft.items.iter().skip(1) {
            let event = RestEvent {
                event_type: item.event_type,
                id: item.id,
                value: &draft.values[from..item.end],
            };
            write_rest(&mut self.scratch.rest, event);
            from = item.end;
        }
        let mut from = 0;
        for (at, item) in draft.items.drain(..).enumerate() {
            let value = &draft.values[from..item.end];
            from = item.end;
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
            self.scratch.stamp.clear();
            stamp.write(&mut self.scratch.stamp);
            out.push(&Append {
                event_type: item.event_type,
                id: item.id,
                at: now,
                key: answer.key.as_bytes(),
                value,
                stamp: self.scratch.stamp.as_bytes(),
                rest: (at == 0 && count > 1).then_some(self.scratch.rest.as_slice()),
                traceparent: answer.traceparent.map(str::as_bytes),
            });
            let request = match item.means {
                Means::Event => {
                    let recorded = Recorded {
                        event_type: item.event_type,
                        id: item.id,
                        correlation: answer.correlation,
                        key: answer.key,
                        value,
                        at: now,
                        traceparent: answer.traceparent,
                    };
                    self.note(&recorded)
                }
                Means::Bar(bar) => {
                    let (step, by) = (bar.step, bar.by);
                    let waiting = bar.waiting.map(|trigger| Waiting { step, by, trigger });
                    if let Some(entity) = self.entities.get_mut(answer.key) {
                        entity.barrier.bar(answer.correlation, step, waiting);
                    }
                    None
                }
                Means::Parked(parked) => {
                    self.note_parked(answer.key, *parked, now);
                    None
                }
                Means::Unparked(unparked) => self.note_unparked(answer.key, &unparked, now),
            };
            self.appends.push(request);
        }
        self.events += u64::from(u16::try_from(count).unwrap_or(u16::MAX));
        self.note_changed(answer.key);
        draft.clear();
        self.scratch.draft = draft;
        count
    }
}
