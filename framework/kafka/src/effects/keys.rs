//! The requests of one owner of a partition: each key has one whose turn it is, and mostly none behind it.

use std::collections::VecDeque;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use kolo_core::EffectCall;
use slab::Slab;

use super::job::Job;
use super::ownership::ReplyTo;

/// Tells one ownership of a partition from an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct OwnerId(pub(crate) u64);

/// Where a job stands among those of the pool.
pub(super) type Slot = usize;

/// One owner of a partition, and its requests.
pub(super) struct Owner {
    pub(super) partition: i32,
    /// The lane of its aggregate's first effect.
    pub(super) first_lane: usize,
    pub(super) reply_to: ReplyTo,
    /// By key. The key's text stands in the request alone, not here once more.
    keys: HashTable<Key>,
    hasher: DefaultHashBuilder,
}

struct Key {
    turn: Slot,
    behind: Behind,
}

/// Most keys have nothing behind the request whose turn it is, and pay a pointer for it.
type Behind = Option<Box<VecDeque<EffectCall>>>;

impl Owner {
    pub(super) fn new(partition: i32, first_lane: usize, reply_to: ReplyTo) -> Self {
        Owner {
            partition,
            first_lane,
            reply_to,
            keys: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// The job whose turn it is at this key.
    pub(super) fn turn(&self, key: &str, jobs: &Slab<Job>) -> Option<Slot> {
        let hash = self.hasher.hash_one(key);
        let found = self.keys.find(hash, |known| is_of(known, key, jobs))?;
        Some(found.turn)
    }

    /// A key without requests has one, whose turn it is at once.
    pub(super) fn begin(&mut self, turn: Slot, jobs: &Slab<Job>) {
        let hasher = &self.hasher;
        let hash = |key: &Key| {
            jobs.get(key.turn)
                .map_or(0, |job| hasher.hash_one(&*job.call.key))
        };
        let key = Key { turn, behind: None };
        let at = hash(&key);
        self.keys.insert_unique(at, key, hash);
    }

    /// The request waits until those before it at its key have ended.
    pub(super) fn push(&mut self, call: EffectCall, jobs: &Slab<Job>) {
        let hash = self.hasher.hash_one(&*call.key);
        let found = self
            .keys
            .find_mut(hash, |known| is_of(known, &call.key, jobs));
        if let Some(known) = found {
            known.behind.get_or_insert_default().push_back(call);
        }
    }

    /// The request whose turn it was has ended: takes the next one of its key out, or forgets the key.
    pub(super) fn end(&mut self, key: &str, jobs: &Slab<Job>) -> Option<EffectCall> {
        let hash = self.hasher.hash_one(key);
        let mut found = self
            .keys
            .find_entry(hash, |known| is_of(known, key, jobs))
            .ok()?;
        let next = found
            .get_mut()
            .behind
            .as_mut()
            .and_then(|behind| behind.pop_front());
        if next.is_none() {
            found.remove();
        }
        next
    }

    /// Every job whose turn it is, and how many requests wait behind it.
    pub(super) fn turns(&self) -> impl Iterator<Item = (Slot, impl Iterator<Item = &EffectCall>)> {
        self.keys
            .iter()
            .map(|key| (key.turn, key.behind.iter().flat_map(|behind| behind.iter())))
    }
}

fn is_of(known: &Key, key: &str, jobs: &Slab<Job>) -> bool {
    jobs.get(known.turn)
        .is_some_and(|job| &*job.call.key == key)
}
