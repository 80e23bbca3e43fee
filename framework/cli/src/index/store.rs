//! The store: one fjall database, and what stands in each of its keyspaces.
//!
//! | keyspace | key | value |
//! |---|---|---|
//! | `sagas` | saga, place | an event, or a copy in an inbox ([`Row`]) |
//! | `copies` | the place of an event from outside, that of its copy in an inbox | the copy ([`Row`]) |
//! | `ids` | the end of an event's id, saga | |
//! | `keys` | the saga that a key would name, the saga that has it, place | time |
//! | `open` | saga | |
//! | `parts` | topic, partition | how far it was read, and what was learnt besides ([`State`](super::state::State)) |
//! | `parked` | topic, partition, key | what is parked under it |
//! | `names` | number | a name; beside them the [`Topics`] |
//!
//! Each of a saga's records stands under its place: to write one again changes nothing. What was read of a
//! partition and how far is written in one batch, which is there whole or not at all.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch};
use kolo_core::{CorrelationId, EventId, TopicId};

use crate::evidence::part::Copied;

use super::row::{Name, PLACE_BYTES, Place, ROW_BYTES, TopicNumber};
use super::topics::Topics;

/// Blocks that were read,
const CACHE_BYTES: u64 = 64 << 20;
/// and for each keyspace what is not written to a table yet.
const BUFFER_BYTES: u64 = 32 << 20;
/// Keys among the names which are no number's.
const TOPICS: &[u8] = b"topics";
const DECLARED: &[u8] = b"declared";
/// Sagas that are opened in one write.
const MOST_OPENED: usize = 50_000;
/// What takes some ten milliseconds to read.
const LONG_JOURNAL_BYTES: u64 = 2 << 20;

/// How many bytes of an id stand in a key. Time stands at the beginning of some ids, and chance at the end of all.
const ID_BYTES: usize = 8;

/// A topic's id, a partition and an offset.
const SOURCE_BYTES: usize = 16 + 4 + 8;

