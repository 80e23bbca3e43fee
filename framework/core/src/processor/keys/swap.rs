//! Swap: two generations of keys in memory, and the store behind them.
//!
//! A key that is used goes to the hot generation. When that is half of what may be in memory, it becomes the warm one, and
//! the warm one leaves: a few keys for each that comes, so that it is gone before the next turn and nobody waits for it.
//! What waits for a deadline, or is parked, stays in memory. No key is part of a list, and none is moved but when it is
//! used or has not been for a whole generation.

use std::io;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use hashbrown::HashMap;

use crate::declaration::{Declaration, SnapshotDecl};
use crate::processor::entity::Entity;
use crate::processor::snapshot::{EntityBuffers, SnapshotProblem, is_read_again, read_key};
use crate::state::State;

use super::cold::MAX_KEY_BYTES;
use super::{ColdKeys, Map};

/// After how many keys that came some leave, and how many leave for each of them.
const STEP: usize = 64;
const LEAVE_PER_KEY: usize = 4;

/// How many keys come before a store that failed to keep one is tried again.
const PAUSE: usize = 1024;

/// How many keys are written to know about how large one is, before any had to leave.
const SAMPLE: usize = 16;

/// What a map has beside its entries: free places, and a byte a place.
const MAP_NUMERATOR: usize = 3;
const MAP_DENOMINATOR: usize = 2;

pub(super) struct Swap<S: State> {
    declaration: Arc<Declaration<S>>,
    store: Box<dyn ColdKeys>,
    limit_bytes: Arc<AtomicUsize>,
    warm: Map<S>,
    /// What was warm before the last turn, and has not left yet.
    leaving: Map<S>,
    /// What was not used for long and may not leave.
    waiting: Map<S>,
    /// How many keys are in the store alone.
    cold: usize,
    /// How many keys came to the hot ones since some left.
    came: usize,
    /// How many more must come before the store is tried again.
    pause: usize,
    /// Of what was written: the bytes, and how many keys they are of.
    written_bytes: usize,
    written_keys: usize,
    buffers: EntityBuffers,
    failure: OnceLock<SnapshotProblem>,
}

impl<S: State> Swap<S> {
    pub(super) fn new(
        declaration: Arc<Declaration<S>>,
        store: Box<dyn ColdKeys>,
        limit_bytes: Arc<AtomicUsize>,
    ) -> Self {
        Swap {
            declaration,
            store,
            limit_bytes,
            warm: HashMap::new(),
            leaving: HashMap::new(),
            waiting: HashMap::new(),
            cold: 0,
            came: 0,
            pause: 0,
            written_bytes: 0,
            written_keys: 0,
            buffers: EntityBuffers::default(),
            failure: OnceLock::new(),
        }
    }

    pub(super) fn grew(&mut self) {
        self.came += 1;
    }

    /// Makes a key a hot one. False if there is no such key.
    pub(super) fn bring(&mut self, key: &str, hot: &mut Map<S>) -> bool {
        if hot.contains_key(key) {
            return true;
        }
        let generations = [&mut self.warm, &mut self.leaving, &mut self.waiting];
        let in_memory = generations
            .into_iter()
            .find_map(|keys| keys.remove_entry(key));
        let found = in_memory.or_else(|| {
            let entity = self.read(key)?;
            self.cold = self.cold.saturating_sub(1);
            Some((key.to_owned(), entity))
        });
        let Some((key, entity)) = found else {
            return false;
        };
        self.came += 1;
        hot.insert(key, entity);
        true
    }

    pub(super) fn peek(&self, key: &str) -> Option<&Entity<S>> {
        let generations = [&self.warm, &self.leaving, &self.waiting];
        generations.into_iter().find_map(|keys| keys.get(key))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Entity<S>)> {
        let generations = [&self.warm, &self.leaving, &self.waiting];
        generations.into_iter().flatten()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&String, &mut Entity<S>)> {
        let generations = [&mut self.warm, &mut self.leaving, &mut self.waiting];
        generations.into_iter().flatten()
    }

    pub(super) fn len_in_memory(&self) -> usize {
        self.warm.len() + self.leaving.len() + self.waiting.len()
    }

    pub(super) fn len_cold(&self) -> usize {
        self.cold
    }

    pub(super) fn failure(&self) -> Option<&SnapshotProblem> {
        self.failure.get()
    }

    /// The first failure is the one that is told.
    fn failed<T>(&self, outcome: Result<T, SnapshotProblem>) -> Option<T> {
        outcome
            .inspect_err(|problem| drop(self.failure.set(problem.clone())))
            .ok()
    }

    /// What the store has of a key that is not in memory.
    pub(super) fn bytes_of(&self, key: &str) -> Option<Vec<u8>> {
        if self.cold == 0 {
            return None;
        }
        let found = self.store.get(key).map_err(|error| cold(key, &error));
        self.failed(found).flatten()
    }

    pub(super) fn read(&self, key: &str) -> Option<Entity<S>> {
        let bytes = self.bytes_of(key)?;
        let decl = self.declaration.snapshots.as_ref()?;
        let read = read_key(decl, self.declaration.window, key, &bytes);
        let read = read.map_err(|problem| cold(key, &problem));
        let entity = read.and_then(|(entity, _)| {
            entity.ok_or_else(|| cold(key, &"nothing is known of it, and something was"))
        });
        self.failed(entity)
    }

