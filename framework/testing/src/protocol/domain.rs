//! Two aggregates whose decisions depend on all that their state ever was, so that any event too many, too few or out of
//! place shows in what is decided next.
//!
//! `first` answers facts with any number of events and with requests; `second` reads the stream of `first` itself for one
//! event type, and gets copies of another.

use std::borrow::Cow;

use kolo_core::{
    Aggregate, DecodeError, Event, EventType, OwnEvents, Owns, Port, Received, Service, State,
    Timestamp,
};

use super::events::events;

/// The intake topic.
pub(super) const FACTS: &str = "facts";
/// The stream of `first`.
pub(super) const FIRST: &str = "first";
/// The stream of `second`.
pub(super) const SECOND: &str = "second";
/// The key that concerns everybody's copies; facts are about others.
pub(super) const EVERYBODY: &str = "everybody";

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

pub(super) type First = Folded<FirstEvent>;
pub(super) type Second = Folded<SecondEvent>;

pub(super) fn tell<const VERSION: u64>(
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

pub(super) fn hear<const VERSION: u64>(
    first: &First,
    asked: &Asked,
    reply: u32,
) -> (Heard, Vec<Step>) {
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

pub(super) fn echo<const VERSION: u64>(second: &Second, step: &Received<Step>) -> Vec<Echo> {
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
pub(super) fn note_at(second: &Second, key: &str, heard: &Heard, version: u64) -> Option<Note> {
    let (n, basis) = (mix(heard.n ^ heard.basis), second.hash);
    let says = !mix(basis ^ mix(n.wrapping_add(1000 * version))).is_multiple_of(12);
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

/// The n-th fact.
pub(super) fn fact(n: u64) -> Told {
    Told {
        key: if n.is_multiple_of(3) { "b" } else { "a" }.to_owned(),
        n,
    }
}

/// What the port replies to a request, whenever it is asked.
pub(super) fn reply(asked: &Asked) -> u32 {
    u32::try_from(mix(asked.n ^ asked.basis) % 7).unwrap_or(0)
}

/// What it replies to the request that stands in a record.
pub(super) fn reply_to(request: &[u8]) -> Option<u32> {
    Asked::decode(request).ok().map(|asked| reply(&asked))
}
