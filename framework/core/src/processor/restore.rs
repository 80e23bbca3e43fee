//! Restore: the fold of the stream's valid records.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::barrier::Waiting;
use crate::event::OwnEvents;
use crate::id::{CorrelationId, EventId, TopicId};
use crate::position::{Origin, OriginNumber, Position};
use crate::state::State;
use crate::stream::{Cursor, Verdict};
use crate::time::Timestamp;
use crate::wire::{
    self, BARRED, Barred, Fence, MARKER, Marker, PARKED, Record, Source, Stamp, UNPARKED, Unparked,
    read_rest,
};

use super::StreamProblem;
use super::complete::Torn;
use super::entity::Recorded;
use super::owner::Owner;
use super::replay::{Rehearsal, Replay, ReplayFilter};

pub(super) fn own_json<T: DeserializeOwned>(
    event_type: &str,
    value: &[u8],
) -> Result<T, StreamProblem> {
    serde_json::from_slice(value).map_err(|error| StreamProblem::OwnRecord {
        event_type: event_type.to_owned(),
        problem: error.to_string(),
    })
}

/// A record of an answer, taken from the stream or from the first record's header.
pub(super) struct Part<'a> {
    pub(super) event_type: &'a str,
    pub(super) id: EventId,
    pub(super) key: &'a str,
    pub(super) value: &'a [u8],
    pub(super) at: Timestamp,
    pub(super) correlation: CorrelationId,
    pub(super) traceparent: Option<&'a str>,
}

impl<S: State> Owner<S> {
    pub(super) fn fold(&mut self, record: &Record<'_>) -> Result<(), StreamProblem> {
        let verdict = self.reader.read(record.offset, &record.headers)?;
        let event_type = record.headers.event_type.unwrap_or_default();
        let value = record.value.unwrap_or_default();
        let stamp = match verdict {
            Verdict::Fence(_) => return self.fold_fence(own_json(event_type, value)?),
            Verdict::Valid(stamp) => stamp,
            Verdict::Void(_) if !self.setup.rules.validity && record.headers.stamp.is_some() => {
                Stamp::read(record.headers.stamp.unwrap_or_default())?
            }
            Verdict::Void(_) | Verdict::Unfenced(_) => return Ok(()),
        };
        self.fold_valid(&stamp, record)
    }

    /// Takes up a record that is known to be valid.
    pub(super) fn fold_valid(
        &mut self,
        stamp: &Stamp,
        record: &Record<'_>,
    ) -> Result<(), StreamProblem> {
        let event_type = record.headers.event_type.unwrap_or_default();
        let value = record.value.unwrap_or_default();
        if event_type == MARKER {
            return own_json(event_type, value).map(|marker| self.fold_marker(&marker));
        }
        let key = record
            .key
            .and_then(|key| std::str::from_utf8(key).ok())
            .unwrap_or_default();
        let id = record
            .headers
            .id
            .map_or_else(|| EventId::foreign(""), wire::event_id);
        let correlation = stamp
            .correlation
            .unwrap_or_else(|| CorrelationId::of_event(id));
        if stamp.index == 1 {
            self.fold_cause(stamp, key, record)?;
        } else {
            self.fold_successor(stamp)?;
        }
        let traceparent = record.headers.traceparent;
        self.fold_part(&Part {
            event_type,
            id,
            key,
            value,
            at: record.timestamp,
            correlation,
            traceparent,
        })
        .map(|_| ())
    }

    pub(super) fn fold_fence(&mut self, fence: Fence) -> Result<(), StreamProblem> {
        self.fence_origins = fence
            .origins
            .iter()
            .map(|origin| self.positions.number(origin))
            .collect();
        let own = &self.setup;
        let is_first = !std::mem::replace(&mut self.is_known, true);
        let is_ours = fence.service == own.service && fence.aggregate == self.declaration.name;
        let same_count = fence.partitions == own.partitions;
        // The first fence tells whose stream it is. A process that was set up wrongly leaves its fence and refuses to
        // start; that must not make the rightful owner refuse ever after.
        if is_first && !is_ours {
            return Err(StreamProblem::Foreign {
                service: fence.service,
                aggregate: fence.aggregate,
            });
        }
        if is_first && !same_count {
            return Err(StreamProblem::PartitionCount {
                before: fence.partitions,
                now: own.partitions,
            });
        }
        if is_ours && same_count {
            self.newest_version = self.newest_version.max(fence.version);
        }
        self.newest_is_ours()
    }

