//! Loading a snapshot: a take-over that need not read the whole stream.
//!
//! A snapshot counts if it is of this stream for this declaration, and if the log still holds the very record at which it was
//! taken. Whatever is wrong with one costs a restore, and nothing else.

use std::time::{Duration, Instant};

use kolo_core::TopicId;
use kolo_core::processor::{ProcessorError, Snapshot, SnapshotProblem};
use rdkafka::consumer::Consumer;
use rdkafka::topic_partition_list::Offset;

use crate::snapshots::{Damage, Reader};

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
    /// Begins to load the snapshot of a partition whose fence was acknowledged. False if there is none that counts.
    pub(super) fn open_snapshot(&mut self, partition: i32, fence: i64) -> Result<bool, End> {
        let Some(store) = &self.spec.snapshots else {
            return Ok(false);
        };
        let (topic, stream) = (self.spec.description.stream, self.stream);
        let reader = match store.read(self.spec.description.aggregate, partition) {
            Ok(None) => return Ok(false),
            reader => reader,
        };
        let Some(owned) = self.owned(partition) else {
            return Ok(false);
        };
        let opened = reader.map_err(Rejected::from);
        let opened =
            opened.and_then(|reader| reader.map(|reader| owned.open(reader, stream)).transpose());
        let loading = match opened {
            Ok(None) => return Ok(false),
            Ok(Some(loading)) => loading,
            Err(why) => {
                self.reject_snapshot(partition, fence, &why);
                return Ok(false);
            }
        };
        let (low, _) = self
            .data
            .fetch_watermarks(topic, partition, Duration::from_secs(10))
            .map_err(|error| {
                End::Restart(format!("{topic} cannot be asked for its offsets: {error}"))
            })?;
        let last = loading.snapshot.last;
        if !(low..fence).contains(&last) {
            self.reject_snapshot(partition, fence, &Rejected::Outside { last, low, fence });
            return Ok(false);
        }
        if let Some(owned) = self.owned(partition) {
            owned.kept.loading = Some(loading);
            owned.phase = Phase::Loading(fence);
        }
        Ok(true)
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
            let fence = match owned.phase {
                Phase::Loading(fence) => fence,
                Phase::Rejected(fence) => {
                    busy = true;
                    self.restore_from_start(partition, fence)?;
                    continue;
                }
                _ => continue,
            };
            busy = true;
            match owned.load() {
                Ok(None) => {}
                Ok(Some(snapshot)) => {
                    owned.kept.loaded = Some(snapshot);
                    owned.phase = Phase::Restoring(fence);
                    self.read_stream_from(partition, Offset::Offset(snapshot.last))?;
                }
                // It is not the snapshot that is at fault: it is loaded by the next owner.
                Err(Rejected::Problem(
                    problem @ (SnapshotProblem::Cold { .. } | SnapshotProblem::Unwritable { .. }),
                )) => {
                    let problem = Box::new(problem);
                    self.failed(partition, ProcessorError::Cold { problem })?;
                }
                Err(why) => {
                    self.reject_snapshot(partition, fence, &why);
                    self.restore_from_start(partition, fence)?;
                }
            }
        }
        Ok(busy)
    }

    /// What was loaded is of another log than the one that is read.
    pub(super) fn is_not_of_snapshot(&mut self, partition: i32) {
        let owned = self.owned(partition);
        if let Some(Phase::Restoring(fence)) = owned.map(|owned| owned.phase) {
            self.reject_snapshot(partition, fence, &Rejected::NotOfStream);
            if let Some(owned) = self.owned(partition) {
                owned.phase = Phase::Rejected(fence);
            }
        }
    }

    /// Forgets a snapshot, and whatever of it was loaded.
    fn reject_snapshot(&mut self, partition: i32, fence: i64, why: &Rejected) {
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
        processor.fenced(fence);
        if let Some(owned) = self.owned(partition) {
            owned.processor = processor;
            owned.kept = Kept::default();
        }
    }
}
