//! Draft: an answer before it is written. What could forbid it is checked here, before any state takes an event up.

use crate::barrier::Step;
use crate::event::OwnEvents;
use crate::id::EventId;
use crate::key::Key;
use crate::problem::InputProblem;
use crate::wire::{BARRED, Barred, PARKED, Parked, Trigger, UNPARKED, Unparked};

use super::outbox::size_bytes;
use super::own::to_json;

/// How many records an answer may have: their count is 16 bits wide, and a redriven one has one more.
const MAX_RECORDS: usize = u16::MAX as usize - 1;

/// The records of one answer. Used again for each decision.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) items: Vec<Item>,
    /// The values of all items, one behind the other.
    pub(super) values: Vec<u8>,
    /// What the values but the first take in the first record's header.
    rest_bytes: usize,
    /// How many functions have had their say, from the first on that emitted something: each of the others decided on
    /// what those before it had emitted.
    pub(super) functions: usize,
}

pub(super) struct Item {
    pub(super) event_type: &'static str,
    pub(super) id: EventId,
    /// Where its value ends.
    pub(super) end: usize,
    pub(super) means: Means,
}

/// What an item means beyond the state.
pub(super) enum Means {
    /// An own event; what it means stands in its declaration.
    Event,
    Bar(Box<Bar>),
    Parked(Box<Parked>),
    Unparked(Box<Unparked>),
}

pub(super) struct Bar {
    pub(super) step: Step,
    /// Full name of the trigger's event type.
    pub(super) by: String,
    pub(super) waiting: Option<Trigger>,
}

impl Draft {
    pub(super) fn clear(&mut self) {
        self.items.clear();
        self.values.clear();
        self.rest_bytes = 0;
        self.functions = 0;
    }

    /// The records: type, id and value of each.
    pub(super) fn records(&self) -> impl Iterator<Item = (&'static str, EventId, &[u8])> {
        let mut from = 0;
        self.items.iter().map(move |item| {
            let value = &self.values[from..item.end];
            from = item.end;
            (item.event_type, item.id, value)
        })
    }

    fn push(&mut self, event_type: &'static str, id: EventId, from: usize, means: Means) {
        let end = self.values.len();
        if !self.items.is_empty() {
            // The layout of `kolo_rest`: two lengths and an id beside name and value.
            self.rest_bytes += 22 + event_type.len() + (end - from);
        }
        self.items.push(Item {
            event_type,
            id,
            end,
            means,
        });
    }

    pub(super) fn event<E: OwnEvents>(
        &mut self,
        event: &E,
        id: EventId,
        key: &str,
    ) -> Result<(), InputProblem> {
        let event_type = event.event_type().name;
        if !event.key().is(key) {
            return Err(InputProblem::ForeignKey {
                event: event_type,
                found: event.key().text(),
            });
        }
        let from = self.values.len();
        event.encode(&mut self.values);
        self.push(event_type, id, from, Means::Event);
        Ok(())
    }

    pub(super) fn bar(&mut self, id: EventId, step_name: &str, bar: Bar) {
        let barred = Barred {
            step: step_name.to_owned(),
            by: bar.by.clone(),
            waiting: bar.waiting.clone(),
        };
        let from = self.values.len();
        self.values.extend(to_json(&barred));
        self.push(BARRED, id, from, Means::Bar(Box::new(bar)));
    }

    pub(super) fn parked(&mut self, id: EventId, parked: Parked) {
        let from = self.values.len();
        self.values.extend(to_json(&parked));
        self.push(PARKED, id, from, Means::Parked(Box::new(parked)));
    }

    pub(super) fn unparked(&mut self, id: EventId, unparked: Unparked) {
        let from = self.values.len();
        self.values.extend(to_json(&unparked));
        self.push(UNPARKED, id, from, Means::Unparked(Box::new(unparked)));
    }

    /// Whether the answer may be written: how many records it has, and what the first one takes, which carries the rest.
    pub(super) fn check(&self, key: &str, limit: usize) -> Result<(), InputProblem> {
        if self.items.len() > MAX_RECORDS {
            return Err(InputProblem::TooMany {
                records: self.items.len(),
                limit: MAX_RECORDS,
            });
        }
        let bytes = self.first_bytes(key);
        if bytes > limit {
            return Err(InputProblem::TooLarge { bytes, limit });
        }
        Ok(())
    }

    fn first_bytes(&self, key: &str) -> usize {
        // The longest `kolo` header, and a `traceparent`.
        const HEADERS: usize = 256;
        self.items.first().map_or(0, |first| {
            size_bytes(key.len(), first.end, first.event_type.len(), HEADERS) + self.rest_bytes
        })
    }
}
