//! Settle: a request ends, with its port's reply.

use crate::declaration::EffectDecl;
use crate::effect::{CallFailure, Reply};
use crate::event::DecodeError;
use crate::id::EventId;
use crate::problem::InputProblem;
use crate::state::State;
use crate::time::Timestamp;
use crate::wire::{Failure, FailureClass, Source};

use super::answer::AnswerTo;
use super::entity::Entity;
use super::making::{Failed, Making};
use super::outbox::Outbox;
use super::owner::Owner;
use super::requests::Pending;
use super::{Outcome, ProcessorError};

impl<S: State> Owner<S> {
    /// Answers a request with its port's reply, and runs the undo that waited for it.
    pub(super) fn settle(
        &mut self,
        request: EventId,
        reply: Reply,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<Outcome, ProcessorError> {
        self.close(request, 1, now, out, |effect, state, value, events| {
            (effect.run)(state, value, reply, events)
        })
    }

    /// Answers a request that gets no reply as the declaration says, or parks its key.
    pub(super) fn give_up(
        &mut self,
        request: EventId,
        failure: &CallFailure,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<Outcome, ProcessorError> {
        let Some(pending) = self.pending.get(&request) else {
            return Ok(Outcome::Repeat);
        };
        let effect = &self.declaration.effects[pending.effect];
        if effect.exhausted.is_some() {
            let attempts = failure.attempts;
            return self.close(
                request,
                attempts,
                now,
                out,
                |effect, state, value, events| match &effect.exhausted {
                    Some(answer) => (answer.run)(state, value, events),
                    None => Ok(()),
                },
            );
        }
        let why = Failure {
            class: FailureClass::Effect,
            function: Some(effect.port_name.to_owned()),
            message: failure.to_string(),
        };
        let Some(pending) = self.pending.remove(&request) else {
            return Ok(Outcome::Repeat);
        };
        Ok(self.park_request(request, pending, why, failure.attempts, now, out))
    }

    /// Gives a request its answer. One that cannot be decided parks the key, and the port is asked again after a redrive.
    fn close(
        &mut self,
        request: EventId,
        attempts: u32,
        now: Timestamp,
        out: &mut Outbox,
        answer: impl FnOnce(&EffectDecl<S>, &S, &[u8], &mut Vec<S::Event>) -> Result<(), DecodeError>,
    ) -> Result<Outcome, ProcessorError> {
        let Some(pending) = self.pending.remove(&request) else {
            return Ok(Outcome::Repeat);
        };
        if let Some(failure) = self.setup.broken.get(&request).cloned() {
            return Ok(self.park_request(request, pending, failure, attempts, now, out));
        }
        let run = |making: &mut Making<'_, S>, entity: &mut Entity<S>| {
            let effect = &making.declaration.effects[pending.effect];
            making.function = Some(effect.function);
            answer(effect, &entity.state, &pending.value, making.events)?;
            let name = &making.names.effects[pending.effect];
            making
                .take_events(entity, request, name, 0, None)
                .map(|_| ())
        };
        match self.end_request(&pending, now, run) {
            Ok(()) => {
                let answer = AnswerTo {
                    correlation: pending.correlation,
                    causation: request,
                    source: Source::None,
                    key: &pending.key,
                    traceparent: pending.traceparent.as_deref(),
                };
                let count = self.write_answer(&answer, now, out);
                if !self.setup.rules.answer_once {
                    self.pending.put_back(request, pending);
                }
                Ok(Outcome::Decided(count))
            }
            Err(failed) => {
                let failure = failed.parkable(&pending.key, request)?;
                Ok(self.park_request(request, pending, failure, attempts, now, out))
            }
        }
    }

    /// Collects what a request that ends here leads to: what `run` gives, and the undo that waited for it.
    pub(super) fn end_request(
        &mut self,
        request: &Pending,
        now: Timestamp,
        run: impl FnOnce(&mut Making<'_, S>, &mut Entity<S>) -> Result<(), InputProblem>,
    ) -> Result<(), Failed> {
        let entity = self.entities.get_or_default(&request.key);
        let due = entity.due();
        let mut making = Making::begin(
            &self.declaration,
            &self.names,
            &mut self.scratch,
            &request.key,
            self.setup.max_record_bytes,
            now,
            request.correlation,
        );
        making.traceparent = request.traceparent.as_deref();
        let pending = &self.pending;
        making.attempt(|making| {
            run(making, entity)?;
            making.settle_waiting(entity, request.correlation, |id| pending.contains_key(&id))
        })?;
        let due_now = entity.due();
        self.deadlines.changed(&request.key, due, due_now);
        Ok(())
    }
}
