//! What the ids of a schema registry mean, in this process.
//!
//! A value in a registry's framing says no more than a number. Whoever talks to the registry tells here what the number
//! stands for ([`learn`]), and whatever decodes a value finds it here, without waiting and without a network. There is one
//! table for the process, since there is one registry for it: the numbers of two would mean different schemas.
//!
//! Once an id is known to be of a schema it stays so: no registry gives a number a second meaning.

use std::cell::Cell;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use dashmap::DashMap;

use super::frame::Closed;

/// What an id stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// The schema of this fingerprint, which is of the event of this full name.
    Schema {
        /// CRC-64-AVRO, by which versions are told apart.
        fingerprint: u64,
        /// Full name of the record.
        name: Box<str>,
        /// The whole text, which says more than the fingerprint: logical types.
        text: Arc<str>,
    },
    /// No schema that can be read, and why.
    None {
        /// What is wrong, and what to do.
        problem: Box<str>,
    },
}

impl Meaning {
    /// A schema.
    #[must_use]
    pub fn schema(fingerprint: u64, name: &str, text: &str) -> Meaning {
        Meaning::Schema {
            fingerprint,
            name: name.into(),
            text: text.into(),
        }
    }

    /// No schema, and why.
    #[must_use]
    pub fn none(problem: &str) -> Meaning {
        let problem = problem.into();
        Meaning::None { problem }
    }
}

static MEANINGS: LazyLock<DashMap<u32, Meaning>> = LazyLock::new(DashMap::new);

/// How many ids a thread remembers by itself: a topic has a few schemas at a time.
const REMEMBERED: usize = 64;

thread_local! {
    /// By the id's last bits. A fingerprint never changes, so none is out of date; id 0 is given to no schema.
    static SEEN: [Cell<(u32, u64)>; REMEMBERED] = const { [const { Cell::new((0, 0)) }; REMEMBERED] };
}

/// Tells what an id stands for. What is known to be a schema stays one.
pub fn learn(id: u32, meaning: Meaning) {
    let mut known = MEANINGS.entry(id).or_insert_with(|| meaning.clone());
    if matches!(*known, Meaning::None { .. }) {
        *known = meaning;
    }
}

/// What was learnt of an id.
#[must_use]
pub fn meaning(id: u32) -> Option<Meaning> {
    MEANINGS.get(&id).map(|known| known.clone())
}

/// The fingerprint of the schema that an id stands for, if that was learnt.
#[must_use]
#[inline]
pub fn fingerprint(id: u32) -> Option<u64> {
    SEEN.with(|seen| {
        let place = &seen[id as usize % REMEMBERED];
        let (last, print) = place.get();
        if last == id && id != 0 {
            return Some(print);
        }
        let print = look_up(id)?;
        place.set((id, print));
        Some(print)
    })
}

fn look_up(id: u32) -> Option<u64> {
    match *MEANINGS.get(&id)? {
        Meaning::Schema { fingerprint, .. } => Some(fingerprint),
        Meaning::None { .. } => None,
    }
}

/// Asks a registry what an id stands for, and waits for the answer: what it stands for, or why that cannot be said now.
pub type Resolver = Arc<dyn Fn(u32) -> Result<Meaning, String> + Send + Sync>;

static RESOLVER: RwLock<Option<Resolver>> = RwLock::new(None);

/// From now on, whoever decodes a value with an id that is not known to be a schema asks here, and waits. For tools that is
/// all they need. A thread that must not wait has ids learnt before it decodes.
pub fn resolve_by(resolver: Resolver) {
    *RESOLVER.write().unwrap_or_else(PoisonError::into_inner) = Some(resolver);
}

/// The fingerprint for an id that is not known to be of a schema.
#[cold]
pub(super) fn resolve(id: u32) -> Result<u64, Closed> {
    let resolver = RESOLVER
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    if let Some(resolver) = resolver {
        match resolver(id) {
            Ok(meaning) => learn(id, meaning),
            Err(problem) => return Err(Closed::NoSchema(id, problem)),
        }
    }
    match meaning(id) {
        Some(Meaning::Schema { fingerprint, .. }) => Ok(fingerprint),
        Some(Meaning::None { problem }) => Err(Closed::NoSchema(id, problem.into())),
        None => Err(Closed::NotLearnt(id)),
    }
}
