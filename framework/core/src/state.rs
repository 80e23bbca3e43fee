//! State, and the input that a decision reads.

use std::ops::Deref;

use crate::event::{Event, OwnEvents};
use crate::id::{CorrelationId, EventId};
use crate::time::Timestamp;

/// The state of an aggregate: a fold of its own events, and nothing else.
///
/// The default value is the state that no event has touched yet. Every reaction must be defined on it: inputs may
/// arrive in any order.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the state of an aggregate",
    label = "expected a type that implements `State`",
    note = "implement `kolo::State` for it: name its own-event enum and say how each event changes it"
)]
pub trait State: Default + Send + 'static {
    /// The own events: the enum generated for the aggregate's stream.
    type Event: OwnEvents;

    /// Takes up one own event; `at` is the timestamp recorded with it. Pure and total: it is run again on every restore.
    fn evolve(&mut self, event: &Self::Event, at: Timestamp);
}

/// The key type of the aggregate that `S` is the state of.
pub type KeyOf<S> = <<S as State>::Event as OwnEvents>::Key;

/// An event as an aggregate received it; dereferences to the event.
#[derive(Debug, Clone, PartialEq)]
pub struct Received<E> {
    event: E,
    meta: Meta,
}

/// What a reaction to a deadline receives: that the time passed. [`Received::at`] tells which time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline<K> {
    /// The aggregate that waits.
    pub key: K,
}

/// What is known of an input beside its event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) id: EventId,
    pub(crate) causation: Option<EventId>,
    pub(crate) correlation: CorrelationId,
    pub(crate) at: Timestamp,
    pub(crate) key: String,
}

impl<E> Received<E> {
    pub(crate) fn new(event: E, meta: Meta) -> Self {
        Received { event, meta }
    }

    pub(crate) fn into_meta(self) -> Meta {
        self.meta
    }

    /// The event's id.
    #[must_use]
    pub fn id(&self) -> EventId {
        self.meta.id
    }

    /// The id of the event that caused it; `None` for a fact from outside.
    #[must_use]
    pub fn causation(&self) -> Option<EventId> {
        self.meta.causation
    }

    /// The saga it belongs to.
    #[must_use]
    pub fn correlation(&self) -> CorrelationId {
        self.meta.correlation
    }

    /// The key of the aggregate that decides, as text. For a routed event this is where it was routed to.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.meta.key
    }

    /// The timestamp recorded with the event.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.meta.at
    }
}

impl<E: Event> Received<E> {
    /// An event as a decision would receive it: for tests of plain decisions.
    #[must_use]
    pub fn of(event: E, id: EventId, at: Timestamp) -> Self {
        let correlation = event.saga().map_or_else(
            || CorrelationId::of_event(id),
            |saga| CorrelationId::of_saga(&saga),
        );
        let key = crate::key::Key::text(event.key());
        Received {
            event,
            meta: Meta {
                id,
                causation: None,
                correlation,
                at,
                key,
            },
        }
    }
}

impl<E> Deref for Received<E> {
    type Target = E;

    fn deref(&self) -> &E {
        &self.event
    }
}
