//! Making: an answer while the user's functions run, and what stands when one of them fails.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::declaration::Declaration;
use crate::description::Function;
use crate::id::{CorrelationId, EventId, ReactionId};
use crate::panic::message_of;
use crate::problem::InputProblem;
use crate::state::State;
use crate::time::Timestamp;
use crate::wire::Failure;

use super::draft::Draft;
use super::entity::{Alarm, Entity};
use super::names::Names;
use super::owner::Scratch;
use super::{ProcessorError, Rules};

/// An answer in the making: each reaction's events are taken up by the state before the next reaction decides.
pub(super) struct Making<'a, S: State> {
    pub(super) declaration: &'a Declaration<S>,
    pub(super) names: &'a Names,
    pub(super) draft: &'a mut Draft,
    pub(super) events: &'a mut Vec<S::Event>,
    pub(super) key: &'a str,
    /// What a record may take.
    pub(super) limit: usize,
    pub(super) now: Timestamp,
    pub(super) correlation: CorrelationId,
    /// What the answer's records carry on.
    pub(super) traceparent: Option<&'a str>,
    /// The user's function that runs, or ran last.
    pub(super) function: Option<Function>,
    /// Whether the state has taken up an event: a failure from then on leaves it half-changed.
    pub(super) has_evolved: bool,
    /// Whether the state takes up nothing: the answer is only looked at.
    pub(super) rehearses: bool,
    pub(super) rules: Rules,
}

/// Why nothing was decided.
pub(super) struct Failed {
    pub(super) failure: Failure,
    /// Whether the state was left half-changed, so that it must be restored.
    pub(super) broken: bool,
}

impl Failed {
    /// Without having changed anything.
    pub(super) fn cleanly(failure: Failure) -> Self {
        Failed {
            failure,
            broken: false,
        }
    }

    /// Why the input, the request or the deadline with this id is to be parked; an error where the state is half-changed.
    pub(super) fn parkable(self, key: &str, id: EventId) -> Result<Failure, ProcessorError> {
        if self.broken {
            return Err(ProcessorError::Broken {
                key: key.to_owned(),
                id,
                failure: Box::new(self.failure),
            });
        }
        Ok(self.failure)
    }
}

impl<'a, S: State> Making<'a, S> {
    /// An answer that nothing is in yet.
    pub(super) fn begin(
        declaration: &'a Declaration<S>,
        names: &'a Names,
        scratch: &'a mut Scratch<S>,
        key: &'a str,
        limit: usize,
        now: Timestamp,
        correlation: CorrelationId,
    ) -> Self {
        scratch.draft.clear();
        scratch.events.clear();
        Making {
            declaration,
            names,
            draft: &mut scratch.draft,
            events: &mut scratch.events,
            key,
            limit,
            now,
            correlation,
            traceparent: None,
            function: None,
            has_evolved: false,
            rehearses: scratch.rehearses,
            rules: scratch.rules,
        }
    }

    /// Moves what a reaction emitted into the answer. Returns the index that its next event would have.
    ///
    /// All that could forbid the events is looked at before the state takes up the first of them.
    pub(super) fn take_events(
        &mut self,
        entity: &mut Entity<S>,
        cause: EventId,
        reaction: &ReactionId,
        from: u32,
        key: Option<&str>,
    ) -> Result<u32, InputProblem> {
        self.draft.functions += usize::from(self.draft.functions > 0 || !self.events.is_empty());
        if self.events.is_empty() {
            return Ok(from);
        }
        let first = self.draft.items.len();
        let mut index = from;
        for event in self.events.iter() {
            let id = EventId::derive(cause, reaction, index, key);
            self.draft.event(event, id, self.key)?;
            index += u32::from(self.rules.ids_by_index);
        }
        self.draft.check(self.key, self.limit)?;
        if self.rehearses {
            self.events.clear();
            return Ok(index);
        }
        self.has_evolved = true;
        for (event, item) in self.events.drain(..).zip(&self.draft.items[first..]) {
            entity.state.evolve(&event, self.now);
            if let Some(deadline) = &self.declaration.deadline {
                let due = (deadline.due)(&entity.state);
                entity.set_alarm(due, item.id, self.correlation, self.traceparent);
            }
        }
        Ok(index)
    }

    /// Runs the user's functions; a panic in one is a failure like any other.
    pub(super) fn attempt<T>(
        &mut self,
        run: impl FnOnce(&mut Self) -> Result<T, InputProblem>,
    ) -> Result<T, Failed> {
        // Nothing of what a panic may have left half-done is looked at again: the draft is cleared, and a state that
        // has begun to change is restored.
        let outcome = unless_it_panics(|| run(self));
        outcome.map_err(|problem| {
            self.draft.clear();
            self.events.clear();
            Failed {
                failure: failure(&problem, self.function),
                broken: self.has_evolved,
            }
        })
    }
}

impl<S> Entity<S> {
    /// Notes the deadline that the state has after an own event.
    pub(super) fn set_alarm(
        &mut self,
        due: Option<Timestamp>,
        cause: EventId,
        correlation: CorrelationId,
        traceparent: Option<&str>,
    ) {
        if self.alarm.as_ref().map(|alarm| alarm.due) == due {
            return;
        }
        self.alarm = due.map(|due| {
            Box::new(Alarm {
                due,
                cause,
                correlation,
                traceparent: traceparent.map(Into::into),
                is_answered: false,
            })
        });
    }
}

/// Runs a function of the user's that leaves nothing behind.
pub(crate) fn attempt(
    function: Function,
    run: impl FnOnce() -> Result<(), InputProblem>,
) -> Result<(), Failure> {
    unless_it_panics(run).map_err(|problem| failure(&problem, Some(function)))
}

fn unless_it_panics<T>(run: impl FnOnce() -> Result<T, InputProblem>) -> Result<T, InputProblem> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        Err(InputProblem::Panicked {
            message: message_of(panic.as_ref()),
        })
    })
}

fn failure(problem: &InputProblem, function: Option<Function>) -> Failure {
    let function = function.filter(|_| problem.is_of_the_function());
    Failure {
        class: problem.class(),
        function: function.map(|function| function.to_string()),
        message: problem.to_string(),
    }
}
