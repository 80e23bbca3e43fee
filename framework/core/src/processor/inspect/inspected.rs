//! One key as plain data.

use crate::id::{CorrelationId, EventId};
use crate::time::Timestamp;
use crate::wire::Queued;

use super::InspectedState;

/// All that is known of one key.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Inspected {
    /// The state; `None` where the aggregate declares no snapshots, without which a state has no form but its type's.
    pub state: Option<InspectedState>,
    /// The ids of the inputs that it answered, the latest of them: of direct ones and of routed copies.
    pub answered: [Vec<EventId>; 2],
    /// What its sagas did, in the order of their ids.
    pub barrier: Vec<InspectedSaga>,
    /// The deadline that its state has.
    pub deadline: Option<InspectedDeadline>,
    /// Its requests without an answer, in order.
    pub pending: Vec<InspectedRequest>,
    /// What is parked, in order.
    pub parked: Vec<Queued>,
    /// Of an answer that was not written to its end: how many of its records there are, and how many there should be.
    pub torn: Option<(u16, u16)>,
}

/// What one saga did at a key, as far as a compensation may have to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InspectedSaga {
    /// Which saga.
    pub correlation: CorrelationId,
    /// The steps that it did and that nothing has undone: the event's full name, and its id.
    pub done: Vec<(&'static str, EventId)>,
    /// The steps that are refused to it from now on.
    pub barred: Vec<&'static str>,
    /// The steps whose undoing waits for the answer of a request, each with the event that triggers it.
    pub waiting: Vec<(&'static str, String)>,
    /// Whether there is no way back any more.
    pub is_past_pivot: bool,
}

/// A deadline.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InspectedDeadline {
    /// When it passes.
    pub due: Timestamp,
    /// The own event that set it.
    pub cause: EventId,
    /// That event's saga.
    pub correlation: CorrelationId,
    /// Whether it has passed and was answered, and the state keeps it.
    pub is_answered: bool,
}

/// A request to the outside world without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InspectedRequest {
    /// The request's event id: the idempotency key.
    pub id: EventId,
    /// Its event type's full name.
    pub request: &'static str,
    /// The port, by the path of its type.
    pub port: &'static str,
    /// The saga.
    pub correlation: CorrelationId,
    /// When it was recorded.
    pub since: Timestamp,
    /// Whether it is parked, and not called until it is redriven.
    pub is_parked: bool,
}

impl Inspected {
    /// In what this key is another one than it is there, in words; empty if in nothing.
    #[must_use]
    pub fn differences(&self, other: &Inspected) -> Vec<&'static str> {
        let is_same_state = match (&self.state, &other.state) {
            (Some(one), Some(other)) => one.is_same(other),
            (one, other) => one.is_none() == other.is_none(),
        };
        let same = [
            ("state", is_same_state),
            ("answered inputs", self.answered == other.answered),
            ("barrier", self.barrier == other.barrier),
            ("deadline", self.deadline == other.deadline),
            ("pending requests", self.pending == other.pending),
            ("parked records", self.parked == other.parked),
        ];
        let differ = same.into_iter().filter(|(_, same)| !same);
        differ.map(|(what, _)| what).collect()
    }
}
