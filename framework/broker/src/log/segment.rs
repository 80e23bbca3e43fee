//! A run of batches from one base offset on, in memory or on disk.

use std::io;

use bytes::{Bytes, BytesMut};

use super::LogError;
use super::disk::DiskSegment;
use super::files::{At, Files};
use super::index::Target;
use super::memory::MemorySegment;
use super::scan::{Batches, ScanError};
use crate::batch::{Batch, stamp};

/// A batch about to be appended, with what the broker gives to it.
#[derive(Debug, Clone)]
pub(super) struct Stamped {
    pub(super) batch: Batch,
    pub(super) base_offset: i64,
    /// The broker's time, under log append time.
    pub(super) log_append_time: Option<i64>,
    /// Whether the batch has all that in its bytes already.
    pub(super) is_written: bool,
}

impl Stamped {
    /// A batch that was in the log before, or was rebuilt from one.
    pub(super) fn unchanged(batch: Batch) -> Self {
        Self {
            base_offset: batch.base_offset(),
            batch,
            log_append_time: None,
            is_written: true,
        }
    }

    pub(super) fn last_offset(&self) -> i64 {
        self.base_offset + i64::from(self.batch.last_offset_delta())
    }

    pub(super) fn max_timestamp(&self) -> i64 {
        self.log_append_time
            .unwrap_or_else(|| self.batch.max_timestamp())
    }

    pub(super) fn write_to(&self, buffer: &mut BytesMut) {
        let start = buffer.len();
        buffer.extend_from_slice(self.batch.as_bytes());
        if !self.is_written {
            stamp(&mut buffer[start..], self.base_offset, self.log_append_time);
        }
    }
}

#[derive(Debug)]
pub(super) enum Segment {
    Memory(MemorySegment),
    Disk(DiskSegment),
}

impl Segment {
    pub(super) fn base_offset(&self) -> i64 {
        match self {
            Self::Memory(segment) => segment.base_offset,
            Self::Disk(segment) => segment.base_offset,
        }
    }

    /// Bytes that readers may see.
    pub(super) fn len_bytes(&self) -> u64 {
        match self {
            Self::Memory(segment) => segment.len_bytes(),
            Self::Disk(segment) => segment.len_bytes(),
        }
    }

    /// The largest timestamp; `i64::MIN` without batches.
    pub(super) fn max_timestamp(&self) -> Result<i64, LogError> {
        match self {
            Self::Memory(segment) => Ok(segment.max_timestamp()),
            Self::Disk(segment) => Ok(segment.summary()?.max_timestamp),
        }
    }

    /// Only the log's writer appends, to its last segment; `buffer` is empty between the calls. `publish` is called once the
    /// batches are stored, and before a reader may see them.
    pub(super) fn append(
        &self,
        files: &Files,
        batches: &[Stamped],
        buffer: &mut BytesMut,
        publish: impl FnOnce(),
    ) -> Result<(), LogError> {
        match self {
            Self::Memory(segment) => {
                publish();
                segment.append(batches, buffer);
                Ok(())
            }
            Self::Disk(segment) => segment.append(files, batches, buffer, publish),
        }
    }

    /// Makes it known on disk what the segment holds now.
    pub(super) fn save_index(&self, files: &Files) -> Result<(), LogError> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Disk(segment) => segment.save_index(files),
        }
    }

    /// Nothing will be appended any more, and the index is saved.
    pub(super) fn seal(&self) {
        if let Self::Disk(segment) = self {
            segment.seal();
        }
    }

    /// Whole batches from the one on that holds `offset`, none if it does not fit; `None` without such a batch.
    pub(super) fn read(
        &self,
        offset: i64,
        max_bytes: usize,
        at_least_one: bool,
    ) -> Result<Option<Bytes>, LogError> {
        match self {
            Self::Memory(segment) => Ok(segment.read(offset, max_bytes, at_least_one)),
            Self::Disk(segment) => segment.read(offset, max_bytes, at_least_one),
        }
    }

    /// Hands out the batches that may hold the target and all behind them, until `each` answers `false`.
    pub(super) fn scan(
        &self,
        target: Target,
        mut each: impl FnMut(Batch) -> Result<bool, LogError>,
    ) -> Result<(), LogError> {
        let segment = match self {
            Self::Memory(segment) => {
                for bytes in segment.pieces_from(target) {
                    if !each(Batch::trusted(bytes))? {
                        break;
                    }
                }
                return Ok(());
            }
            Self::Disk(segment) => segment,
        };
        let file = segment.file().at(&segment.path)?;
        let start = segment.start_of(&file, target)?;
        let mut batches = Batches::new(&*file, start, segment.len_bytes());
        loop {
            let at = batches.position();
            match batches.next() {
                Ok(Some(batch)) => {
                    if !each(batch)? {
                        return Ok(());
                    }
                }
                Ok(None) => return Ok(()),
                Err(ScanError::Io(error)) => return Err(error).at(&segment.path),
                Err(ScanError::Damaged(error)) => return Err(segment.damaged(at, &error)),
            }
        }
    }

    /// Removes its files. Who still reads it goes on until then, or finds it gone.
    pub(super) fn remove(&self, files: &Files) -> Result<(), LogError> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Disk(segment) => segment.remove(files),
        }
    }
}

pub(super) fn is_gone(error: &LogError) -> bool {
    matches!(error, LogError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
}
