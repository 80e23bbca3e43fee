//! Park: what cannot be decided is kept in the stream, and holds back whatever comes after it under the same key.
//!
//! | what happens | the key's queue |
//! |---|---|
//! | an input, a reply or a deadline fails | it is the queue's first |
//! | a router cannot tell whom a record of a source concerns | it goes to the end of that record's own key |
//! | an input comes for a parked key | it goes to the end, undecided |
//! | `kolo.redrive` | the first is run by today's code, and so on until one fails again or none is left |
//! | `kolo.drop` | one is forgotten, with a reason; what waited behind it runs |

use crate::id::{CorrelationId, EventId};
use crate::position::Position;
use crate::state::State;
use crate::time::Timestamp;
use crate::wire::{Failure, FailureClass, Parked, ParkedKind, Place, Record, Source, Unparked};

use super::Outcome;
use super::answer::AnswerTo;
use super::arrive::{Arrived, is_copy};
use super::decide::Deciding;
use super::entity::Alarm;
use super::outbox::Outbox;
use super::owner::Owner;
use super::requests::Pending;

impl<S: State> Owner<S> {
    /// Why an input that could be decided must not be: its key is parked, or it broke the state of an earlier owner.
    pub(super) fn stands_in_the_way(&self, key: &str, id: EventId) -> Option<Failure> {
        if let Some(first) = self.first_parked(key) {
            return Some(Failure {
                class: FailureClass::Behind,
                function: None,
                message: format!("its key is parked since {}", first.id),
            });
        }
        if self.setup.broken.is_empty() {
            return None;
        }
        self.setup.broken.get(&id).cloned()
    }

    pub(super) fn first_parked(&self, key: &str) -> Option<&Parked> {
        self.parked.first(key).map(|first| &first.parked)
    }

    /// An input as it is kept: whole, and with its place.
    pub(super) fn kept(
        &self,
        input: usize,
        (partition, position): (i32, Position),
        deciding: &Deciding<'_>,
        record: &Record<'_>,
        failure: Failure,
    ) -> Parked {
        let topic = &self.setup.inputs[input];
        Parked {
            kind: ParkedKind::Input,
            id: deciding.id,
            event_type: (!deciding.event_type.is_empty()).then(|| deciding.event_type.to_owned()),
            place: Some(Place {
                topic: topic.name.clone(),
                id: topic.id,
                partition: self.setup.partition,
                offset: record.offset,
                is_inbox: deciding.routed,
                copy_of: is_copy(deciding.stamp.as_ref()).then_some((partition, position)),
            }),
            at: record.timestamp,
            value: record.value.map(Into::into),
            too_large: false,
            headers: Parked::headers_of(record),
            failure,
            attempts: 1,
        }
    }

