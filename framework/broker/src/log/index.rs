//! A segment's sparse index: where about an offset or a time stands.
//!
//! While a segment grows its index is in memory. A closed segment's index is on disk, and a search in it reads a few entries:
//! memory does not grow with the log.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::batch::{Batch, field};

const ENTRY_BYTES: usize = 24;
pub(crate) const TRAILER_BYTES: usize = 32;
/// In the trailer, so that a file of another layout is not believed.
const MAGIC: u32 = 0x4b4c_4931;
/// No index grows beyond about this many entries: a larger segment has a coarser one.
const ENTRIES: u64 = 65_536;
const MIN_INTERVAL_BYTES: u64 = 4096;

/// What is known of a segment as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Summary {
    /// Bytes of batches that the index covers.
    pub(super) log_bytes: u64,
    /// The largest timestamp of its first batch.
    pub(super) first_timestamp: i64,
    /// The largest timestamp of all; `i64::MIN` without batches.
    pub(super) max_timestamp: i64,
}

/// A batch in the segment, and what lies before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// The batch's base offset.
    pub(super) offset: i64,
    /// Where it begins.
    pub(super) position: u64,
    /// The largest timestamp of all batches before it.
    max_timestamp_before: i64,
}

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target {
    /// The batch that holds this offset.
    Offset(i64),
    /// The first batch that holds a record of this time or later.
    Time(i64),
}

impl Target {
    /// Whether the search may begin at this entry without missing the target.
    fn is_behind(self, entry: &Entry) -> bool {
        match self {
            Self::Offset(offset) => entry.offset <= offset,
            Self::Time(timestamp) => entry.max_timestamp_before < timestamp,
        }
    }
}

/// The index of a segment that grows.
#[derive(Debug)]
pub(super) struct Index {
    entries: Vec<Entry>,
    interval_bytes: u64,
    pub(super) summary: Summary,
}

/// How far entries of a segment of this size lie apart.
pub(super) fn interval_bytes(segment_bytes: u64) -> u64 {
    (segment_bytes / ENTRIES).max(MIN_INTERVAL_BYTES)
}

impl Index {
    pub(super) fn new(segment_bytes: u64) -> Self {
        Self {
            entries: Vec::new(),
            interval_bytes: interval_bytes(segment_bytes),
            summary: Summary {
                log_bytes: 0,
                first_timestamp: i64::MIN,
                max_timestamp: i64::MIN,
            },
        }
    }

    /// Takes up the batch that follows.
    pub(super) fn add(&mut self, base_offset: i64, len_bytes: usize, max_timestamp: i64) {
        let summary = &mut self.summary;
        let since_last = self
            .entries
            .last()
            .map(|last| summary.log_bytes - last.position);
        if since_last.is_none_or(|bytes| bytes >= self.interval_bytes) {
            self.entries.push(Entry {
                offset: base_offset,
                position: summary.log_bytes,
                max_timestamp_before: summary.max_timestamp,
            });
        }
        if summary.log_bytes == 0 {
            summary.first_timestamp = max_timestamp;
        }
        summary.max_timestamp = summary.max_timestamp.max(max_timestamp);
        summary.log_bytes += len_bytes as u64;
    }

    pub(super) fn add_batch(&mut self, batch: &Batch) {
        self.add(
            batch.base_offset(),
            batch.len_bytes(),
            batch.max_timestamp(),
        );
    }

    /// The last entry before the target, if the segment has anything.
    pub(super) fn find(&self, target: Target) -> Option<Entry> {
        let behind = self
            .entries
            .partition_point(|entry| target.is_behind(entry));
        self.entries.get(behind.saturating_sub(1)).copied()
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.entries.len() * ENTRY_BYTES + TRAILER_BYTES);
        for entry in &self.entries {
            out.extend_from_slice(&entry.offset.to_be_bytes());
            out.extend_from_slice(&entry.position.to_be_bytes());
            out.extend_from_slice(&entry.max_timestamp_before.to_be_bytes());
        }
        let trailer = out.len();
        out.extend_from_slice(&self.summary.log_bytes.to_be_bytes());
        out.extend_from_slice(&self.summary.first_timestamp.to_be_bytes());
        out.extend_from_slice(&self.summary.max_timestamp.to_be_bytes());
        out.extend_from_slice(&MAGIC.to_be_bytes());
        let crc = crc32c::crc32c(&out[trailer..]);
        out.extend_from_slice(&crc.to_be_bytes());
        out
    }

    /// The index as it was written, to be continued.
    pub(super) fn load(file: &File, segment_bytes: u64) -> io::Result<Self> {
        let stored = Stored::open(file)?;
        let mut entries = Vec::new();
        let mut bytes = vec![0; usize::try_from(stored.count).unwrap_or_default() * ENTRY_BYTES];
        file.read_exact_at(&mut bytes, 0)?;
        for chunk in bytes.chunks_exact(ENTRY_BYTES) {
            entries.push(decode(chunk));
        }
        Ok(Self {
            entries,
            interval_bytes: interval_bytes(segment_bytes),
            summary: stored.summary,
        })
    }
}

fn decode(bytes: &[u8]) -> Entry {
    Entry {
        offset: i64::from_be_bytes(field(bytes, 0)),
        position: u64::from_be_bytes(field(bytes, 8)),
        max_timestamp_before: i64::from_be_bytes(field(bytes, 16)),
    }
}

/// The index of a closed segment, on disk.
#[derive(Debug)]
pub(super) struct Stored<'a> {
    file: &'a File,
    count: u64,
    pub(super) summary: Summary,
}

impl<'a> Stored<'a> {
    pub(super) fn open(file: &'a File) -> io::Result<Self> {
        let damaged = || io::Error::from(io::ErrorKind::InvalidData);
        let entries_bytes = file
            .metadata()?
            .len()
            .checked_sub(TRAILER_BYTES as u64)
            .filter(|bytes| bytes % ENTRY_BYTES as u64 == 0)
            .ok_or_else(damaged)?;
        let mut trailer = [0; TRAILER_BYTES];
        file.read_exact_at(&mut trailer, entries_bytes)?;
        let (content, crc) = trailer.split_at(TRAILER_BYTES - 4);
        let sound =
            crc32c::crc32c(content).to_be_bytes() == crc && content.ends_with(&MAGIC.to_be_bytes());
        if !sound {
            return Err(damaged());
        }
        Ok(Self {
            file,
            count: entries_bytes / ENTRY_BYTES as u64,
            summary: Summary {
                log_bytes: u64::from_be_bytes(field(content, 0)),
                first_timestamp: i64::from_be_bytes(field(content, 8)),
                max_timestamp: i64::from_be_bytes(field(content, 16)),
            },
        })
    }

    fn entry(&self, at: u64) -> io::Result<Entry> {
        let mut bytes = [0; ENTRY_BYTES];
        self.file
            .read_exact_at(&mut bytes, at * ENTRY_BYTES as u64)?;
        Ok(decode(&bytes))
    }

    pub(super) fn find(&self, target: Target) -> io::Result<Option<Entry>> {
        if self.count == 0 {
            return Ok(None);
        }
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            if target.is_behind(&self.entry(middle)?) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.entry(low.saturating_sub(1)).map(Some)
    }
}
