//! What is said to an input on a state: a plain fold of events that knows no processor.

use kolo_core::{Event, EventId, OwnEvents, Received, State, Timestamp};

use super::domain::{
    Asked, FIRST, First, FirstEvent, Folded, Heard, Second, SecondEvent, Step, Told, echo, hear,
    note_at, tell,
};

/// What is answered: an input with its key, or a request with the port's reply.
pub(super) enum Cause<'a> {
    Input {
        event_type: &'a str,
        key: &'a str,
        value: &'a [u8],
    },
    Request {
        value: &'a [u8],
        reply: u32,
    },
}

/// The state of one key of either aggregate, and what is said on it: a plain fold that knows no processor.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fold {
    First(First),
    Second(Second),
}

impl Fold {
    pub(super) fn new(stream: &str) -> Self {
        if stream == FIRST {
            Fold::First(First::default())
        } else {
            Fold::Second(Second::default())
        }
    }

    /// Takes up an event; false if it is none of the stream's.
    pub(super) fn evolve(&mut self, event_type: &str, value: &[u8]) -> bool {
        fn take<E: OwnEvents>(state: &mut Folded<E>, event_type: &str, value: &[u8]) -> bool {
            let event = E::decode(event_type, value).and_then(Result::ok);
            event
                .inspect(|event| state.evolve(event, Timestamp::default()))
                .is_some()
        }
        match self {
            Fold::First(state) => take(state, event_type, value),
            Fold::Second(state) => take(state, event_type, value),
        }
    }

    /// The events with which a version answers, as type and value.
    pub(super) fn decide(
        &self,
        cause: &Cause<'_>,
        version: u64,
    ) -> Option<Vec<(&'static str, Vec<u8>)>> {
        match (self, cause) {
            (
                Fold::First(state),
                Cause::Input {
                    event_type, value, ..
                },
            ) if *event_type == Told::TYPE.name => {
                let told = received(Told::decode(value).ok()?);
                Some(said::<FirstEvent>(&if version == 1 {
                    tell::<1>(state, &told)
                } else {
                    tell::<2>(state, &told)
                }))
            }
            (Fold::First(state), Cause::Request { value, reply }) => {
                let asked = Asked::decode(value).ok()?;
                let answer = if version == 1 {
                    hear::<1>(state, &asked, *reply)
                } else {
                    hear::<2>(state, &asked, *reply)
                };
                Some(said::<FirstEvent>(&answer))
            }
            (
                Fold::Second(state),
                Cause::Input {
                    event_type, value, ..
                },
            ) if *event_type == Step::TYPE.name => {
                let step = received(Step::decode(value).ok()?);
                Some(said::<SecondEvent>(&if version == 1 {
                    echo::<1>(state, &step)
                } else {
                    echo::<2>(state, &step)
                }))
            }
            (
                Fold::Second(state),
                Cause::Input {
                    event_type,
                    key,
                    value,
                },
            ) if *event_type == Heard::TYPE.name => {
                let heard = Heard::decode(value).ok()?;
                Some(said::<SecondEvent>(&note_at(state, key, &heard, version)))
            }
            _ => None,
        }
    }
}

fn received<E: Event>(event: E) -> Received<E> {
    Received::of(event, EventId::foreign(""), Timestamp::default())
}

fn said<O: OwnEvents>(answer: &(impl kolo_core::Emits<O> + Clone)) -> Vec<(&'static str, Vec<u8>)> {
    let mut events = Vec::new();
    answer.clone().emit(&mut events);
    let said = events.iter().map(|event| {
        let mut value = Vec::new();
        event.encode(&mut value);
        (event.event_type().name, value)
    });
    said.collect()
}

/// The version that decided an event: its last field.
pub(super) fn version_of(value: &[u8]) -> u64 {
    let text = std::str::from_utf8(value).unwrap_or_default();
    text.rsplit(' ')
        .next()
        .and_then(|version| version.parse().ok())
        .unwrap_or_default()
}