    /// Parks an input.
    pub(super) fn park(
        &mut self,
        arrived: &Arrived<'_>,
        failure: Failure,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Outcome {
        let deciding = &arrived.deciding;
        let place = (arrived.partition, arrived.position);
        let parked = self.kept(arrived.input, place, deciding, arrived.record, failure);
        let stamp = deciding.stamp.and_then(|stamp| stamp.correlation);
        let correlation = stamp.or_else(|| self.names.saga_of(&self.declaration, deciding));
        let answer = AnswerTo {
            correlation: correlation.unwrap_or_else(|| CorrelationId::of_event(deciding.id)),
            causation: deciding.id,
            source: self.source(arrived.origin, arrived.partition, arrived.position),
            key: deciding.key,
            traceparent: arrived.record.headers.traceparent,
        };
        let entity = self.entities.get_or_default(deciding.key);
        entity.answered(deciding.id, deciding.routed, self.declaration.window);
        self.write_parked(&answer, parked, now, out);
        self.positions
            .advance(arrived.origin, arrived.partition, arrived.position);
        Outcome::Parked
    }

    /// Parks a request: it is called again when it is redriven.
    pub(super) fn park_request(
        &mut self,
        request: EventId,
        pending: Pending,
        failure: Failure,
        attempts: u32,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Outcome {
        let effect = &self.declaration.effects[pending.effect];
        let (key, traceparent) = (pending.key.clone(), pending.traceparent.clone());
        let parked = Parked {
            kind: ParkedKind::Request,
            id: request,
            event_type: Some(effect.request.name.to_owned()),
            place: None,
            at: pending.at,
            value: Some(pending.value.clone()),
            too_large: false,
            headers: Vec::new(),
            failure,
            attempts,
        };
        let answer = AnswerTo {
            correlation: pending.correlation,
            causation: request,
            source: Source::Parked,
            key: &key,
            traceparent: traceparent.as_deref(),
        };
        self.pending.put_back(request, pending);
        self.write_parked(&answer, parked, now, out);
        Outcome::Parked
    }

    /// Parks a deadline whose reaction failed.
    pub(super) fn park_deadline(
        &mut self,
        id: EventId,
        key: &str,
        alarm: &Alarm,
        failure: Failure,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Outcome {
        let parked = Parked {
            kind: ParkedKind::Deadline,
            id,
            event_type: None,
            place: None,
            at: alarm.due,
            value: None,
            too_large: false,
            headers: Vec::new(),
            failure,
            attempts: 1,
        };
        let answer = AnswerTo {
            correlation: alarm.correlation,
            causation: alarm.cause,
            source: Source::Parked,
            key,
            traceparent: alarm.traceparent.as_deref(),
        };
        self.write_parked(&answer, parked, now, out);
        Outcome::Parked
    }

    pub(super) fn write_parked(
        &mut self,
        answer: &AnswerTo<'_>,
        mut parked: Parked,
        now: Timestamp,
        out: &mut Outbox,
    ) {
        parked.failure.shorten();
        let id = self.own_id(parked.id);
        let limit = self.setup.max_record_bytes;
        let draft = &mut self.scratch.draft;
        draft.clear();
        draft.parked(id, parked.clone());
        if draft.check(answer.key, limit).is_err() {
            parked.leave_out_value();
            draft.clear();
            draft.parked(id, parked);
        }
        self.write_answer(answer, now, out);
    }

    /// The id of a record that says something about `cause`, which may have more than one such: its place in this epoch
    /// tells them apart.
    pub(super) fn own_id(&self, cause: EventId) -> EventId {
        let place = format!(
            "{}.{:016x}.{}.{}",
            self.epoch,
            self.setup.nonce,
            self.number,
            self.scratch.draft.items.len()
        );
        EventId::derive(cause, &self.names.parking, 0, Some(&place))
    }

    /// Takes up that something is parked, or has failed again.
    pub(super) fn note_parked(&mut self, key: &str, parked: Parked, at: Timestamp) {
        if parked.kind == ParkedKind::Request
            && let Some(pending) = self.pending.get_mut(&parked.id)
        {
            pending.is_parked = true;
        }
        // A parked key stays in memory, with what is known of it.
        self.entities.get(key);
        self.latest_parked = Some(key.into());
        self.parked.park(key, parked, at);
    }

    /// Takes up that something is parked no more. Returns the request that is to be called again, if it is one.
    pub(super) fn note_unparked(
        &mut self,
        key: &str,
        unparked: &Unparked,
        at: Timestamp,
    ) -> Option<EventId> {
        let Parked { kind, at: due, .. } = self.parked.unpark(key, unparked.id)?.parked;
        if !self.parked.contains(key) {
            self.arm_deadline(key);
        }
        match kind {
            ParkedKind::Input | ParkedKind::Route => None,
            ParkedKind::Deadline => {
                let entity = self.entities.get_or_default(key);
                entity.answered(unparked.id, false, self.declaration.window);
                entity.pass(due);
                None
            }
            ParkedKind::Request if unparked.dropped.is_some() => {
                self.pending.remove(&unparked.id);
                None
            }
            ParkedKind::Request => {
                let pending = self.pending.get_mut(&unparked.id)?;
                pending.is_parked = false;
                // What its policy bounds begins anew.
                pending.at = at;
                Some(unparked.id)
            }
        }
    }
}
