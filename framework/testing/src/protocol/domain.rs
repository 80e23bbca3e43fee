//! Two aggregates whose decisions depend on all that their state ever was, so that any event too many, too few or out of
//! place shows in what is decided next.
//!
//! `first` answers facts with any number of events and with requests; `second` reads the stream of `first` itself for one
//! event type, and gets copies of another.

use std::borrow::Cow;

use kolo_core::{
    Aggregate, DecodeError, Event, EventId, EventType, Key, OwnEvents, Owns, Port, Received,
    Service, State, Timestamp,
};

/// The intake topic.
pub(super) const FACTS: &str = "facts";
/// The stream of `first`.
pub(super) const FIRST: &str = "first";
/// The stream of `second`.
pub(super) const SECOND: &str = "second";
/// Where the router puts copies.
pub(super) const INBOX: &str = "sim.second.inbox";
/// The key that concerns everybody's copies; facts are about others.
pub(super) const EVERYBODY: &str = "everybody";

macro_rules! events {
    ($stream:ident in $topic:expr; $($(#[$doc:meta])* $name:ident { $($field:ident),* })+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq)]
            pub(super) struct $name {
                pub(super) key: String,
                $(pub(super) $field: u64,)*
            }

            impl Event for $name {
                type Key = String;
                const TYPE: &'static EventType = &EventType {
                    name: concat!("sim.", stringify!($name)),
                    topic: $topic,
                    key_field: "key",
                    saga_field: Some("key"),
                    public: true,
                };
                fn key(&self) -> &String {
                    &self.key
                }
                fn saga(&self) -> Option<Cow<'_, str>> {
                    Some(Cow::Borrowed(&self.key))
                }
                fn encode(&self, out: &mut Vec<u8>) {
                    out.extend_from_slice(self.key.as_bytes());
                    $(out.extend_from_slice(format!(" {}", self.$field).as_bytes());)*
                }
                fn decode(value: &[u8]) -> Result<Self, DecodeError> {
                    let text = std::str::from_utf8(value).unwrap_or_default();
                    let mut fields = text.split(' ');
                    let key = fields.next().unwrap_or_default().to_owned();
                    let malformed = || DecodeError::Malformed { event: Self::TYPE.name, at: 0, problem: text.to_owned() };
                    $(let $field = fields.next().and_then(|field| field.parse().ok()).ok_or_else(malformed)?;)*
                    Ok($name { key, $($field),* })
                }
            }
            kolo_core::emits!($name);
        )+
        events! { @stream $stream in $topic; $($name)+ }
    };
    (@stream Outside in $topic:expr; $($name:ident)+) => {};
    (@stream $stream:ident in $topic:expr; $($name:ident)+) => {
        #[derive(Debug, Clone, PartialEq)]
        pub(super) enum $stream {
            $($name($name),)+
        }
        impl OwnEvents for $stream {
            type Key = String;
            const STREAM: &'static str = $topic;
            const TYPES: &'static [&'static EventType] = &[$($name::TYPE),+];
            fn event_type(&self) -> &'static EventType {
                match self {
                    $($stream::$name(_) => $name::TYPE,)+
                }
            }
            fn key(&self) -> &String {
                match self {
                    $($stream::$name(event) => &event.key,)+
                }
            }
            fn encode(&self, out: &mut Vec<u8>) {
                match self {
                    $($stream::$name(event) => event.encode(out),)+
                }
            }
            fn decode(name: &str, value: &[u8]) -> Option<Result<Self, DecodeError>> {
                $(if name == $name::TYPE.name {
                    return Some($name::decode(value).map($stream::$name));
                })+
                None
            }
        }
        $(
            impl From<$name> for $stream {
                fn from(event: $name) -> Self {
                    $stream::$name(event)
                }
            }
            impl Owns<$name> for $stream {
                fn get(&self) -> Option<&$name> {
                    match self {
                        $stream::$name(event) => Some(event),
                        _ => None,
                    }
                }
            }
        )+
    };
}

events! { Outside in FACTS;
    /// A fact.
    Told { n }
}

// `basis` is the state that the event was decided on, `version` the declaration that decided it.
events! { FirstEvent in FIRST;
    /// What `first` says to a fact.
    Step { n, part, basis, version }
    /// A request.
    Asked { n, basis, version }
    /// Its answer.
    Heard { n, reply, basis, version }
}

events! { SecondEvent in SECOND;
    /// What `second` says to a [`Step`].
    Echo { n, part, basis, version }
    /// What it says to a copy of [`Heard`].
    Note { n, basis, version }
}

