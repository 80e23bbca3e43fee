//! Changed: which keys the next snapshot must hold.

use crate::state::State;

use super::owner::Owner;

/// The keys that have changed since they were last written.
pub(super) struct Changed {
    /// Every key has: nothing was written yet.
    pub(super) all: bool,
    /// If not all: these. A mark in each of them tells that it is listed.
    pub(super) keys: Vec<Box<str>>,
}

impl Changed {
    pub(super) const ALL: Changed = Changed {
        all: true,
        keys: Vec::new(),
    };
    pub(super) const NONE: Changed = Changed {
        all: false,
        keys: Vec::new(),
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
    }

    pub(super) fn count_changed(&self) -> usize {
        match &self.declaration.snapshots {
            None => 0,
            Some(_) if self.changed.all => self.entities.len(),
            Some(_) => self.changed.keys.len(),
        }
    }

    /// Whether a snapshot has nothing left to hand out.
    pub(super) fn has_written_keys(&self) -> bool {
        !self.changed.all && self.changed.keys.is_empty()
    }

    /// Lists all keys, if all have changed.
    pub(super) fn list_changed(&mut self) {
        if !std::mem::take(&mut self.changed.all) {
            return;
        }
        let mut keys: Vec<Box<str>> = Vec::with_capacity(self.entities.len());
        for (key, entity) in &mut self.entities {
            entity.answered.is_changed = true;
            keys.push(key.as_str().into());
        }
        let parked = self.parked.keys();
        let only_parked = parked.filter(|key| !self.entities.contains_key(*key));
        keys.extend(only_parked.map(Into::into));
        self.changed.keys = keys;
    }
}
