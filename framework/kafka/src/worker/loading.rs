//! Loading a snapshot: a take-over that need not read the whole stream.
//!
//! A snapshot counts if it is of this stream for this declaration, and if the log still holds the very record at which it was
//! taken. Whatever is wrong with one costs a restore, and nothing else.

use std::time::{Duration, Instant};

use kolo_core::TopicId;
use kolo_core::processor::{ProcessorError, Snapshot, SnapshotProblem};
use rdkafka::topic_partition_list::Offset;

use crate::snapshots::{Damage, Reader};
use crate::topics;

use super::End;
use super::partition::{Partition, Phase};
use super::session::Session;
use super::snapshots::Kept;

/// How long keys are loaded at a time, before the membership is looked at again.
const AT_ONCE: Duration = Duration::from_millis(20);

/// A snapshot that is being loaded.
pub(super) struct Loading {
    reader: Reader,
    snapshot: Snapshot,
}

/// Why a snapshot does not count.
#[derive(Debug, thiserror::Error)]
pub(super) enum Rejected {
    #[error(transparent)]
    Damage(#[from] Damage),
    #[error(transparent)]
    Problem(#[from] SnapshotProblem),
    #[error(
        "it ends at offset {last}; the stream begins at {low}, and this owner's fence stands at {fence}"
    )]
    Outside { last: i64, low: i64, fence: i64 },
    #[error("it holds {found} keys, and should hold {expected}")]
    Keys { found: usize, expected: usize },
    #[error(
        "the record at which it was taken does not stand in the stream any more: the log has lost what it had acknowledged"
    )]
    NotOfStream,
}

impl Kept {
    /// The last record that the snapshot knows which is loaded, or being loaded.
    fn last(&self) -> Option<i64> {
        let loading = self.loading.as_ref().map(|loading| loading.snapshot.last);
        loading.or(self.loaded.as_ref().map(|snapshot| snapshot.last))
    }
}

impl Partition {
    fn open(&mut self, mut reader: Reader, stream: TopicId) -> Result<Loading, Rejected> {
        let (bytes, whole_bytes, rest) = reader.rest()?;
        let snapshot = self.processor.load(stream, rest)?;
        self.kept.found(bytes, whole_bytes);
        Ok(Loading { reader, snapshot })
    }

    /// Loads keys for a while. Gives the snapshot once it is complete.
    fn load(&mut self) -> Result<Option<Snapshot>, Rejected> {
        let Some(loading) = &mut self.kept.loading else {
            return Ok(None);
        };
        let processor = &mut self.processor;
        let until = Instant::now() + AT_ONCE;
        while loading
            .reader
            .next_keys::<Rejected>(|key, bytes| Ok(processor.load_key(key, bytes)?))?
        {
            if Instant::now() > until {
                return Ok(None);
            }
        }
        let (snapshot, found) = (loading.snapshot, processor.keys());
        self.kept.loading = None;
        if found != snapshot.keys {
            let expected = snapshot.keys;
            return Err(Rejected::Keys { found, expected });
        }
        Ok(Some(snapshot))
    }
}

