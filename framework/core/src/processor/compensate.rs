//! Compensate: what a trigger adds to an answer in the making.

use crate::id::{CorrelationId, EventId};
use crate::problem::InputProblem;
use crate::state::{Meta, State};
use crate::wire::Trigger;

use super::draft::Bar;
use super::entity::Entity;
use super::making::Making;

impl<S: State> Making<'_, S> {
    /// A trigger arrived: undoes, bars, or keeps the trigger until a pending effect is answered.
    pub(super) fn compensate(
        &mut self,
        entity: &mut Entity<S>,
        undos: &[usize],
        meta: &Meta,
        value: &[u8],
        is_pending: impl Fn(EventId) -> bool,
    ) -> Result<(), InputProblem> {
        let saga = entity.barrier.saga(meta.correlation);
        if saga.is_some_and(crate::barrier::Saga::is_past_pivot) {
            return Ok(());
        }
        let open = undos.iter().copied().filter(|&at| {
            let step = self.declaration.undos[at].step;
            saga.is_none_or(|saga| !saga.is_barred(step))
        });
        let open: Vec<usize> = open.collect();
        let steps = self.steps(&open);
        // All wait if one does: they are undone together, in reverse order.
        let waits = self.rules.undo_waits
            && saga.is_some_and(|saga| saga.to_undo(steps).any(|done| is_pending(done.id)));
        let trigger = Trigger {
            id: meta.id,
            causation: meta.causation,
            correlation: meta.correlation,
            at: meta.at,
            value: value.into(),
        };
        if !waits {
            return self.undo(entity, &open, &trigger);
        }
        for at in open {
            self.bar(at, meta.id, 0, Some(trigger.clone()));
        }
        self.draft.check(self.key, self.limit)
    }

    /// A request was answered: the triggers that waited for it are decided now, on the state that knows the answer.
    pub(super) fn settle_waiting(
        &mut self,
        entity: &mut Entity<S>,
        correlation: CorrelationId,
        is_pending: impl Fn(EventId) -> bool,
    ) -> Result<(), InputProblem> {
        let Some(saga) = entity.barrier.saga(correlation) else {
            return Ok(());
        };
        // What one trigger undoes is undone together: (the trigger, its compensations).
        let mut triggers: Vec<(Trigger, Vec<usize>)> = Vec::new();
        for waiting in saga.waiting() {
            let undos = &self.declaration.undos;
            let undo = undos
                .iter()
                .position(|undo| undo.step == waiting.step && undo.trigger.name == waiting.by);
            // A compensation that was taken out of the declaration since has nothing to undo with.
            let Some(undo) = undo else { continue };
            match triggers
                .iter_mut()
                .find(|(trigger, _)| trigger.id == waiting.trigger.id)
            {
                Some((_, undos)) => undos.push(undo),
                None => triggers.push((waiting.trigger.clone(), vec![undo])),
            }
        }
        triggers.retain(|(_, undos)| {
            !saga
                .to_undo(self.steps(undos))
                .any(|done| is_pending(done.id))
        });
        for (trigger, undos) in triggers {
            self.undo(entity, &undos, &trigger)?;
        }
        Ok(())
    }

    /// The steps of these compensations, as a bit mask.
    fn steps(&self, undos: &[usize]) -> u64 {
        undos
            .iter()
            .fold(0, |mask, &at| mask | 1 << self.declaration.undos[at].step)
    }

    /// Undoes what the steps of these compensations did in the saga, the latest first, and bars the steps.
    fn undo(
        &mut self,
        entity: &mut Entity<S>,
        undos: &[usize],
        trigger: &Trigger,
    ) -> Result<(), InputProblem> {
        let steps = self.steps(undos);
        let done = entity
            .barrier
            .saga(trigger.correlation)
            .map(|saga| saga.to_undo(steps).cloned().collect::<Vec<_>>());
        let mut next_index = vec![0; undos.len()];
        for done in done.into_iter().flatten() {
            let Some(place) = undos
                .iter()
                .position(|&at| self.declaration.undos[at].step == done.step)
            else {
                continue;
            };
            let undo = &self.declaration.undos[undos[place]];
            let meta = Meta {
                id: trigger.id,
                causation: trigger.causation,
                correlation: trigger.correlation,
                at: trigger.at,
                key: self.key.to_owned(),
            };
            self.function = Some(undo.function);
            self.correlation = trigger.correlation;
            (undo.run)(
                &entity.state,
                meta,
                &trigger.value,
                &done.value,
                self.events,
            )?;
            let name = &self.names.undos[undos[place]];
            next_index[place] =
                self.take_events(entity, trigger.id, name, next_index[place], None)?;
        }
        for &at in undos {
            // Told apart from the bar that this trigger may have written while it waited.
            self.bar(at, trigger.id, 1, None);
        }
        self.draft.check(self.key, self.limit)
    }

    fn bar(&mut self, undo: usize, trigger: EventId, index: u32, waiting: Option<Trigger>) {
        if !self.rules.bars {
            return;
        }
        let undo = &self.declaration.undos[undo];
        let step = usize::from(undo.step);
        let id = EventId::derive(trigger, &self.names.bars[step], index, None);
        let bar = Bar {
            step: undo.step,
            by: undo.trigger.name.to_owned(),
            waiting,
        };
        self.draft.bar(id, self.declaration.steps[step].name, bar);
    }
}