    /// Whether this declaration may own the stream: no newer one has.
    pub(super) fn newest_is_ours(&self) -> Result<(), StreamProblem> {
        let (newer, own) = (self.newest_version, self.declaration.version);
        if newer > own && !self.setup.allow_downgrade {
            return Err(StreamProblem::NewerVersion { newer, own });
        }
        Ok(())
    }

    fn fold_marker(&mut self, marker: &Marker) {
        for read in &marker.reads {
            self.fold_read(read.topic, read.next, read.cursor);
        }
        for &(origin, partition, position) in &marker.decided {
            if let Some(origin) = self.origin(origin) {
                self.positions.advance(origin, partition, position);
            }
        }
        for (origin, partition, position) in &marker.others {
            let origin = self.positions.number(origin);
            self.positions.advance(origin, *partition, *position);
        }
    }

    /// How far a topic was read, as a marker says.
    pub(super) fn fold_read(&mut self, topic: TopicId, next: i64, cursor: Option<Cursor>) {
        let at = self.setup.inputs.iter().position(|input| input.id == topic);
        match at.and_then(|at| self.inputs.get_mut(at)) {
            Some(input) => input.marked = Some((next, cursor)),
            None => {
                self.others_marked.retain(|(known, ..)| *known != topic);
                self.others_marked.push((topic, next, cursor));
            }
        }
    }

    /// The number here of the origin that has this number in the fence in force.
    fn origin(&self, number: OriginNumber) -> Option<OriginNumber> {
        self.fence_origins.get(usize::from(number)).copied()
    }

    /// The place of an answered input, in this owner's numbers; `None` for what is no input, or one of an origin that the
    /// fence in force does not list.
    pub(super) fn place_of(&mut self, source: Source) -> Option<(OriginNumber, i32, Position)> {
        match source {
            Source::Input {
                origin,
                partition,
                position,
            } => Some((self.origin(origin)?, partition, position)),
            Source::Copy {
                path,
                topic,
                partition,
                position,
                ..
            } => {
                let origin = self.positions.number(&Origin {
                    path,
                    id: topic,
                    topic: String::new(),
                });
                Some((origin, partition, position))
            }
            Source::None | Source::Deadline(_) | Source::Parked => None,
        }
    }

    /// The first record of an answer: it tells which input, or which request, is answered.
    fn fold_cause(
        &mut self,
        stamp: &Stamp,
        key: &str,
        record: &Record<'_>,
    ) -> Result<(), StreamProblem> {
        if let Some(torn) = &self.torn
            && self.setup.rules.complete_torn
            && self.setup.rules.validity
        {
            let (index, count) = (stamp.index, stamp.count);
            return Err(StreamProblem::TornOutOfTurn {
                index,
                count,
                found: torn.found,
            });
        }
        // In this owner's numbers from here on: those of the record mean what the fence in force says.
        let source = match stamp.source {
            Source::Input { .. } | Source::Copy { .. } => {
                let place = self.place_of(stamp.source);
                place.map_or(Source::None, |(origin, partition, position)| {
                    Source::Input {
                        origin,
                        partition,
                        position,
                    }
                })
            }
            other => other,
        };
        match (source, stamp.causation) {
            (
                Source::Input {
                    origin,
                    partition,
                    position,
                },
                Some(cause),
            ) => {
                self.positions.advance(origin, partition, position);
                let window = self.declaration.window;
                let routed = self.positions.is_routed(origin);
                let entity = self.entities.get_or_default(key);
                entity.answered(cause, routed, window);
            }
            (Source::None, Some(request)) => {
                self.pending.remove(&request);
            }
            (Source::Deadline(due), _) => {
                let id = EventId::of_deadline(&self.names.deadline, key, due);
                let window = self.declaration.window;
                let entity = self.entities.get_or_default(key);
                entity.answered(id, false, window);
                entity.pass(due);
            }
            _ => {}
        }
        if stamp.count > 1 {
            let bytes = record.headers.rest.unwrap_or_default();
            let rest = read_rest(bytes).filter(|rest| rest.len() + 1 == usize::from(stamp.count));
            let rest = rest.ok_or_else(|| StreamProblem::OwnRecord {
                event_type: wire::KOLO_REST.to_owned(),
                problem: format!(
                    "the header does not hold the {} records that follow",
                    stamp.count - 1
                ),
            })?;
            let rest = rest
                .into_iter()
                .map(|event| (event.event_type.into(), event.id, event.value.into()))
                .collect();
            let traceparent = record.headers.traceparent.map(Into::into);
            self.torn = Some(Torn {
                stamp: Stamp { source, ..*stamp },
                key: key.into(),
                traceparent,
                rest,
                found: 1,
            });
        }
        Ok(())
    }