/// The store could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    #[error("{0}")]
    Fjall(#[from] fjall::Error),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("what stands there cannot be read: {0}")]
    Postcard(#[from] postcard::Error),
    #[error("what is parked there cannot be read: {0}")]
    Json(#[from] serde_json::Error),
}

type Result<T> = std::result::Result<T, StoreError>;

pub(super) struct Store {
    folder: PathBuf,
    database: Database,
    pub(super) sagas: Keyspace,
    pub(super) copies: Keyspace,
    pub(super) ids: Keyspace,
    pub(super) keys: Keyspace,
    pub(super) open: Keyspace,
    pub(super) parts: Keyspace,
    pub(super) parked: Keyspace,
    names: Keyspace,
    known: Mutex<Names>,
}

#[derive(Default)]
struct Names {
    numbers: HashMap<String, Name>,
    texts: Vec<String>,
}

impl Store {
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let database = Database::builder(folder).cache_size(CACHE_BYTES).open()?;
        let keyspace = |name: &str| {
            database.keyspace(name, || {
                KeyspaceCreateOptions::default().max_memtable_size(BUFFER_BYTES)
            })
        };
        let store = Store {
            sagas: keyspace("sagas")?,
            copies: keyspace("copies")?,
            ids: keyspace("ids")?,
            keys: keyspace("keys")?,
            open: keyspace("open")?,
            parts: keyspace("parts")?,
            parked: keyspace("parked")?,
            names: keyspace("names")?,
            known: Mutex::default(),
            folder: folder.to_owned(),
            database,
        };
        store.load_names()?;
        Ok(store)
    }

    fn load_names(&self) -> Result<()> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for guard in self.names.iter() {
            let (key, text) = guard.into_inner()?;
            if key.len() != size_of::<Name>() {
                continue;
            }
            let text = String::from_utf8_lossy(&text).into_owned();
            let number = Name::try_from(known.texts.len()).unwrap_or(Name::MAX);
            known.numbers.insert(text.clone(), number);
            known.texts.push(text);
        }
        Ok(())
    }

    /// The number of a name, which from now on it always has.
    pub(super) fn name(&self, text: &str) -> Result<Name> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&number) = known.numbers.get(text) {
            return Ok(number);
        }
        let number = Name::try_from(known.texts.len()).unwrap_or(Name::MAX);
        // Before the batch that uses it: the journal keeps their order.
        self.names.insert(number.to_be_bytes(), text)?;
        known.numbers.insert(text.to_owned(), number);
        known.texts.push(text.to_owned());
        Ok(number)
    }

    pub(super) fn text(&self, number: Name) -> Option<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.texts.get(usize::try_from(number).ok()?).cloned()
    }

    /// The sagas that have an event of this id, and perhaps others: it is found by its end.
    pub(super) fn sagas_of(&self, id: EventId) -> Result<Vec<CorrelationId>> {
        let mut sagas = Vec::new();
        let end = id_end(id);
        each(&self.ids, &end, |key, _| {
            sagas.extend(saga_at(key, end.len()));
            Ok(true)
        })?;
        Ok(sagas)
    }

    pub(super) fn topics(&self) -> Result<Topics> {
        let bytes = self.names.get(TOPICS)?;
        let topics = bytes.map(|bytes| postcard::from_bytes(&bytes));
        Ok(topics.transpose()?.unwrap_or_default())
    }

    pub(super) fn keep_topics(&self, topics: &Topics) -> Result<()> {
        Ok(self.names.insert(TOPICS, postcard::to_allocvec(topics)?)?)
    }

    /// What is declared has this id now; if it had another one, all sagas are open.
    pub(super) fn declare(&self, declared: EventId) -> Result<()> {
        let known = self.names.get(DECLARED)?;
        if known.as_deref() == Some(declared.0.as_bytes()) {
            return Ok(());
        }
        let (mut batch, mut last) = (self.batch(), None);
        // Before anything was declared, nothing was found to be over.
        let former = known.map(|_| self.sagas.iter());
        for guard in former.into_iter().flatten() {
            let key = guard.key()?;
            let saga = saga_at(&key, 0);
            if let Some(saga) = saga.filter(|_| saga != last) {
                batch.insert(&self.open, *saga.0.as_bytes(), []);
            }
            last = saga;
            if batch.len() >= MOST_OPENED {
                std::mem::replace(&mut batch, self.batch()).commit()?;
            }
        }
        // Behind all others: whoever is killed before opens them again.
        batch.insert(&self.names, DECLARED, *declared.0.as_bytes());
        Ok(batch.commit()?)
    }

    pub(super) fn batch(&self) -> OwnedWriteBatch {
        self.database.batch()
    }

    /// Closes it. A long journal, which would be read at each opening, is emptied first.
    pub(super) fn close(self) -> Result<()> {
        let folder = self.folder.clone();
        if journals(&folder)?
            .iter()
            .map(|(_, bytes)| bytes)
            .sum::<u64>()
            < LONG_JOURNAL_BYTES
        {
            return Ok(());
        }
        self.settle()?;
        drop(self);
        // All of it stands in tables now. The store itself begins another journal only every 64 MB, and takes the number of its
        // last write from the tables if there is an empty one.
        for (journal, _) in journals(&folder)? {
            File::options().write(true).open(journal)?.set_len(0)?;
        }
        Ok(())
    }

    /// Gives the place of what was removed back to the disk.
    pub(super) fn compact(&self) -> Result<()> {
        self.settle()?;
        for keyspace in [&self.sagas, &self.copies, &self.ids, &self.keys, &self.open] {
            keyspace.major_compact()?;
        }
        Ok(())
    }

    /// Moves everything from the journal, which is read at each opening, to tables.
    fn settle(&self) -> Result<()> {
        let all = [
            &self.sagas,
            &self.copies,
            &self.ids,
            &self.keys,
            &self.open,
            &self.parts,
            &self.parked,
            &self.names,
        ];
        for keyspace in all {
            keyspace.rotate_memtable_and_wait()?;
        }
        Ok(())
    }
}

/// The store's journals, each with its length.
fn journals(folder: &Path) -> std::io::Result<Vec<(PathBuf, u64)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if path.extension().is_some_and(|ending| ending == "jnl") {
            found.push((path, entry.metadata()?.len()));
        }
    }
    Ok(found)
}

/// The key of a copy that says no saga.
pub(super) fn copy_key(copied: &Copied, place: Place) -> [u8; SOURCE_BYTES + PLACE_BYTES] {
    let mut key = [0; SOURCE_BYTES + PLACE_BYTES];
    let source = source_key(copied.topic, copied.partition, copied.position.offset);
    key[..SOURCE_BYTES].copy_from_slice(&source);
    key[SOURCE_BYTES..].copy_from_slice(&place.bytes());
    key
}