impl Session<'_> {
    /// Begins to load the snapshot of a partition, while its fence is on the way.
    pub(super) fn open_snapshot(&mut self, partition: i32) {
        let Some(store) = &self.spec.snapshots else {
            return;
        };
        let stream = self.stream;
        let reader = store.read(self.spec.description.aggregate, partition);
        let Some(owned) = self.owned(partition) else {
            return;
        };
        let opened = reader.map_err(Rejected::from);
        let opened =
            opened.and_then(|reader| reader.map(|reader| owned.open(reader, stream)).transpose());
        match opened {
            Ok(loading) => owned.kept.loading = loading,
            Err(why) => self.reject_snapshot(partition, &why),
        }
    }

    /// Whether a snapshot is loaded, or about to be, that may be of the log as it stands before this fence.
    fn has_snapshot(&mut self, partition: i32, fence: i64) -> Result<bool, End> {
        let Some(last) = self.owned(partition).and_then(|owned| owned.kept.last()) else {
            return Ok(false);
        };
        let topic = self.spec.description.stream;
        let answered = self.spec.config.answer_timeout();
        let (low, _) = topics::ends(&self.data, topic, partition, answered).map_err(|error| {
            End::Restart(format!("{topic} cannot be asked for its offsets: {error}"))
        })?;
        if (low..fence).contains(&last) {
            return Ok(true);
        }
        self.reject_snapshot(partition, &Rejected::Outside { last, low, fence });
        Ok(false)
    }

    /// Goes on loading. Says whether there was anything to load.
    pub(super) fn load_snapshots(&mut self) -> Result<bool, End> {
        let mut busy = false;
        if self.spec.snapshots.is_none() {
            return Ok(busy);
        }
        for partition in 0..self.partition_count {
            let Some(owned) = self.owned(partition) else {
                continue;
            };
            match owned.phase {
                Phase::Fencing | Phase::Loading(_) if owned.kept.loading.is_some() => {}
                Phase::Rejected(fence) => {
                    busy = true;
                    self.restore_from_start(partition, fence)?;
                    continue;
                }
                _ => continue,
            }
            busy = true;
            let phase = owned.phase;
            match owned.load() {
                Ok(None) => {}
                Ok(Some(snapshot)) => {
                    owned.kept.loaded = Some(snapshot);
                    if let Phase::Loading(fence) = phase {
                        self.read_behind(partition, snapshot.last, fence)?;
                    }
                }
                // It is not the snapshot that is at fault: it is loaded by the next owner.
                Err(Rejected::Problem(
                    problem @ (SnapshotProblem::Cold { .. } | SnapshotProblem::Unwritable { .. }),
                )) => {
                    let problem = Box::new(problem);
                    self.failed(partition, ProcessorError::Cold { problem })?;
                }
                Err(why) => {
                    self.reject_snapshot(partition, &why);
                    if let Phase::Loading(fence) = phase {
                        self.restore_from_start(partition, fence)?;
                    }
                }
            }
        }
        Ok(busy)
    }

    /// Reads what came behind a snapshot that is loaded.
    fn read_behind(&mut self, partition: i32, last: i64, fence: i64) -> Result<(), End> {
        if let Some(owned) = self.owned(partition) {
            owned.phase = Phase::Restoring(fence);
            owned.restored = last + 1;
        }
        self.read_stream_from(partition, Offset::Offset(last))
    }

    /// The fence stands at this offset: goes on with the snapshot that was begun, if there is one.
    pub(super) fn go_on_loading(&mut self, partition: i32, fence: i64) -> Result<bool, End> {
        if !self.has_snapshot(partition, fence)? {
            return Ok(false);
        }
        let Some(owned) = self.owned(partition) else {
            return Ok(false);
        };
        if let Some(snapshot) = &owned.kept.loaded {
            let last = snapshot.last;
            self.read_behind(partition, last, fence)?;
        }
        Ok(true)
    }

    /// What was loaded is of another log than the one that is read.
    pub(super) fn is_not_of_snapshot(&mut self, partition: i32) {
        let owned = self.owned(partition);
        if let Some(Phase::Restoring(fence)) = owned.map(|owned| owned.phase) {
            self.reject_snapshot(partition, &Rejected::NotOfStream);
            if let Some(owned) = self.owned(partition) {
                owned.phase = Phase::Rejected(fence);
            }
        }
    }

    /// Forgets a snapshot, and whatever of it was loaded.
    fn reject_snapshot(&mut self, partition: i32, why: &Rejected) {
        tracing::warn!(
            partition,
            "{}: the snapshot is deleted, and the stream is read from its start: {why}",
            self.name
        );
        if let Some(store) = &self.spec.snapshots {
            store.delete(self.spec.description.aggregate, partition);
        }
        let Some(nonce) = self.owned(partition).map(|owned| owned.nonce) else {
            return;
        };
        let mut processor = self.processor(partition, nonce);
        if let Some(owned) = self.owned(partition) {
            if let Some(fence) = owned.phase.fence() {
                processor.fenced(fence);
            }
            owned.processor = processor;
            owned.kept = Kept::default();
        }
    }
}
