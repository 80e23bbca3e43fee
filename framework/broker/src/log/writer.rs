//! The one owner of a log: appends, segments that follow each other, and what the disk knows of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::BytesMut;

use super::checkpoint::Checkpoint;
use super::compact::Pass;
use super::files::Files;
use super::memory::MemorySegment;
use super::open::{Opened, create, open};
use super::reader::Shared;
use super::segment::{Segment, Stamped};
use super::{AppendError, LogConfig, LogError, LogReader, TimestampType};
use crate::batch::{Batch, BatchError};
use crate::producers::{Known, Producers};

/// So many bytes at most must be scanned by the next open, if `clean` is called in between.
const CHECKPOINT_BYTES: u64 = 16 << 20;

/// What an append answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Offset of the first record.
    pub base_offset: i64,
    /// Offset of the last record.
    pub last_offset: i64,
    /// Milliseconds since 1970 under log append time, otherwise -1; of a duplicate its largest timestamp, as Kafka answers.
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
pub struct LogWriter {
    pub(super) shared: Arc<Shared>,
    pub(super) config: LogConfig,
    pub(super) files: Files,
    /// `None`: in memory.
    pub(super) dir: Option<PathBuf>,
    pub(super) producers: Producers,
    /// The last segment, the only one that grows.
    active: Arc<Segment>,
    /// Timestamp of the first batch in the last segment.
    active_since: Option<i64>,
    /// On disk: what one append writes. In memory: room for the next batches.
    buffer: BytesMut,
    /// All keys before this offset were compacted.
    pub(super) compacted_to: i64,
    pub(super) pass: Option<Pass>,
    /// Where in the last segment the last checkpoint stands.
    saved_position: u64,
}

pub(super) fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    duration_millis(since)
}

