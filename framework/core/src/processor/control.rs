//! Control: what a record in the inbox asks of the owner itself, and not of a reaction.

use crate::state::State;
use crate::time::Timestamp;
use crate::wire::{self, DROP, Parked, ParkedKind, REDRIVE, REPLAY, Record, Source, UNROUTED};

use super::outbox::Outbox;
use super::owner::Owner;
use super::redrive::Redriven;
use super::replay::undecided;
use super::{Outcome, ProcessorError};

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
            UNROUTED => {
                let value = record.value.unwrap_or_default();
                let parked = serde_json::from_slice::<Parked>(value);
                match parked
                    .ok()
                    .filter(|parked| parked.kind == ParkedKind::Route)
                {
                    Some(parked) => Ok(self.park_unrouted(key, parked, source, now, out)),
                    None => Ok(Outcome::NotUnderstood),
                }
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
                let answer = answer.of(source);
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
                let answer = Redriven::anew(self, &parked).of(source);
                self.write_parked(&answer.to(key), parked, now, out);
                Ok(Outcome::Parked)
            }
        }
    }

    /// Keeps what a router could not forward, under the key that it had in its source.
    fn park_unrouted(
        &mut self,
        key: &str,
        parked: Parked,
        source: Source,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Outcome {
        let entity = self.entities.get_or_default(key);
        if self.setup.rules.skip_by_id && entity.has_answered(parked.id) {
            return Outcome::Repeat;
        }
        entity.answered(parked.id, true, self.declaration.window);
        let answer = Redriven::anew(self, &parked).of(source);
        self.write_parked(&answer.to(key), parked, now, out);
        Outcome::Parked
    }
}
