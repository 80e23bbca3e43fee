//! History: own events as a valid stream, as an earlier owner would have left it.

use std::sync::Arc;

use kolo_core::wire::{Source, Stamp, Writer};
use kolo_core::{
    CorrelationId, Description, Event, EventId, EventType, Key, Outgoing, Owns, Participant,
    Service, Timestamp,
};

use super::setup::fence;
use super::stage::quoted;
use crate::record::Stored;

/// Own events of the stream `O` that were recorded before: an array, a `Vec` or a tuple of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a history of this aggregate",
    label = "expected an array, a Vec or a tuple of its own events",
    note = "one event is a history in brackets: `.events([event])`"
)]
pub trait History<O> {
    #[doc(hidden)]
    fn tell(self, told: &mut Told);
}

/// The events of a history, in order.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct Told(Vec<ToldEvent>);

/// An own event with what the wire says of it.
#[derive(Debug)]
pub(super) struct ToldEvent {
    event_type: &'static EventType,
    key: String,
    value: Vec<u8>,
    saga: Option<CorrelationId>,
}

impl ToldEvent {
    pub(super) fn name(&self) -> &'static str {
        self.event_type.short_name()
    }
}

impl Told {
    fn push<E: Event>(&mut self, event: &E) {
        let mut value = Vec::new();
        event.encode(&mut value);
        self.0.push(ToldEvent {
            event_type: E::TYPE,
            key: event.key().text(),
            value,
            saga: event.saga().map(|saga| CorrelationId::of_saga(&saga)),
        });
    }
}

pub(super) fn tell<O>(history: impl History<O>) -> Vec<ToldEvent> {
    let mut told = Told::default();
    history.tell(&mut told);
    told.0
}

impl<O: Owns<E>, E: Event, const N: usize> History<O> for [E; N] {
    fn tell(self, told: &mut Told) {
        self.iter().for_each(|event| told.push(event));
    }
}

impl<O: Owns<E>, E: Event> History<O> for Vec<E> {
    fn tell(self, told: &mut Told) {
        self.iter().for_each(|event| told.push(event));
    }
}

macro_rules! tuples {
    ($(($($event:ident)+))+) => {$(
        impl<O: $(Owns<$event> +)+, $($event: Event),+> History<O> for ($($event,)+) {
            fn tell(self, told: &mut Told) {
                #[allow(non_snake_case)]
                let ($($event,)+) = self;
                $(told.push(&$event);)+
            }
        }
    )+};
}
tuples! { (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H) }

/// An aggregate, and the stream that its owner finds.
#[derive(Clone)]
pub(super) struct Opening {
    pub(super) service: &'static str,
    pub(super) participant: Arc<dyn Participant>,
    pub(super) description: Description,
    pub(super) stream: Vec<Stored>,
    /// The keys that have a history.
    pub(super) keys: Vec<String>,
    /// The requests of the history without an answer: key, id and effect.
    pending: Vec<(String, EventId, usize)>,
}

/// The earlier owner.
const NONCE: u64 = 1;

impl Opening {
    pub(super) fn of(service: &Service, stream: &str) -> Result<Opening, String> {
        let all = || service.aggregates().iter();
        let known = all().find(|known| known.description().stream == stream);
        let Some(participant) = known else {
            let streams = all().map(|known| known.description());
            let streams =
                streams.map(|known| format!("`{}` with `{}`", known.aggregate, known.stream));
            let streams: Vec<String> = streams.collect();
            return Err(format!(
                "the service `{}` has no aggregate with the stream `{stream}`; it has {}. Name the own events of one of \
                 these: `given::<…Event>(&service)`",
                service.name(),
                if streams.is_empty() {
                    "none at all".to_owned()
                } else {
                    streams.join(", ")
                },
            ));
        };
        let mut opening = Opening {
            service: service.name(),
            participant: Arc::clone(participant),
            description: participant.description(),
            stream: Vec::new(),
            keys: Vec::new(),
            pending: Vec::new(),
        };
        let fence = fence(&opening, NONCE);
        opening.stream.push(fence);
        Ok(opening)
    }

    /// Adds events to the stream.
    pub(super) fn record(&mut self, told: Vec<ToldEvent>) -> Result<(), String> {
        let Some(first) = told.first().map(|event| event.key.clone()) else {
            return Ok(());
        };
        for event in told {
            if event.key != first {
                return Err(format!(
                    "`{}` is of the key `{}`, and the history before it of `{first}`: a history is one key's. Tell that \
                     of another key by a second `.events(…)`",
                    event.name(),
                    event.key,
                ));
            }
            self.check(event.event_type)?;
            self.append(&event);
        }
        if !self.keys.contains(&first) {
            self.keys.push(first);
        }
        Ok(())
    }

    /// What only a compensation says stands beside a bar of the barrier, which no list of events holds.
    fn check(&self, event: &'static EventType) -> Result<(), String> {
        let emits = |edges: &[Outgoing]| edges.iter().any(|edge| edge.event.name == event.name);
        let own = &self.description;
        let otherwise = own.reactions.iter().any(|known| emits(&known.emits))
            || own.effects.iter().any(|known| emits(&known.emits))
            || own.deadline.iter().any(|known| emits(&known.emits));
        let mut undos = own.compensations.iter();
        match undos.find(|known| emits(&known.emits)) {
            Some(undo) if !otherwise => {
                let triggers = own.compensations.iter().filter(|known| emits(&known.emits));
                Err(format!(
                    "`{}` is what the compensation of `{}` says, and the barrier that it leaves is not in a list of \
                     events. Tell the history before it, and let the trigger arrive: `.when(…)` with {}",
                    event.short_name(),
                    undo.undoes.short_name(),
                    quoted(triggers.map(|known| known.event.short_name()), " or "),
                ))
            }
            _ => Ok(()),
        }
    }

    fn append(&mut self, event: &ToldEvent) {
        let number = self.stream.len();
        let id = EventId::foreign(&format!("history {number}"));
        let effects = &self.description.effects;
        let answered = self.pending.iter().position(|(key, _, effect)| {
            let emits = &effects[*effect].emits;
            *key == event.key
                && emits
                    .iter()
                    .any(|edge| edge.event.name == event.event_type.name)
        });
        let request = answered.map(|at| self.pending.remove(at).1);
        let asks = effects
            .iter()
            .position(|effect| effect.request.name == event.event_type.name);
        if let Some(effect) = asks {
            self.pending.push((event.key.clone(), id, effect));
        }
        let cause = EventId::foreign(&format!("cause of history {number}"));
        let stamp = Stamp {
            correlation: Some(event.saga.unwrap_or_else(|| CorrelationId::of_event(cause))),
            causation: Some(request.unwrap_or(cause)),
            writer: Some(Writer {
                epoch: Some(0),
                nonce: NONCE,
                number: number as u64,
            }),
            source: Source::None,
            index: 1,
            count: 1,
        };
        let name = event.event_type.name;
        let at = Timestamp::default();
        let record = Stored::event(id, name, &event.key, &event.value, at, Some(&stamp));
        self.stream.push(record);
    }
}