    fn fold_successor(&mut self, stamp: &Stamp) -> Result<(), StreamProblem> {
        let found = self.torn.as_ref().map_or(0, |torn| torn.found);
        if stamp.index != found + 1 && self.setup.rules.validity {
            return Err(StreamProblem::TornOutOfTurn {
                index: stamp.index,
                count: stamp.count,
                found,
            });
        }
        match &mut self.torn {
            Some(torn) if stamp.index < stamp.count => torn.found = stamp.index,
            _ => self.torn = None,
        }
        Ok(())
    }

    /// Takes up one record of an answer; returns the request's id if it is one.
    pub(super) fn fold_part(&mut self, part: &Part<'_>) -> Result<Option<EventId>, StreamProblem> {
        self.events += 1;
        self.note_changed(part.key);
        if part.event_type == BARRED {
            let barred: Barred = own_json(part.event_type, part.value)?;
            // A step that is declared no more has nothing to bar.
            if let Some(step) = self.declaration.step(&barred.step) {
                let waiting = barred.waiting.map(|trigger| Waiting {
                    step,
                    by: barred.by,
                    trigger,
                });
                self.entities
                    .get_or_default(part.key)
                    .barrier
                    .bar(part.correlation, step, waiting);
            }
            return Ok(None);
        }
        if part.event_type == PARKED {
            let parked = own_json(part.event_type, part.value)?;
            self.note_parked(part.key, parked, part.at);
            return Ok(None);
        }
        if part.event_type == UNPARKED {
            let unparked: Unparked = own_json(part.event_type, part.value)?;
            return Ok(self.note_unparked(part.key, &unparked, part.at));
        }
        let event = S::Event::decode(part.event_type, part.value).ok_or_else(|| {
            StreamProblem::UnknownEvent {
                event_type: part.event_type.to_owned(),
            }
        })??;
        let entity = self.entities.get_or_default(part.key);
        entity.state.evolve(&event, part.at);
        if let Some(deadline) = &self.declaration.deadline {
            let due = (deadline.due)(&entity.state);
            entity.set_alarm(due, part.id, part.correlation, part.traceparent);
        }
        let recorded = Recorded {
            event_type: part.event_type,
            id: part.id,
            correlation: part.correlation,
            key: part.key,
            value: part.value,
            at: part.at,
            traceparent: part.traceparent,
        };
        Ok(self.note(&recorded))
    }
}

impl<S: State> crate::declaration::Declaration<S> {
    pub(crate) fn owner(self: &Arc<Self>, setup: super::Setup) -> Box<dyn super::Processor> {
        Box::new(Owner::new(Arc::clone(self), setup))
    }

    pub(crate) fn replay(
        self: &Arc<Self>,
        setup: super::Setup,
        filter: ReplayFilter,
    ) -> Box<dyn Replay> {
        Box::new(Rehearsal::new(Arc::clone(self), setup, filter))
    }
}
