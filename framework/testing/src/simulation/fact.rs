//! Facts: what comes from outside, and the sagas that it starts.

use kolo_core::{CorrelationId, Event, EventId, EventType, Key};

use super::draw::Draw;

/// An event that somebody outside publishes.
#[derive(Debug, Clone)]
pub struct Fact {
    pub(crate) event_type: &'static EventType,
    pub(crate) key: String,
    pub(crate) value: Box<[u8]>,
    /// The saga that it starts or concerns, where its schema names one.
    pub(crate) saga: Option<CorrelationId>,
    pub(crate) id: Option<EventId>,
}

impl Fact {
    /// This event. Its id is the simulation's, and another one for each fact.
    #[must_use]
    pub fn of<E: Event>(event: &E) -> Self {
        let mut value = Vec::new();
        event.encode(&mut value);
        Fact {
            event_type: E::TYPE,
            key: event.key().text(),
            value: value.into(),
            saga: event.saga().map(|saga| CorrelationId::of_saga(&saga)),
            id: None,
        }
    }

    /// With the id of its publisher, or one that is made of this name.
    pub(crate) fn known_as(self, name: &str) -> (Fact, EventId) {
        let id = self.id.unwrap_or_else(|| EventId::foreign(name));
        (self, id)
    }

    /// The same under an id of its publisher: two facts of one id are one event that was published twice.
    #[must_use]
    pub fn with_id(self, id: &str) -> Self {
        Fact {
            id: Some(kolo_core::wire::event_id(id)),
            ..self
        }
    }
}

impl<E: Event> From<&E> for Fact {
    fn from(event: &E) -> Self {
        Fact::of(event)
    }
}

/// What one saga publishes, by its number and what is drawn for it.
pub(crate) type Sagas = dyn Fn(u64, &mut Draw) -> Vec<Fact> + Send + Sync;

/// The facts of one saga of a run, and how many of them were published.
#[derive(Debug, Clone)]
pub(crate) struct Saga {
    pub(crate) number: u64,
    pub(crate) facts: Vec<(Fact, EventId)>,
    pub(crate) published: usize,
}

impl Saga {
    pub(crate) fn new(number: u64, facts: Vec<Fact>) -> Self {
        let with_ids = facts.into_iter().enumerate();
        let with_ids =
            with_ids.map(|(at, fact)| fact.known_as(&format!("saga {number} fact {at}")));
        Saga {
            number,
            facts: with_ids.collect(),
            published: 0,
        }
    }

    pub(crate) fn drawn(sagas: &Sagas, seed: u64, number: u64) -> Self {
        let mut draw = Draw::new(seed ^ number.wrapping_mul(0xd6e8_feb8_6659_fd93));
        Saga::new(number, sagas(number, &mut draw))
    }
}
