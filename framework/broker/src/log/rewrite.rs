//! One segment of a compacted log written anew.

use std::path::{Path, PathBuf};

use bytes::BytesMut;

use super::compact::Keys;
use super::disk::{DiskSegment, log_path};
use super::files::At;
use super::index::Index;
use super::memory::MemorySegment;
use super::segment::{Segment, Stamped};
use super::{LogError, LogWriter};
use crate::batch::{Batch, BatchError, Walk, compress, rebuild};

/// So much of rewritten batches may pile up before it is written.
const FLUSH_BYTES: usize = 1 << 20;

pub(super) enum Kept {
    Unchanged,
    Some(Batch),
    Nothing,
}

/// What stays of a batch. One that cannot be read stays whole: nothing is known of its keys.
pub(super) fn keep(batch: &Batch, keys: &Keys, now_ms: i64, new_horizon: i64) -> Kept {
    try_keep(batch, keys, now_ms, new_horizon).unwrap_or(Kept::Unchanged)
}

fn try_keep(batch: &Batch, keys: &Keys, now_ms: i64, new_horizon: i64) -> Result<Kept, BatchError> {
    let data = batch.decompressed()?;
    let keeps_tombstones = batch
        .delete_horizon()
        .is_none_or(|horizon| now_ms < horizon);
    let mut kept = Vec::new();
    let mut has_tombstones = false;
    for record in Walk::new(&data, batch.record_count()) {
        let record = record?;
        let Some(key) = record.key else {
            continue;
        };
        let is_tombstone = record.value.is_none();
        if keys.is_overwritten(key, batch.offset_of(&record)) || is_tombstone && !keeps_tombstones {
            continue;
        }
        has_tombstones |= is_tombstone;
        kept.push(record);
    }
    if kept.is_empty() {
        return Ok(Kept::Nothing);
    }
    let horizon = (has_tombstones && batch.delete_horizon().is_none()).then_some(new_horizon);
    let count = i32::try_from(kept.len()).unwrap_or(i32::MAX);
    if count == batch.record_count() && horizon.is_none() {
        return Ok(Kept::Unchanged);
    }
    let mut out = Vec::with_capacity(data.len());
    let mut max_timestamp = i64::MIN;
    for record in kept {
        max_timestamp = max_timestamp.max(batch.timestamp_of(&record));
        match horizon {
            // The horizon takes the place of the base timestamp, from which all others count.
            Some(horizon) => {
                let own = batch
                    .base_timestamp()
                    .saturating_add(record.timestamp_delta);
                record.write_with_delta(own.saturating_sub(horizon), &mut out);
            }
            None => out.extend_from_slice(record.bytes),
        }
    }
    let compressed = compress(&out, batch.compression()?)?;
    rebuild(batch, &compressed, count, max_timestamp, horizon).map(Kept::Some)
}

/// The new segment, not visible yet.
pub(super) struct Rewriter {
    new: Segment,
    pending: Vec<Stamped>,
    pending_bytes: usize,
    buffer: BytesMut,
}

impl Rewriter {
    pub(super) fn new(writer: &LogWriter, old: &Segment) -> Result<Self, LogError> {
        let base_offset = old.base_offset();
        let new = match (old, &writer.dir) {
            (Segment::Disk(old), Some(dir)) => {
                let path = log_path(dir, base_offset, old.generation + 1);
                let unfinished = unfinished(&path);
                let file = writer.files.open(&unfinished).at(&unfinished)?;
                writer.files.cut(&file, 0).at(&unfinished)?;
                let index = Index::new(writer.config.segment_bytes);
                let generation = old.generation + 1;
                Segment::Disk(DiskSegment::growing(
                    path,
                    base_offset,
                    generation,
                    file,
                    index,
                ))
            }
            _ => Segment::Memory(MemorySegment::new(base_offset)),
        };
        Ok(Self {
            new,
            pending: Vec::new(),
            pending_bytes: 0,
            buffer: BytesMut::new(),
        })
    }

    pub(super) fn add(&mut self, writer: &LogWriter, batch: Batch) -> Result<(), LogError> {
        self.pending_bytes += batch.len_bytes();
        self.pending.push(Stamped::unchanged(batch));
        if self.pending_bytes >= FLUSH_BYTES {
            self.flush(writer)?;
        }
        Ok(())
    }

    pub(super) fn flush(&mut self, writer: &LogWriter) -> Result<(), LogError> {
        self.new
            .append(&writer.files, &self.pending, &mut self.buffer, || ())?;
        self.pending.clear();
        self.pending_bytes = 0;
        Ok(())
    }

    pub(super) fn discard(self, writer: &LogWriter) -> Result<(), LogError> {
        if let Segment::Disk(new) = &self.new {
            let unfinished = unfinished(&new.path);
            writer.files.remove(&unfinished).at(&unfinished)?;
        }
        Ok(())
    }

    /// Gives the new file its name; `None` if nothing stayed.
    pub(super) fn finish(self, writer: &LogWriter) -> Result<Option<Segment>, LogError> {
        if self.new.len_bytes() == 0 {
            self.discard(writer)?;
            return Ok(None);
        }
        if let Segment::Disk(new) = &self.new {
            self.new.save_index(&writer.files)?;
            let unfinished = unfinished(&new.path);
            writer.files.rename(&unfinished, &new.path).at(&new.path)?;
            self.new.seal();
        }
        Ok(Some(self.new))
    }
}

fn unfinished(path: &Path) -> PathBuf {
    path.with_extension("log.tmp")
}