/// What the keys of all copies of the event that stands there begin with.
pub(super) fn source_key(topic: TopicId, partition: i32, offset: i64) -> [u8; SOURCE_BYTES] {
    let mut key = [0; SOURCE_BYTES];
    key[..16].copy_from_slice(topic.0.as_bytes());
    key[16..20].copy_from_slice(&partition.to_be_bytes());
    key[20..].copy_from_slice(&offset.to_be_bytes());
    key
}

/// The key of an event's id.
pub(super) fn id_key(id: EventId, saga: CorrelationId) -> [u8; ID_BYTES + 16] {
    let mut key = [0; ID_BYTES + 16];
    key[..ID_BYTES].copy_from_slice(id_end(id).as_slice());
    key[ID_BYTES..].copy_from_slice(saga.0.as_bytes());
    key
}

/// What the keys of an id begin with.
pub(super) fn id_end(id: EventId) -> [u8; ID_BYTES] {
    let mut end = [0; ID_BYTES];
    end.copy_from_slice(&id.0.as_bytes()[16 - ID_BYTES..]);
    end
}

/// The key of a record's key. `named` is the saga that the key would name, if it named one.
pub(super) fn key_key(
    named: CorrelationId,
    saga: CorrelationId,
    place: Place,
) -> [u8; 16 + ROW_BYTES] {
    let mut key = [0; 16 + ROW_BYTES];
    key[..16].copy_from_slice(named.0.as_bytes());
    key[16..].copy_from_slice(&place.key(saga));
    key
}

/// The key of a partition; with a record's key behind it, that of what is parked.
pub(super) fn part_key(topic: TopicNumber, partition: i32) -> [u8; 8] {
    let mut key = [0; 8];
    key[..4].copy_from_slice(&topic.to_be_bytes());
    key[4..].copy_from_slice(&partition.to_be_bytes());
    key
}

/// Sixteen bytes of a key that are a saga.
pub(super) fn saga_at(key: &[u8], at: usize) -> Option<CorrelationId> {
    let bytes = key.get(at..at + 16)?.first_chunk::<16>()?;
    Some(CorrelationId(uuid::Uuid::from_bytes(*bytes)))
}

/// Each key and value under a prefix.
pub(super) fn each(
    keyspace: &Keyspace,
    prefix: &[u8],
    mut take: impl FnMut(&[u8], &[u8]) -> Result<bool>,
) -> Result<()> {
    for guard in keyspace.prefix(prefix) {
        let (key, value) = guard.into_inner()?;
        if !take(&key, &value)? {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Emptying its journal is nothing that the store offers: this is what must hold for it.
    #[test]
    fn an_emptied_journal_loses_nothing_and_what_is_written_later_counts() {
        let folder = tempfile::tempdir().unwrap();
        let rows = || (0..40_000u32).map(u32::to_be_bytes);
        let value = [7; 100];
        let length = || -> u64 {
            let journals = journals(folder.path()).unwrap();
            journals.iter().map(|(_, bytes)| bytes).sum()
        };
        for round in 1..=3u8 {
            let store = Store::open(folder.path()).unwrap();
            for key in rows() {
                let known = store.sagas.get(key).unwrap();
                let before = (round > 1).then(|| [&[round - 1][..], &value].concat());
                assert_eq!(known.as_deref(), before.as_deref());
            }
            let mut batch = store.batch();
            rows().for_each(|key| batch.insert(&store.sagas, key, [&[round][..], &value].concat()));
            batch.commit().unwrap();
            assert_eq!(store.name("orders").unwrap(), 0);
            assert!(length() > LONG_JOURNAL_BYTES);
            store.close().unwrap();
            assert_eq!(length(), 0);
        }
        // What is short is left alone.
        let store = Store::open(folder.path()).unwrap();
        store.sagas.insert(b"one", b"more").unwrap();
        store.close().unwrap();
        assert!((1..LONG_JOURNAL_BYTES).contains(&length()), "{}", length());
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(
            store.sagas.get(b"one").unwrap().as_deref(),
            Some(&b"more"[..])
        );
        assert_eq!(store.text(0).as_deref(), Some("orders"));
    }
}
