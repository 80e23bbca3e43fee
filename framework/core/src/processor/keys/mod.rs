//! The keys of an owner: all in memory, or what is seldom used in a cold store.
//!
//! | file | idea |
//! |---|---|
//! | `mod` | the only way to a key: whoever asks for one brings it into memory first |
//! | `cold` | what a cold store must do, and what it means when it fails |
//! | `swap` | two generations in memory; the older one leaves a few keys at a time |
//!
//! Without a cold store, this is a hash map and nothing else.

mod cold;
mod swap;

pub use cold::ColdKeys;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use hashbrown::HashMap;

use crate::declaration::Declaration;
use crate::state::State;

use super::entity::Entity;
use super::snapshot::SnapshotProblem;
use swap::Swap;

type Map<S> = HashMap<String, Entity<S>>;

/// The keys of an owner, each with what is known of it.
pub(super) struct Keys<S: State> {
    hot: Map<S>,
    swap: Option<Box<Swap<S>>>,
}

impl<S: State> Keys<S> {
    pub(super) fn in_memory() -> Self {
        Keys {
            hot: HashMap::new(),
            swap: None,
        }
    }

    /// From now on, what is seldom used goes to this store. `limit_bytes` may change at any time.
    pub(super) fn keep_cold(
        &mut self,
        declaration: &Arc<Declaration<S>>,
        store: Box<dyn ColdKeys>,
        limit_bytes: Arc<AtomicUsize>,
    ) {
        if declaration.snapshots.is_some() && self.swap.is_none() {
            let swap = Swap::new(Arc::clone(declaration), store, limit_bytes);
            self.swap = Some(Box::new(swap));
        }
    }

    /// A key; `None` for one of which nothing is known, and where the store fails ([`Keys::failure`]).
    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Entity<S>> {
        if let Some(swap) = &mut self.swap {
            swap.bring(key, &mut self.hot);
        }
        self.hot.get_mut(key)
    }

    pub(super) fn get(&mut self, key: &str) -> Option<&Entity<S>> {
        self.get_mut(key).map(|entity| &*entity)
    }

    pub(super) fn get_or_default(&mut self, key: &str) -> &mut Entity<S> {
        if let Some(swap) = &mut self.swap
            && !swap.bring(key, &mut self.hot)
        {
            swap.grew();
        }
        self.hot.entry_ref(key).or_default()
    }

    pub(super) fn insert(&mut self, key: &str, entity: Entity<S>) {
        if let Some(swap) = &mut self.swap
            && !swap.bring(key, &mut self.hot)
        {
            swap.grew();
        }
        self.hot.insert(key.into(), entity);
    }

    /// A key if it is in memory, as one with a deadline to wait for always is.
    pub(super) fn peek(&self, key: &str) -> Option<&Entity<S>> {
        let swapped = || self.swap.as_ref().and_then(|swap| swap.peek(key));
        self.hot.get(key).or_else(swapped)
    }

    pub(super) fn is_in_memory(&self, key: &str) -> bool {
        self.peek(key).is_some()
    }

    /// Looks at a key wherever it is, and leaves it there.
    pub(super) fn look<T>(&self, key: &str, look: impl FnOnce(Option<&Entity<S>>) -> T) -> T {
        match (self.peek(key), &self.swap) {
            (None, Some(swap)) => look(swap.read(key).as_ref()),
            (found, _) => look(found),
        }
    }

    /// All keys in memory: those with a deadline to wait for are among them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Entity<S>)> {
        let swapped = self.swap.iter().flat_map(|swap| swap.iter());
        self.hot.iter().chain(swapped)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&String, &mut Entity<S>)> {
        let swapped = self.swap.iter_mut().flat_map(|swap| swap.iter_mut());
        self.hot.iter_mut().chain(swapped)
    }

    /// The bytes of a key that is in the store and not in memory, as a snapshot has them.
    pub(super) fn cold_bytes(&self, key: &str) -> Option<Vec<u8>> {
        self.swap.as_ref().and_then(|swap| swap.bytes_of(key))
    }

    /// Hands out what the store holds behind a key, in its order, as long as `take` wants more. A key that is in memory
    /// has older bytes there. Says whether the store was read to its end.
    pub(super) fn each_stored(
        &self,
        after: Option<&str>,
        take: &mut dyn FnMut(&str, &[u8]) -> bool,
    ) -> bool {
        self.swap
            .as_ref()
            .is_none_or(|swap| swap.each_stored(after, take))
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.len_in_memory() + self.len_cold()
    }

    pub(super) fn len_in_memory(&self) -> usize {
        self.hot.len() + self.swap.as_ref().map_or(0, |swap| swap.len_in_memory())
    }

    /// How many keys are in the store alone.
    pub(super) fn len_cold(&self) -> usize {
        self.swap.as_ref().map_or(0, |swap| swap.len_cold())
    }

    /// What the keys in memory take, estimated; 0 where there is no store.
    pub(super) fn memory_bytes(&self) -> usize {
        let per_key = self.swap.as_ref().map_or(0, |swap| swap.bytes_per_key());
        self.len_in_memory() * per_key
    }

    /// Memory is set aside for this many keys, as far as they stay in it.
    pub(super) fn reserve(&mut self, keys: usize) {
        if self.swap.is_none() {
            self.hot.reserve(keys);
        }
    }

    pub(super) fn has_store(&self) -> bool {
        self.swap.is_some()
    }

    /// Why the store is not to be relied on: whatever was decided since is a guess.
    pub(super) fn failure(&self) -> Option<&SnapshotProblem> {
        self.swap.as_ref().and_then(|swap| swap.failure())
    }

    /// Moves keys into the store if there are too many in memory: a few at a time.
    pub(super) fn make_room(&mut self, is_parked: impl Fn(&str) -> bool) {
        if let Some(swap) = &mut self.swap {
            swap.make_room(&mut self.hot, is_parked);
        }
    }
}
