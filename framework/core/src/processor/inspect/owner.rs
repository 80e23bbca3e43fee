//! Where the answers come from: the owner's own memory.

use crate::barrier::{Saga, Step};
use crate::event::OwnEvents;
use crate::id::{CorrelationId, EventId};
use crate::position::{Origin, Position};
use crate::processor::answered::Answered;
use crate::processor::entity::{Alarm, Entity};
use crate::processor::owner::Owner;
use crate::processor::requests::Pending;
use crate::processor::{ProcessorError, SnapshotProblem};
use crate::state::State;
use crate::stream::Verdict;
use crate::wire::{FENCE, MARKER, Record, Stamp};

use super::{
    Inspect, Inspected, InspectedDeadline, InspectedRequest, InspectedSaga, InspectedState,
};

impl<S: State> Inspect for Owner<S> {
    fn restore_key(
        &mut self,
        key: &str,
        record: &Record<'_>,
    ) -> Result<Option<Stamp>, ProcessorError> {
        let event_type = record.headers.event_type.unwrap_or_default();
        let is_fence = event_type == FENCE;
        let is_of_key = event_type != MARKER && record.key == Some(key.as_bytes());
        let mut reader = self.reader;
        let verdict = reader.read(record.offset, &record.headers);
        if is_fence || is_of_key || verdict.is_err() {
            crate::processor::Processor::restore(self, record)?;
        }
        self.reader = reader;
        Ok(match verdict {
            Ok(Verdict::Valid(stamp)) if is_of_key => Some(stamp),
            _ => None,
        })
    }

    fn inspect(&self, key: &str) -> Option<Inspected> {
        self.entities
            .look(key, |entity| self.inspected(key, entity))
    }

    fn event_text(&self, event_type: &str, value: &[u8]) -> Option<Result<String, String>> {
        let event = S::Event::decode(event_type, value)?;
        Some(match event {
            Ok(event) => Ok(format!("{event:?}")),
            Err(error) => Err(error.to_string()),
        })
    }

    fn each_key(&self, take: &mut dyn FnMut(&str)) {
        self.entities.iter().for_each(|(key, _)| take(key));
        self.entities.each_stored(None, &mut |key, _| {
            if !self.entities.is_in_memory(key) {
                take(key);
            }
            true
        });
        let parked = self.parked.keys();
        let only_parked = parked.filter(|key| !self.entities.is_in_memory(key));
        only_parked.for_each(take);
    }

    fn write_key(&self, key: &str, out: &mut Vec<u8>) -> Result<bool, SnapshotProblem> {
        self.write_one(key, out)
    }

    fn decided(&self) -> Vec<(Origin, i32, Position)> {
        let origins = self.positions.origins();
        let named = |(origin, partition, position)| {
            let origin = origins.get(usize::from(origin))?;
            Some((origin.clone(), partition, position))
        };
        let mut all: Vec<_> = self.positions.iter().filter_map(named).collect();
        all.sort_by_key(|(origin, partition, _)| (origin.id, origin.path.to_string(), *partition));
        all
    }
}

impl<S: State> Owner<S> {
    fn inspected(&self, key: &str, entity: Option<&Entity<S>>) -> Option<Inspected> {
        if entity.is_none() && !self.parked.contains(key) {
            return None;
        }
        let torn = self.torn.as_ref().filter(|torn| &*torn.key == key);
        let pending = self.pending.in_order().into_iter();
        let pending = pending.filter(|(_, pending)| &*pending.key == key);
        let decl = self.declaration.snapshots.as_ref();
        let unanswered = S::default();
        let state = entity.map_or(&unanswered, |entity| &entity.state);
        Some(Inspected {
            state: decl.map(|decl| InspectedState::of(decl, state)),
            answered: entity.map_or_else(Default::default, answered),
            barrier: entity.map_or_else(Vec::new, |entity| self.barrier(entity)),
            deadline: entity
                .and_then(|entity| entity.alarm.as_deref())
                .map(deadline),
            pending: pending
                .map(|(&id, pending)| self.request(id, pending))
                .collect(),
            parked: self.parked.of(key).cloned().collect(),
            torn: torn.map(|torn| (torn.found, torn.stamp.count)),
        })
    }

    fn barrier(&self, entity: &Entity<S>) -> Vec<InspectedSaga> {
        let all = entity.barrier.sagas();
        let mut all: Vec<_> = all.map(|(id, saga)| self.saga(*id, saga)).collect();
        all.sort_unstable_by_key(|saga| saga.correlation);
        all
    }

    fn saga(&self, correlation: CorrelationId, saga: &Saga) -> InspectedSaga {
        let steps = &self.declaration.steps;
        let name = |step: Step| steps.get(usize::from(step)).map_or("", |step| step.name);
        let all = (0..steps.len()).filter_map(|step| Step::try_from(step).ok());
        let mut done: Vec<_> = saga
            .to_undo(u64::MAX)
            .map(|done| (name(done.step), done.id))
            .collect();
        done.reverse();
        InspectedSaga {
            correlation,
            done,
            barred: all.filter(|&step| saga.is_barred(step)).map(name).collect(),
            waiting: saga
                .waiting()
                .iter()
                .map(|waiting| (name(waiting.step), waiting.by.clone()))
                .collect(),
            is_past_pivot: saga.is_past_pivot(),
        }
    }

    fn request(&self, id: EventId, pending: &Pending) -> InspectedRequest {
        let effect = self.declaration.effects.get(pending.effect);
        InspectedRequest {
            id,
            request: effect.map_or("", |effect| effect.request.name),
            port: effect.map_or("", |effect| effect.port_name),
            correlation: pending.correlation,
            since: pending.at,
            is_parked: pending.is_parked,
        }
    }
}

fn deadline(alarm: &Alarm) -> InspectedDeadline {
    InspectedDeadline {
        due: alarm.due,
        cause: alarm.cause,
        correlation: alarm.correlation,
        is_answered: alarm.is_answered,
    }
}

/// The ids that a key remembers, the oldest first.
fn answered<S>(entity: &Entity<S>) -> [Vec<EventId>; 2] {
    let ids = |answered: &Answered| {
        let (ids, next) = answered.ring();
        let (latest, oldest) = ids.split_at((next as usize).min(ids.len()));
        let ids = oldest.iter().chain(latest);
        ids.map(|&id| EventId(uuid::Uuid::from_u128(id))).collect()
    };
    let copies = entity.answered_copies.as_deref();
    [ids(&entity.answered), copies.map_or_else(Vec::new, ids)]
}
