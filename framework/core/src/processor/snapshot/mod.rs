//! Snapshots: what a restore would give, written down, so that a restart reads the tail of the stream only.
//!
//! A snapshot is what the log holds up to one of its valid records, and never what memory has beyond that: a position that
//! an owner decided with no event, after it was replaced without knowing it, must not come back to life.

mod codec;
mod layout;
mod load;
mod write;

pub(crate) use codec::{read, write};
pub(super) use load::read_key;
pub(crate) use write::is_in_another_order;
pub(super) use write::{EntityBuffers, is_read_again};

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use crate::id::TopicId;
use crate::state::State;
use crate::stream::Cursor;
use crate::wire::{FENCE, Record, Stamp};

use super::changed::Changed;
use super::keys::ColdKeys;
use super::owner::Owner;

/// Snapshots of a processor: written while it works, loaded by another one before it restores.
pub trait Snapshots {
    /// How many keys have changed since they were last handed out to a snapshot; all of them at first, and none where the
    /// aggregate keeps no snapshots.
    fn changed_keys(&self) -> usize;

    /// The next snapshot holds every key, changed or not.
    fn begin_snapshots(&mut self);

    /// Hands out keys that have changed, with all that is known of each; at most so many. What is handed out may run ahead
    /// of the log, and counts with the next [`Snapshots::snapshot`] of this owner, or not at all.
    ///
    /// # Errors
    /// When a state cannot be written so that it is read again.
    fn snapshot_keys(
        &mut self,
        at_most: usize,
        take: &mut dyn FnMut(&str, &[u8]),
    ) -> Result<(), SnapshotProblem>;

    /// Completes a snapshot of the stream with this topic id: writes what is no key's own. `None`, and nothing is written,
    /// while memory is ahead of the log: with appends in flight, or positions that no record holds ([`Processor::mark`](super::Processor::mark)
    /// writes them), or with changed keys that were not handed out.
    ///
    /// # Errors
    /// When something cannot be written.
    fn snapshot(
        &mut self,
        stream: TopicId,
        out: &mut Vec<u8>,
    ) -> Result<Option<Snapshot>, SnapshotProblem>;

    /// Between [`Processor::fenced`](super::Processor::fenced) and [`Processor::restore`](super::Processor::restore), takes up what [`Snapshots::snapshot`] wrote. The caller then
    /// loads the keys, in the order in which they were handed out, sees that the stream is the one it was
    /// ([`Snapshot::is_of`]), and restores what is behind [`Snapshot::last`].
    ///
    /// # Errors
    /// When it is not a snapshot of this stream for this declaration. The processor must be dropped then.
    fn load(&mut self, stream: TopicId, bytes: &[u8]) -> Result<Snapshot, SnapshotProblem>;

    /// Takes up a key as it was handed out; a later one of the same key replaces it.
    ///
    /// # Errors
    /// When it cannot be read. The processor must be dropped then.
    fn load_key(&mut self, key: &str, bytes: &[u8]) -> Result<(), SnapshotProblem>;

    /// Keeps in this store, which must be empty, what is seldom used, so that what is in memory takes about `limit_bytes`,
    /// which may be changed at any time. To be called before anything is loaded or restored; does nothing where the
    /// aggregate keeps no snapshots, since its state has no form outside memory.
    fn keep_cold(&mut self, store: Box<dyn ColdKeys>, limit_bytes: Arc<AtomicUsize>);

    /// How many keys are in memory, and how many only in the store.
    fn keys_in_memory(&self) -> (usize, usize);

    /// What the keys in memory take, estimated, in bytes; 0 without a store.
    fn keys_bytes(&self) -> usize;
}

impl<S: State> Snapshots for Owner<S> {
    fn changed_keys(&self) -> usize {
        self.count_changed()
    }

    fn begin_snapshots(&mut self) {
        self.changed = Changed::ALL;
    }

    fn snapshot_keys(
        &mut self,
        at_most: usize,
        take: &mut dyn FnMut(&str, &[u8]),
    ) -> Result<(), SnapshotProblem> {
        self.write_keys(at_most, take)
    }

    fn snapshot(
        &mut self,
        stream: TopicId,
        out: &mut Vec<u8>,
    ) -> Result<Option<Snapshot>, SnapshotProblem> {
        self.write_common(stream, out)
    }

    fn load(&mut self, stream: TopicId, bytes: &[u8]) -> Result<Snapshot, SnapshotProblem> {
        self.load_common(stream, bytes)
    }

    fn load_key(&mut self, key: &str, bytes: &[u8]) -> Result<(), SnapshotProblem> {
        self.load_entity(key, bytes)
    }

    fn keep_cold(&mut self, store: Box<dyn ColdKeys>, limit_bytes: Arc<AtomicUsize>) {
        self.entities
            .keep_cold(&self.declaration, store, limit_bytes);
    }

    fn keys_in_memory(&self) -> (usize, usize) {
        (self.entities.len_in_memory(), self.entities.len_cold())
    }

    fn keys_bytes(&self) -> usize {
        self.entities.memory_bytes()
    }
}

/// Where in its stream a snapshot stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot {
    /// Offset of the last valid record that it holds.
    pub last: i64,
    /// That record's epoch, nonce and number.
    pub cursor: Cursor,
    /// How many keys have a state.
    pub keys: usize,
    /// How many events the stream held.
    pub events: u64,
}

impl Snapshot {
    /// Whether this is the record at which the snapshot was taken. If it is, all before it is what it was: a log that lost
    /// acknowledged records, or another one under the same name, has another record there.
    #[must_use]
    pub fn is_of(&self, record: &Record<'_>) -> bool {
        let stamp = record
            .headers
            .stamp
            .and_then(|stamp| Stamp::read(stamp).ok());
        let Some(writer) = stamp.and_then(|stamp| stamp.writer) else {
            return false;
        };
        let is_fence = record.headers.event_type == Some(FENCE);
        let epoch = writer.epoch.or(is_fence.then_some(record.offset));
        let found = epoch.map(|epoch| Cursor {
            epoch,
            nonce: writer.nonce,
            number: writer.number,
        });
        record.offset == self.last && found == Some(self.cursor)
    }
}

/// Why a snapshot is not taken, or not loaded. It costs time, and nothing else: the stream is read from its start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotProblem {
    /// It was written by another version of kolo.
    #[error("it has the format {found}, and this version reads {expected}")]
    Format {
        /// The format found.
        found: u32,
        /// The format of this version.
        expected: u32,
    },
    /// It is a snapshot of something else, or for another declaration.
    #[error("it is of {what} `{found}`, and this is `{expected}`")]
    Other {
        /// What differs.
        what: &'static str,
        /// As the snapshot says.
        found: String,
        /// As it is here.
        expected: String,
    },
    /// The bytes are not what they should be.
    #[error("its {what} cannot be read: {problem}")]
    Unreadable {
        /// Which part.
        what: String,
        /// Why.
        problem: String,
    },
    /// A key that was moved out of memory and cannot be brought back. The processor must be dropped.
    #[error("the key `{key}` was moved out of memory and cannot be read back: {problem}")]
    Cold {
        /// The key.
        key: String,
        /// Why.
        problem: String,
    },
    /// A state whose type cannot be written, or not so that it is read again.
    #[error(
        "the state of `{key}` cannot be written so that it is read again ({problem}): `skip_serializing_if`, `untagged` and `flatten` do not go with snapshots"
    )]
    Unwritable {
        /// The key.
        key: String,
        /// Why.
        problem: String,
    },
}
