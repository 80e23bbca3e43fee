//! The barrier: what makes a compensation safe in every order of arrival.
//!
//! Per key, saga and step: not done, done (with the events that did it), barred. It is a fold of the stream: an own event
//! of a step's type is *done*, a `kolo.barred` record bars. Undone implies barred: an undo and its bar are one answer.
//!
//! | a trigger finds the step | then |
//! |---|---|
//! | not done | the step is barred: when it arrives late, it is refused |
//! | done | each event is undone, the latest first, and the step is barred |
//! | done, its effect's answer pending | the step is barred and the trigger kept; the answer and the undo are one append |
//! | barred | nothing new |

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::id::{CorrelationId, EventId};
use crate::wire::Trigger;

/// A step's place among the steps of its aggregate; at most [`MAX_STEPS`].
pub(crate) type Step = u8;

/// How many steps with a compensation an aggregate may have.
pub(crate) const MAX_STEPS: usize = 64;

/// The barrier of one key. Empty for the most of them: it costs a pointer.
#[derive(Debug, Default)]
pub(crate) struct Barrier(Option<Box<HashMap<CorrelationId, Saga>>>);

/// What one saga did at one key.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Saga {
    done: Vec<Done>,
    barred: u64,
    waiting: Vec<Waiting>,
    pivoted: bool,
}

/// An own event that may have to be undone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) step: Step,
    pub(crate) id: EventId,
    pub(crate) value: Box<[u8]>,
}

/// A trigger that waits for the answer of a step's pending effect.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Waiting {
    pub(crate) step: Step,
    /// Full name of the trigger's event type.
    pub(crate) by: String,
    pub(crate) trigger: Trigger,
}

const fn bit(step: Step) -> u64 {
    1 << step
}

impl Barrier {
    pub(crate) fn saga(&self, saga: CorrelationId) -> Option<&Saga> {
        self.0.as_ref().and_then(|sagas| sagas.get(&saga))
    }

    fn saga_mut(&mut self, saga: CorrelationId) -> &mut Saga {
        self.0.get_or_insert_default().entry(saga).or_default()
    }

    /// Whether any of these steps (a bit mask) is barred to the saga.
    pub(crate) fn bars(&self, saga: CorrelationId, steps: u64) -> bool {
        steps != 0 && self.saga(saga).is_some_and(|saga| saga.barred & steps != 0)
    }

    /// All sagas, in no order.
    pub(crate) fn sagas(&self) -> impl Iterator<Item = (&CorrelationId, &Saga)> {
        self.0.iter().flat_map(|sagas| sagas.iter())
    }

    pub(crate) fn of_sagas(sagas: Vec<(CorrelationId, Saga)>) -> Self {
        Barrier((!sagas.is_empty()).then(|| Box::new(sagas.into_iter().collect())))
    }

    pub(crate) fn done(&mut self, saga: CorrelationId, done: Done) {
        self.saga_mut(saga).done.push(done);
    }

    pub(crate) fn pivot(&mut self, saga: CorrelationId) {
        self.saga_mut(saga).pivoted = true;
    }

    /// Bars a step; what it did is either undone by the same answer, or waits.
    pub(crate) fn bar(&mut self, saga: CorrelationId, step: Step, waiting: Option<Waiting>) {
        let saga = self.saga_mut(saga);
        saga.barred |= bit(step);
        match waiting {
            Some(waiting) => saga.waiting.push(waiting),
            None => {
                saga.done.retain(|done| done.step != step);
                saga.waiting.retain(|waiting| waiting.step != step);
            }
        }
    }
}

impl Saga {
    pub(crate) fn is_barred(&self, step: Step) -> bool {
        self.barred & bit(step) != 0
    }

    pub(crate) fn is_past_pivot(&self) -> bool {
        self.pivoted
    }

    /// The events that did these steps (a bit mask), the latest first.
    pub(crate) fn to_undo(&self, steps: u64) -> impl Iterator<Item = &Done> {
        self.done
            .iter()
            .rev()
            .filter(move |done| steps & bit(done.step) != 0)
    }

    pub(crate) fn waiting(&self) -> &[Waiting] {
        &self.waiting
    }
}