/// The state of both: the hash of everything that was folded into it.
#[derive(Debug)]
pub(super) struct Folded<E> {
    pub(super) hash: u64,
    of: std::marker::PhantomData<fn() -> E>,
}

impl<E> Clone for Folded<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Folded<E> {}

impl<E> Default for Folded<E> {
    fn default() -> Self {
        Folded {
            hash: 1,
            of: std::marker::PhantomData,
        }
    }
}

impl<E: OwnEvents> State for Folded<E> {
    type Event = E;

    fn evolve(&mut self, event: &E, _: Timestamp) {
        let mut value = event.event_type().name.as_bytes().to_vec();
        event.encode(&mut value);
        self.hash = value
            .iter()
            .fold(self.hash, |hash, &byte| mix(hash ^ u64::from(byte)));
    }
}

fn mix(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

type First = Folded<FirstEvent>;
type Second = Folded<SecondEvent>;

fn tell<const VERSION: u64>(
    first: &First,
    told: &Received<Told>,
) -> (Vec<Step>, Option<Asked>, Vec<Step>) {
    let (n, basis, version) = (told.n, first.hash, VERSION);
    let drawn = mix(basis ^ mix(n + 1000 * version)) % 6;
    let step = |part| Step {
        key: told.key.clone(),
        n,
        part,
        basis,
        version,
    };
    let asked = || Asked {
        key: told.key.clone(),
        n,
        basis,
        version,
    };
    match drawn {
        0 | 1 => (vec![], None, vec![]),
        2 => (vec![step(0)], None, vec![]),
        3 => (vec![step(0)], None, vec![step(1), step(2)]),
        4 => (vec![], Some(asked()), vec![]),
        _ => (vec![step(0)], Some(asked()), vec![step(1)]),
    }
}

/// The port that [`Asked`] is for.
#[derive(Debug)]
pub(super) struct Oracle;

impl Port for Oracle {
    type Request = Asked;
    type Reply = u32;
}

fn hear<const VERSION: u64>(first: &First, asked: &Asked, reply: u32) -> (Heard, Vec<Step>) {
    let (n, basis, version) = (asked.n, first.hash, VERSION);
    let heard = Heard {
        key: asked.key.clone(),
        n,
        reply: reply.into(),
        basis,
        version,
    };
    let parts = mix(basis ^ n) % 3;
    (
        heard,
        (10..10 + parts)
            .map(|part| Step {
                key: asked.key.clone(),
                n,
                part,
                basis,
                version,
            })
            .collect(),
    )
}

fn echo<const VERSION: u64>(second: &Second, step: &Received<Step>) -> Vec<Echo> {
    let (n, basis, version) = (step.n, second.hash, VERSION);
    let parts = mix(basis ^ mix(n + 100 * step.part + 1000 * version)) % 3;
    (0..parts)
        .map(|part| Echo {
            key: step.key.clone(),
            n,
            part,
            basis,
            version,
        })
        .collect()
}

fn concerned(heard: &Heard) -> [String; 2] {
    [heard.key.clone(), EVERYBODY.to_owned()]
}

fn note<const VERSION: u64>(second: &Second, heard: &Received<Heard>) -> Option<Note> {
    note_at(second, heard.key(), heard, VERSION)
}

/// Also the state that the copied event was decided on is noted: a void one was decided on another.
fn note_at(second: &Second, key: &str, heard: &Heard, version: u64) -> Option<Note> {
    let (n, basis) = (mix(heard.n ^ heard.basis), second.hash);
    let says = !mix(basis ^ mix(n.wrapping_add(1000 * version))).is_multiple_of(3);
    says.then(|| Note {
        key: key.to_owned(),
        n,
        basis,
        version,
    })
}

fn declared<const VERSION: u64>(version: u32) -> Service {
    let first = Aggregate::<First>::new("first")
        .on(tell::<VERSION>)
        .effect::<Oracle, _>(hear::<VERSION>);
    let second = Aggregate::<Second>::new("second")
        .on(echo::<VERSION>)
        .routed(concerned, note::<VERSION>);
    Service::new("sim")
        .aggregate(first.version(version))
        .aggregate(second.version(version))
}

/// The service before a deploy, and after it: the newer version decides otherwise.
pub(super) fn service(version: u32) -> Service {
    if version == 1 {
        declared::<1>(1)
    } else {
        declared::<2>(2)
    }
}

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

/// The n-th fact: its key and its framed value.
pub(super) fn fact(n: u64) -> (String, Vec<u8>) {
    let told = Told {
        key: if n.is_multiple_of(3) { "b" } else { "a" }.to_owned(),
        n,
    };
    let mut value = Vec::new();
    told.encode(&mut value);
    (told.key.text(), value)
}
