//! The one owner of a log.

use std::path::Path;
use std::time::SystemTime;

use super::{AppendError, LogConfig, LogError, LogReader};
use crate::batch::Batch;

/// What an append answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Offset of the first record.
    pub base_offset: i64,
    /// Offset of the last record.
    pub last_offset: i64,
    /// Milliseconds since 1970 under log append time, otherwise -1.
    pub log_append_time: i64,
    /// The first offset of the log.
    pub log_start_offset: i64,
    /// The batch stood in the log already; the offsets are those of the first time.
    pub duplicate: bool,
}

/// What a step of cleaning did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cleaned {
    /// Segments that retention removed.
    pub removed_segments: usize,
    /// Segments that compaction wrote anew, or removed because nothing stayed.
    pub compacted_segments: usize,
    /// Bytes that the log is smaller now.
    pub freed_bytes: u64,
    /// There is more to do at once: call again.
    pub more: bool,
}

/// One partition's log. Owned by one task and synchronous; its calls do IO, except in memory.
#[derive(Debug)]
pub struct LogWriter;

impl LogWriter {
    /// Opens the log in `dir`, which is created where it is missing, or a new one in memory.
    ///
    /// # Errors
    ///
    /// Where the disk refuses. A damaged log is no error: it ends before the damage.
    pub fn open(dir: Option<&Path>, config: LogConfig) -> Result<Self, LogError> {
        unimplemented!("{dir:?} {config:?}")
    }

    /// Appends the batches, all or none, and gives them their offsets.
    ///
    /// # Errors
    ///
    /// See [`AppendError`]: nothing was appended then.
    pub fn append(
        &mut self,
        batches: Vec<Batch>,
        now: SystemTime,
    ) -> Result<Appended, AppendError> {
        unimplemented!("{batches:?} {now:?}")
    }

    /// A reader of this log; it stays usable when the writer is gone.
    #[must_use]
    pub fn reader(&self) -> LogReader {
        unimplemented!()
    }

    /// Moves the start of the log up to `before`, -1 being the end, and answers where it is now. It never moves back.
    ///
    /// # Errors
    ///
    /// [`LogError::OutOfRange`] beyond the end, or where the disk refuses.
    pub fn delete_records(&mut self, before: i64) -> Result<i64, LogError> {
        unimplemented!("{before}")
    }

    /// One bounded step of retention and compaction; to be called from time to time, and again at once while
    /// [`Cleaned::more`] says so.
    ///
    /// # Errors
    ///
    /// Where the disk refuses; the log is then as before, or as after.
    pub fn clean(&mut self, now: SystemTime) -> Result<Cleaned, LogError> {
        unimplemented!("{now:?}")
    }

    /// Changes the settings, from the next call on.
    pub fn set_config(&mut self, config: LogConfig) {
        unimplemented!("{config:?}")
    }

    /// Closes the log so that the next open scans nothing. Dropping the writer instead loses nothing, but lets it scan.
    ///
    /// # Errors
    ///
    /// Where the disk refuses.
    pub fn close(self) -> Result<(), LogError> {
        unimplemented!()
    }
}
