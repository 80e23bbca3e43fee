//! What the registry knows: a fold of its log.

mod find;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::fact::{Content, Fact};
use crate::level::{Level, Mode};
use crate::store::Record;

pub(crate) use find::Found;

/// All subjects, levels and modes.
///
/// What is asked for by id or text is searched for in all versions: a registry for development has some hundreds.
#[derive(Debug, Default)]
pub(crate) struct State {
    subjects: BTreeMap<String, BTreeMap<u32, Version>>,
    levels: BTreeMap<Option<String>, Level>,
    modes: BTreeMap<Option<String>, Mode>,
    highest_id: u32,
}

#[derive(Debug)]
struct Version {
    id: u32,
    content: Arc<Content>,
    deleted: bool,
}

impl State {
    /// What is not understood is left out, with a warning: it is in the log still, for whoever wrote it.
    pub(crate) fn of(log: &[Record]) -> State {
        let mut state = State::default();
        for record in log {
            match Fact::decode(record) {
                Ok(Some(fact)) => state.evolve(fact),
                Ok(None) => {}
                Err(error) => tracing::warn!(
                    key = %String::from_utf8_lossy(&record.key),
                    "a record of the registry's log is not understood, and left out: {error}"
                ),
            }
        }
        state
    }

    pub(crate) fn evolve(&mut self, fact: Fact) {
        match fact {
            Fact::Version(stored) => {
                self.highest_id = self.highest_id.max(stored.id);
                let version = Version {
                    id: stored.id,
                    content: Arc::new(stored.content),
                    deleted: stored.deleted,
                };
                let versions = self.subjects.entry(stored.subject).or_default();
                versions.insert(stored.version, version);
            }
            Fact::NoVersion { subject, version } => {
                if let Some(versions) = self.subjects.get_mut(&subject) {
                    versions.remove(&version);
                    if versions.is_empty() {
                        self.subjects.remove(&subject);
                    }
                }
            }
            Fact::SubjectDeleted { subject, version } => {
                if let Some(versions) = self.subjects.get_mut(&subject) {
                    let until = versions.range_mut(..=version);
                    until.for_each(|(_, version)| version.deleted = true);
                }
            }
            Fact::Level { subject, level } => put(&mut self.levels, subject, level),
            Fact::Mode { subject, mode } => put(&mut self.modes, subject, mode),
            Fact::HighestId(id) => self.highest_id = self.highest_id.max(id),
        }
    }
}

fn put<T>(map: &mut BTreeMap<Option<String>, T>, key: Option<String>, value: Option<T>) {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    };
}