    pub(super) fn each_stored(
        &self,
        after: Option<&str>,
        take: &mut dyn FnMut(&str, &[u8]) -> bool,
    ) -> bool {
        let read = self.store.each(after, take);
        let read = read.map_err(|error| cold(after.unwrap_or("(first)"), &error));
        self.failed(read).unwrap_or_default()
    }

    /// Moves keys from memory into the store, if there are too many: never more at a time than few milliseconds take.
    pub(super) fn make_room(&mut self, hot: &mut Map<S>, is_parked: impl Fn(&str) -> bool) {
        if self.failure.get().is_some() {
            return;
        }
        if self.pause > 0 {
            self.pause = self.pause.saturating_sub(std::mem::take(&mut self.came));
            return;
        }
        if self.leaving.is_empty() {
            if hot.len() < self.half(hot) {
                self.came = 0;
                return;
            }
            self.turn(hot);
        }
        let few = STEP * LEAVE_PER_KEY;
        if self.came >= STEP || self.leaving.len() <= few {
            let at_most = few.max(std::mem::take(&mut self.came) * LEAVE_PER_KEY);
            self.leave(at_most, is_parked);
        }
    }

    /// How many keys a generation has: half of what may be in memory beside that which must.
    fn half(&mut self, hot: &Map<S>) -> usize {
        if self.written_keys == 0 {
            self.measure(hot);
        }
        let limit = self.limit_bytes.load(Ordering::Relaxed) / self.bytes_per_key();
        // Where all must, turns are not to be taken for nothing.
        let rest = limit.saturating_sub(self.waiting.len()).max(limit / 8);
        (rest / 2).max(1)
    }

    /// What a key in memory takes: its place in a map, and about as much as is written of it.
    pub(super) fn bytes_per_key(&self) -> usize {
        let place = size_of::<(String, Entity<S>)>() * MAP_NUMERATOR / MAP_DENOMINATOR;
        place + self.written_bytes / self.written_keys.max(1)
    }

    fn measure(&mut self, hot: &Map<S>) {
        if hot.len() < SAMPLE {
            return;
        }
        let Some(decl) = &self.declaration.snapshots else {
            return;
        };
        for (key, entity) in hot.iter().take(SAMPLE) {
            if let Ok(bytes) = self.buffers.entity(decl, entity) {
                self.written_bytes += key.len() + bytes.len();
                self.written_keys += 1;
            }
        }
    }

    fn turn(&mut self, hot: &mut Map<S>) {
        // The map that left has the room that the next one needs: to grow would stop the worker for a while.
        let mut fresh = std::mem::take(&mut self.leaving);
        fresh.clear();
        fresh.reserve(hot.len());
        let turned = std::mem::replace(hot, fresh);
        self.leaving = std::mem::replace(&mut self.warm, turned);
    }

    fn leave(&mut self, at_most: usize, is_parked: impl Fn(&str) -> bool) {
        let declaration = Arc::clone(&self.declaration);
        let Some(decl) = &declaration.snapshots else {
            return;
        };
        let mut leaving = std::mem::take(&mut self.leaving);
        let mut back = None;
        let mut is_first = true;
        for (key, entity) in leaving.extract_if(|_, _| true).take(at_most) {
            let is_fit = (1..=MAX_KEY_BYTES).contains(&key.len());
            let must_stay = !is_fit || entity.due().is_some() || is_parked(&key);
            if must_stay {
                self.waiting.insert(key, entity);
                continue;
            }
            let stays = match self.put(decl, &key, &entity, is_first) {
                Ok(kept) => kept.is_err(),
                Err(problem) => {
                    let _ = self.failure.set(problem);
                    true
                }
            };
            is_first = false;
            if stays {
                self.pause = PAUSE;
                back = Some((key, entity));
                break;
            }
            self.cold += 1;
        }
        leaving.extend(back);
        self.leaving = leaving;
    }

    /// Writes a key and has it kept; the inner error is the store's own.
    fn put(
        &mut self,
        decl: &SnapshotDecl<S>,
        key: &str,
        entity: &Entity<S>,
        is_first: bool,
    ) -> Result<io::Result<()>, SnapshotProblem> {
        let unwritable = |problem: postcard::Error| SnapshotProblem::Unwritable {
            key: key.to_owned(),
            problem: problem.to_string(),
        };
        self.buffers.entity(decl, entity).map_err(unwritable)?;
        // One of many tells: what a type cannot do, it cannot do for any key.
        if is_first {
            is_read_again(decl, self.buffers.state()).map_err(unwritable)?;
        }
        let bytes = self.buffers.bytes();
        self.remember(key.len() + bytes.len());
        Ok(self.store.put(key, self.buffers.bytes()))
    }

    /// A running mean that follows what is written now.
    fn remember(&mut self, bytes: usize) {
        const WINDOW: usize = 1 << 16;
        if self.written_keys >= WINDOW {
            self.written_bytes /= 2;
            self.written_keys /= 2;
        }
        self.written_bytes += bytes;
        self.written_keys += 1;
    }
}

fn cold(key: &str, problem: &impl ToString) -> SnapshotProblem {
    SnapshotProblem::Cold {
        key: key.to_owned(),
        problem: problem.to_string(),
    }
}