pub(super) fn duration_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl LogWriter {
    /// Opens the log in `dir`, which is created where it is missing, or a new one in memory.
    ///
    /// # Errors
    ///
    /// Where the disk refuses. A damaged log is no error: it ends before the damage.
    pub fn open(dir: Option<&Path>, config: LogConfig) -> Result<Self, LogError> {
        Self::open_on(dir, config, Files::default())
    }

    pub(crate) fn open_on(
        dir: Option<&Path>,
        config: LogConfig,
        files: Files,
    ) -> Result<Self, LogError> {
        let opened = match dir {
            Some(dir) => open(dir, &config, &files)?,
            None => Opened::empty(Segment::Memory(MemorySegment::new(0))),
        };
        let shared = Shared::new(opened.segments, opened.start_offset, opened.next_offset);
        Ok(Self {
            active: opened.active,
            active_since: opened.active_since,
            shared: Arc::new(shared),
            config,
            files,
            dir: dir.map(Path::to_owned),
            producers: opened.producers,
            buffer: BytesMut::new(),
            compacted_to: opened.compacted_to,
            pass: None,
            saved_position: opened.saved_position,
        })
    }

    pub(super) fn start_offset(&self) -> i64 {
        self.shared.start_offset.load(Ordering::Relaxed)
    }

    pub(super) fn end_offset(&self) -> i64 {
        self.shared.end_offset.load(Ordering::Relaxed)
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
        let now_ms = millis(now);
        self.check(&batches, now_ms)?;
        if let Some(known) = self.repeated(&batches)? {
            return Ok(Appended {
                base_offset: known.base_offset,
                last_offset: known.last_offset,
                log_append_time: known.max_timestamp,
                log_start_offset: self.start_offset(),
                duplicate: true,
            });
        }
        let log_append_time =
            (self.config.timestamp_type == TimestampType::LogAppendTime).then_some(now_ms);
        let base_offset = self.end_offset();
        let mut next_offset = base_offset;
        let mut stamped = Vec::with_capacity(batches.len());
        for batch in batches {
            let offset = next_offset;
            next_offset += i64::from(batch.last_offset_delta()) + 1;
            stamped.push(Stamped {
                batch,
                base_offset: offset,
                log_append_time,
                is_written: false,
            });
        }
        self.make_room(&stamped)?;
        // The end moves first, so that nobody is handed a record behind it.
        let shared = &self.shared;
        let publish = || shared.end_offset.store(next_offset, Ordering::Release);
        self.active
            .append(&self.files, &stamped, &mut self.buffer, publish)?;
        for stamped in &stamped {
            self.active_since
                .get_or_insert_with(|| stamped.max_timestamp());
            self.producers.appended(
                &stamped.batch,
                stamped.base_offset,
                stamped.max_timestamp(),
                now_ms,
            );
        }
        Ok(Appended {
            base_offset,
            last_offset: next_offset - 1,
            log_append_time: log_append_time.unwrap_or(-1),
            log_start_offset: self.start_offset(),
            duplicate: false,
        })
    }

    /// The batch in the log that this one repeats.
    fn repeated(&self, batches: &[Batch]) -> Result<Option<Known>, AppendError> {
        match batches {
            [batch] => Ok(self.producers.check(batch)?),
            // Were one of several a repeat, there would be no answer for the others.
            several if several.iter().any(|batch| batch.producer_id() >= 0) => {
                Err(BatchError::Invalid("an idempotent producer sends one batch at a time").into())
            }
            _ => Ok(None),
        }
    }

    fn check(&self, batches: &[Batch], now_ms: i64) -> Result<(), AppendError> {
        if batches.is_empty() {
            return Err(BatchError::Invalid("no batch").into());
        }
        let latest = now_ms.saturating_add(duration_millis(self.config.max_timestamp_ahead));
        for batch in batches {
            if batch.len_bytes() > self.config.max_batch_bytes {
                return Err(AppendError::TooLarge {
                    bytes: batch.len_bytes(),
                    limit: self.config.max_batch_bytes,
                });
            }
            let timestamp = batch.max_timestamp();
            if self.config.timestamp_type == TimestampType::CreateTime && timestamp > latest {
                return Err(AppendError::Timestamp { timestamp });
            }
            if self.config.cleanup.compact {
                batch.check_keyed()?;
            }
        }
        let bytes = batches.iter().map(Batch::len_bytes).sum();
        if bytes as u64 > self.config.segment_bytes {
            return Err(AppendError::LargerThanSegment {
                bytes,
                limit: self.config.segment_bytes,
            });
        }
        Ok(())
    }

    /// Begins a new segment if the last one is full or too old for these batches.
    fn make_room(&mut self, batches: &[Stamped]) -> Result<(), LogError> {
        let bytes: usize = batches
            .iter()
            .map(|stamped| stamped.batch.len_bytes())
            .sum();
        let newest = batches.iter().map(Stamped::max_timestamp).max();
        let is_full = self.active.len_bytes() + bytes as u64 > self.config.segment_bytes;
        let is_old = self
            .active_since
            .zip(newest)
            .is_some_and(|(since, newest)| {
                newest.saturating_sub(since) > duration_millis(self.config.segment_age)
            });
        if is_full || is_old {
            self.roll()?;
        }
        Ok(())
    }

    /// Closes the last segment and begins the next one, unless the last one is empty.
    ///
    /// The checkpoint comes before the new file: without that file it is understood as well.
    pub(super) fn roll(&mut self) -> Result<(), LogError> {
        let base_offset = self.end_offset();
        if self.active.len_bytes() == 0 {
            return Ok(());
        }
        let next = match &self.dir {
            None => Segment::Memory(MemorySegment::new(base_offset)),
            Some(dir) => {
                self.active.save_index(&self.files)?;
                self.checkpoint_at(self.start_offset(), base_offset, 0)
                    .save(dir, &self.files)?;
                Segment::Disk(create(dir, base_offset, &self.config, &self.files)?)
            }
        };
        let next = Arc::new(next);
        let mut segments = self.shared.segments().to_vec();
        segments.push(Arc::clone(&next));
        self.shared.set_segments(segments);
        self.active.seal();
        self.active = next;
        self.active_since = None;
        self.saved_position = 0;
        Ok(())
    }

    fn checkpoint_at(&self, start_offset: i64, segment: i64, position: u64) -> Checkpoint {
        Checkpoint {
            start_offset,
            segment,
            position,
            next_offset: self.end_offset(),
            compacted_to: self.compacted_to,
            producers: self.producers.clone(),
        }
    }

    /// Makes the disk know the log as it is, with this start.
    pub(super) fn checkpoint(&mut self, start_offset: i64) -> Result<(), LogError> {
        let Some(dir) = &self.dir else {
            return Ok(());
        };
        self.active.save_index(&self.files)?;
        let position = self.active.len_bytes();
        self.checkpoint_at(start_offset, self.active.base_offset(), position)
            .save(dir, &self.files)?;
        self.saved_position = position;
        Ok(())
    }

    /// A reader of this log; it stays usable when the writer is gone.
    #[must_use]
    pub fn reader(&self) -> LogReader {
        LogReader::new(Arc::clone(&self.shared))
    }

    /// Moves the start of the log up to `before`, -1 being the end, and answers where it is now. It never moves back.
    ///
    /// # Errors
    ///
    /// [`LogError::OutOfRange`] beyond the end, or where the disk refuses.
    pub fn delete_records(&mut self, before: i64) -> Result<i64, LogError> {
        let end = self.end_offset();
        let before = if before == -1 { end } else { before };
        if before < 0 || before > end {
            return Err(LogError::OutOfRange {
                offset: before,
                end,
            });
        }
        if before > self.start_offset() {
            self.advance_start(before)?;
        }
        Ok(self.start_offset())
    }

    /// One bounded step of retention and compaction; to be called from time to time, and again at once while
    /// [`Cleaned::more`] says so.
    ///
    /// # Errors
    ///
    /// Where the disk refuses; the log is then as before, or as after.
    pub fn clean(&mut self, now: SystemTime) -> Result<Cleaned, LogError> {
        let now_ms = millis(now);
        let expiry = duration_millis(self.config.producer_expiry);
        self.producers.expire(now_ms.saturating_sub(expiry));
        let mut cleaned = Cleaned::default();
        if self.config.cleanup.delete {
            self.retain(now_ms, &mut cleaned)?;
        }
        if self.config.cleanup.compact {
            self.compact(now_ms, &mut cleaned)?;
        }
        if self.active.len_bytes() - self.saved_position >= CHECKPOINT_BYTES {
            self.checkpoint(self.start_offset())?;
        }
        Ok(cleaned)
    }

    /// Changes the settings, from the next call on.
    pub fn set_config(&mut self, config: LogConfig) {
        self.config = config;
    }

    /// Closes the log so that the next open scans nothing. Dropping the writer instead loses nothing, but lets it scan.
    ///
    /// # Errors
    ///
    /// Where the disk refuses.
    pub fn close(mut self) -> Result<(), LogError> {
        self.checkpoint(self.start_offset())
    }
}
