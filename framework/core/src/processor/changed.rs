//! Changed: which keys the next snapshot must hold.

use crate::state::State;

use super::owner::Owner;

/// How many keys are listed at least, however few are in memory.
const LISTED: usize = 4096;

/// The keys that have changed since they were last written.
pub(super) struct Changed {
    /// Every key has: nothing was written yet.
    pub(super) all: bool,
    /// If not all: these. A mark in each of them tells that it is listed.
    pub(super) keys: Vec<Box<str>>,
    /// And those of the store, from a key on: a list of all keys would take the memory that the store spares.
    pub(super) sweep: Option<Sweep>,
}

/// How far the store was read.
#[derive(Default)]
pub(super) struct Sweep {
    pub(super) after: Option<Box<str>>,
    /// How many keys are left at most.
    pub(super) left: usize,
}

impl Changed {
    pub(super) const ALL: Changed = Changed {
        all: true,
        keys: Vec::new(),
        sweep: None,
    };
    pub(super) const NONE: Changed = Changed {
        all: false,
        keys: Vec::new(),
        sweep: None,
    };
}

impl<S: State> Owner<S> {
    /// A key has taken up something. Costs next to nothing, and nothing where nobody takes snapshots.
    pub(super) fn note_changed(&mut self, key: &str) {
        if self.changed.all || self.declaration.snapshots.is_none() {
            return;
        }
        match self.entities.get_mut(key) {
            Some(entity) if entity.answered.is_changed => return,
            Some(entity) => entity.answered.is_changed = true,
            // Something parked may be all that a key has.
            None => {}
        }
        self.changed.keys.push(key.into());
        // A key that leaves memory and comes back may be listed twice. Rather than a list longer than what is in memory,
        // all keys are handed out.
        let most = LISTED.max(2 * self.entities.len_in_memory());
        if self.entities.has_store() && self.changed.keys.len() > most {
            self.changed = Changed::ALL;
        }
    }

    pub(super) fn count_changed(&self) -> usize {
        match &self.declaration.snapshots {
            None => 0,
            Some(_) if self.changed.all => self.entities.len(),
            Some(_) => {
                let sweep = self.changed.sweep.as_ref();
                self.changed.keys.len() + sweep.map_or(0, |sweep| sweep.left)
            }
        }
    }

    /// Whether a snapshot has nothing left to hand out.
    pub(super) fn has_written_keys(&self) -> bool {
        !self.changed.all && self.changed.keys.is_empty() && self.changed.sweep.is_none()
    }

    /// Lists all keys, if all have changed.
    pub(super) fn list_changed(&mut self) {
        if !std::mem::take(&mut self.changed.all) {
            return;
        }
        let mut keys: Vec<Box<str>> = Vec::with_capacity(self.entities.len_in_memory());
        for (key, entity) in self.entities.iter_mut() {
            entity.answered.is_changed = true;
            keys.push(key.as_str().into());
        }
        let parked = self.parked.keys();
        let only_parked = parked.filter(|key| !self.entities.is_in_memory(key));
        keys.extend(only_parked.map(Into::into));
        self.changed.keys = keys;
        self.changed.sweep = (self.entities.len_cold() > 0).then(|| Sweep {
            after: None,
            left: self.entities.len(),
        });
    }
}
