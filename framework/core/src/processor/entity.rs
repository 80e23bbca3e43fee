//! One key: its state, its barrier, and what its own events mean beyond the state.

use hashbrown::HashMap;

use crate::barrier::{Barrier, Done};
use crate::effect::EffectCall;
use crate::id::{CorrelationId, EventId};

use super::answered::Answered;
use super::names::Names;

/// One key.
pub(super) struct Entity<S> {
    pub(super) state: S,
    pub(super) answered: Answered,
    pub(super) barrier: Barrier,
}

impl<S: Default> Default for Entity<S> {
    fn default() -> Self {
        Entity {
            state: S::default(),
            answered: Answered::default(),
            barrier: Barrier::default(),
        }
    }
}

/// A request without an answer.
pub(super) struct Pending {
    pub(super) effect: usize,
    pub(super) key: Box<str>,
    pub(super) correlation: CorrelationId,
    pub(super) value: Box<[u8]>,
    pub(super) traceparent: Option<Box<str>>,
}

impl Pending {
    pub(super) fn call(&self, request: EventId) -> EffectCall {
        EffectCall {
            effect: self.effect,
            request,
            correlation: self.correlation,
            key: self.key.clone(),
            value: self.value.clone(),
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
    pub(super) traceparent: Option<&'a str>,
}

impl Recorded<'_> {
    /// Notes what an own event means beyond the state: a step done, a request pending, the pivot passed. Returns the
    /// request's id if it is one.
    pub(super) fn note(
        names: &Names,
        pending: &mut HashMap<EventId, Pending>,
        barrier: &mut Barrier,
        recorded: &Recorded<'_>,
    ) -> Option<EventId> {
        let own = names.own(recorded.event_type)?;
        if let Some(step) = own.step {
            let done = Done {
                step,
                id: recorded.id,
                value: recorded.value.into(),
            };
            barrier.done(recorded.correlation, done);
        }
        if own.pivot {
            barrier.pivot(recorded.correlation);
        }
        let effect = own.effect?;
        pending.insert(
            recorded.id,
            Pending {
                effect,
                key: recorded.key.into(),
                correlation: recorded.correlation,
                value: recorded.value.into(),
                traceparent: recorded.traceparent.map(Into::into),
            },
        );
        Some(recorded.id)
    }
}
