//! One key: its state, its barrier, and what its own events mean beyond the state.

use serde::{Deserialize, Serialize};

use crate::barrier::{Barrier, Done};
use crate::id::{CorrelationId, EventId};
use crate::state::State;
use crate::time::Timestamp;

use super::answered::Answered;
use super::owner::Owner;
use super::requests::Pending;

/// One key.
pub(super) struct Entity<S> {
    pub(super) state: S,
    /// Of direct inputs, and of routed ones: many routed copies must not make a key forget what was published to it.
    pub(super) answered: Answered,
    pub(super) answered_copies: Option<Box<Answered>>,
    pub(super) barrier: Barrier,
    pub(super) alarm: Option<Box<Alarm>>,
}

/// The deadline that a key's state has, and the own event that set it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Alarm {
    pub(super) due: Timestamp,
    pub(super) cause: EventId,
    pub(super) correlation: CorrelationId,
    /// Of that event.
    pub(super) traceparent: Option<Box<str>>,
    /// Whether it has passed and was answered, and the state keeps it.
    pub(super) is_answered: bool,
}

impl<S> Entity<S> {
    pub(super) fn has_answered(&self, input: EventId) -> bool {
        self.answered.contains(input)
            || self
                .answered_copies
                .as_ref()
                .is_some_and(|answered| answered.contains(input))
    }

    pub(super) fn answered(&mut self, input: EventId, routed: bool, window: usize) {
        if routed {
            self.answered_copies
                .get_or_insert_default()
                .insert(input, window);
        } else {
            self.answered.insert(input, window);
        }
    }
}

impl<S: Default> Default for Entity<S> {
    fn default() -> Self {
        Entity {
            state: S::default(),
            answered: Answered::default(),
            answered_copies: None,
            barrier: Barrier::default(),
            alarm: None,
        }
    }
}

/// An own event as it was recorded.
pub(super) struct Recorded<'a> {
    pub(super) event_type: &'a str,
    pub(super) id: EventId,
    pub(super) correlation: CorrelationId,
    pub(super) key: &'a str,
    pub(super) value: &'a [u8],
    pub(super) at: Timestamp,
    pub(super) traceparent: Option<&'a str>,
}

impl<S: State> Owner<S> {
    /// Notes what an own event means beyond the state: a step done, a request pending, the pivot passed. Returns the
    /// request's id if it is one.
    pub(super) fn note(&mut self, recorded: &Recorded<'_>) -> Option<EventId> {
        let own = self.names.own(recorded.event_type)?;
        let entity = self.entities.get_mut(recorded.key)?;
        if let Some(step) = own.step {
            let done = Done {
                step,
                id: recorded.id,
                value: recorded.value.into(),
            };
            entity.barrier.done(recorded.correlation, done);
        }
        if own.pivot {
            entity.barrier.pivot(recorded.correlation);
        }
        let effect = own.effect?;
        self.pending.insert(
            recorded.id,
            Pending {
                effect,
                key: recorded.key.into(),
                correlation: recorded.correlation,
                value: recorded.value.into(),
                at: recorded.at,
                traceparent: recorded.traceparent.map(Into::into),
                place: 0,
                is_parked: false,
            },
        );
        Some(recorded.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routed_copies_do_not_make_a_key_forget_what_was_published_to_it() {
        let mut entity = Entity::<()>::default();
        let published = EventId::foreign("published");
        entity.answered(published, false, 2);
        for copy in ["first", "second", "third"] {
            entity.answered(EventId::foreign(copy), true, 2);
        }
        assert!(entity.has_answered(published));
        assert!(entity.has_answered(EventId::foreign("third")));
        assert!(!entity.has_answered(EventId::foreign("first")));
    }
}
