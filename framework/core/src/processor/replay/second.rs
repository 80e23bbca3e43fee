//! The second look: keys of which one pass cannot tell, folded again.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use crate::state::State;
use crate::time::Timestamp;
use crate::wire::{Headers, Record, Stamp};

use super::super::StreamProblem;
use super::super::owner::Owner;
use super::compare::{Recorded, compare, draft_said, recorded_said};
use super::first::Rehearsal;
use super::judge::{Input, decide};
use super::{Compared, Finding};

/// What a second look must tell, by key.
#[derive(Default)]
pub(super) struct Again {
    /// The keys that are folded again.
    keys: HashSet<String>,
    silent: HashMap<String, Vec<Silent>>,
    several: HashMap<String, Vec<Several>>,
    /// The records of the keys whose state must be made anew for each decision.
    kept: HashMap<String, Vec<Kept>>,
}

/// An input that was decided with nothing, and gets an answer on the state at the end of the time in which it may have
/// been decided. On an earlier one it may get none.
pub(super) struct Silent {
    pub(super) compared: Compared,
    pub(super) input: Input,
    /// It was decided behind this offset.
    pub(super) after: i64,
}

/// An input whose answer is of several functions, each of which decides on what those before it emitted.
pub(super) struct Several {
    pub(super) compared: Compared,
    pub(super) input: Input,
    pub(super) records: Vec<Recorded>,
}

impl Again {
    pub(super) fn silent(&mut self, silent: Silent) {
        let of_key = self.silent.entry_ref(&silent.input.key);
        of_key.or_default().push(silent);
    }

    pub(super) fn several(&mut self, several: Several) {
        let of_key = self.several.entry_ref(&several.input.key);
        of_key.or_default().push(several);
    }

    /// Says whether there is anything to look at again.
    pub(super) fn begin(&mut self) -> bool {
        let keys = self.silent.keys().chain(self.several.keys());
        self.keys = keys.cloned().collect();
        !self.keys.is_empty()
    }

    /// What nothing has spoken against.
    pub(super) fn rest(&mut self) -> impl Iterator<Item = Compared> {
        let silent = self.silent.drain().flat_map(|(_, of_key)| of_key);
        silent.map(|silent| silent.compared)
    }
}

/// A record of the stream.
struct Kept {
    stamp: Stamp,
    offset: i64,
    at: Timestamp,
    key: String,
    value: Option<Box<[u8]>>,
    id: Option<Box<str>>,
    event_type: Option<Box<str>>,
    rest: Option<Box<[u8]>>,
}

impl Kept {
    fn of(stamp: &Stamp, key: &str, record: &Record<'_>) -> Kept {
        Kept {
            stamp: *stamp,
            offset: record.offset,
            at: record.timestamp,
            key: key.to_owned(),
            value: record.value.map(Into::into),
            id: record.headers.id.map(Into::into),
            event_type: record.headers.event_type.map(Into::into),
            rest: record.headers.rest.map(Into::into),
        }
    }

    fn record(&self) -> Record<'_> {
        Record {
            offset: self.offset,
            timestamp: self.at,
            key: Some(self.key.as_bytes()),
            value: self.value.as_deref(),
            headers: Headers {
                id: self.id.as_deref(),
                event_type: self.event_type.as_deref(),
                rest: self.rest.as_deref(),
                ..Headers::default()
            },
            all_headers: None,
        }
    }
}

impl<S: State> Rehearsal<S> {
    /// Takes up a record once more, if its key is one that must be looked at again.
    pub(super) fn take_again(
        &mut self,
        stamp: &Stamp,
        key: &str,
        record: &Record<'_>,
        tell: &mut dyn FnMut(Compared),
    ) -> Result<(), StreamProblem> {
        if !self.again.keys.contains(key) {
            return Ok(());
        }
        if stamp.index == 1 {
            self.look_at_silent(stamp, key, record, tell);
            self.look_at_several(key, record, tell)?;
        }
        if self.again.several.contains_key(key) {
            let kept = self.again.kept.entry_ref(key).or_default();
            kept.push(Kept::of(stamp, key, record));
        }
        self.owner.fold_valid(stamp, record)
    }

    /// Decides the inputs of a key that may have been decided before this record.
    fn look_at_silent(
        &mut self,
        stamp: &Stamp,
        key: &str,
        record: &Record<'_>,
        tell: &mut dyn FnMut(Compared),
    ) {
        let Some(mut all) = self.again.silent.remove(key) else {
            return;
        };
        all.retain(|silent| {
            // An answer was given later, by a replay.
            if stamp.causation == Some(silent.compared.id) {
                tell(silent.compared.clone().same());
                return false;
            }
            let between =
                silent.after < record.offset && record.offset < silent.compared.decided.offset;
            if !between {
                return true;
            }
            // What was answered under its id before was recognised then, though the key may have forgotten it since.
            let entity = self.owner.entities.get(key);
            let known = entity.is_some_and(|entity| entity.has_answered(silent.input.parked.id));
            if !known {
                let today = self.rehearse(&silent.input, record.timestamp);
                let draft = &self.owner.scratch.draft;
                if compare::<S>(&[], &today, draft) != Finding::Same {
                    return true;
                }
            }
            tell(silent.compared.clone().same());
            false
        });
        if !all.is_empty() {
            self.again.silent.insert(key.to_owned(), all);
        }
    }

    /// Decides the input that this record answers, on a state of its own.
    fn look_at_several(
        &mut self,
        key: &str,
        record: &Record<'_>,
        tell: &mut dyn FnMut(Compared),
    ) -> Result<(), StreamProblem> {
        let Some(all) = self.again.several.get(key) else {
            return Ok(());
        };
        let here = |several: &&Several| several.compared.decided.offset == record.offset;
        let Some(several) = all.iter().find(here) else {
            return Ok(());
        };
        let mut owner = Owner::new(Arc::clone(&self.declaration), self.setup.clone());
        for kept in self.again.kept.get(key).into_iter().flatten() {
            owner.fold_valid(&kept.stamp, &kept.record())?;
        }
        let today = decide(&mut owner, &several.input, record.timestamp);
        let draft = &owner.scratch.draft;
        let mut compared = several.compared.clone();
        compared.finding = compare::<S>(&several.records, &today, draft);
        if compared.finding.differs() {
            compared.recorded = recorded_said::<S>(&several.records);
            compared.today = draft_said::<S>(draft);
            compared.failure = today.failure;
        } else {
            compared.recorded.clear();
            compared.today.clear();
        }
        tell(compared);
        Ok(())
    }
}
