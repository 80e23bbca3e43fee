//! A segment on disk: a file of batches and, once it is closed, a file with its index.
//!
//! The last segment of a log holds its file open; all others are opened when they are read, so that neither open files nor
//! memory grow with the log.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};
use parking_lot::RwLock;

use super::LogError;
use super::files::{At, Files};
use super::index::{Entry, Index, Stored, Summary, Target, interval_bytes};
use super::scan::{From, recover};
use super::segment::Stamped;
use crate::batch::{BatchError, HEADER_BYTES, field, whole_len};

/// The append buffer is given back once it has grown beyond this.
const KEPT_BUFFER_BYTES: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct DiskSegment {
    pub(super) base_offset: i64,
    /// How often it was compacted. The name holds it, so that a reader of the old file never finds the new one under its name.
    pub(super) generation: u32,
    pub(super) path: PathBuf,
    published: AtomicU64,
    /// Open while the segment grows.
    file: RwLock<Option<Arc<File>>>,
    /// Present while the segment grows, and where the index on disk turned out to be damaged.
    index: RwLock<Option<Index>>,
    /// Read from the closed segment's index when somebody asks.
    summary: OnceLock<Summary>,
    /// A failed write left bytes behind that could not be cut off yet.
    must_cut: AtomicBool,
}

pub(super) fn log_path(dir: &Path, base_offset: i64, generation: u32) -> PathBuf {
    dir.join(format!("{base_offset:020}.{generation}.log"))
}

fn index_path(log: &Path) -> PathBuf {
    log.with_extension("index")
}

impl DiskSegment {
    /// A segment that grows. `file` may stand under another name than `path` until it is renamed.
    pub(super) fn growing(
        path: PathBuf,
        base_offset: i64,
        generation: u32,
        file: File,
        index: Index,
    ) -> Self {
        Self {
            base_offset,
            generation,
            path,
            published: AtomicU64::new(index.summary.log_bytes),
            file: RwLock::new(Some(Arc::new(file))),
            index: RwLock::new(Some(index)),
            summary: OnceLock::new(),
            must_cut: AtomicBool::new(false),
        }
    }

    /// A closed segment; nothing of it is read yet.
    pub(super) fn closed(path: PathBuf, base_offset: i64, generation: u32, len_bytes: u64) -> Self {
        Self {
            base_offset,
            generation,
            path,
            published: AtomicU64::new(len_bytes),
            file: RwLock::new(None),
            index: RwLock::new(None),
            summary: OnceLock::new(),
            must_cut: AtomicBool::new(false),
        }
    }

    pub(super) fn len_bytes(&self) -> u64 {
        self.published.load(Ordering::Acquire)
    }

    pub(super) fn file(&self) -> io::Result<Arc<File>> {
        let open = self.file.read().clone();
        open.map_or_else(|| File::open(&self.path).map(Arc::new), Ok)
    }

    pub(super) fn damaged(&self, position: u64, error: &BatchError) -> LogError {
        LogError::Io {
            path: self.path.clone(),
            source: io::Error::new(
                io::ErrorKind::InvalidData,
                format!("at byte {position}: {error}"),
            ),
        }
    }

    /// What is known of it as a whole.
    pub(super) fn summary(&self) -> Result<Summary, LogError> {
        if let Some(index) = &*self.index.read() {
            return Ok(index.summary);
        }
        if let Some(summary) = self.summary.get() {
            return Ok(*summary);
        }
        let path = index_path(&self.path);
        let stored = File::open(&path).and_then(|file| Ok(Stored::open(&file)?.summary));
        match stored {
            Ok(summary) if summary.log_bytes == self.len_bytes() => {
                Ok(*self.summary.get_or_init(|| summary))
            }
            _ => self.rebuild_index(),
        }
    }

    /// Reads the whole segment because its index is missing or wrong, and keeps the result in memory.
    fn rebuild_index(&self) -> Result<Summary, LogError> {
        let file = self.file().at(&self.path)?;
        let len_bytes = self.len_bytes();
        let mut index = Index::new(len_bytes);
        let from = From {
            position: 0,
            next_offset: self.base_offset,
            may_have_gaps: self.generation > 0,
        };
        recover(&*file, from, len_bytes, |_, batch| {
            index.add_batch(batch);
        })
        .at(&self.path)?;
        let summary = index.summary;
        *self.index.write() = Some(index);
        Ok(summary)
    }

    /// Where a search for the target begins.
    pub(super) fn start_of(&self, file: &File, target: Target) -> Result<u64, LogError> {
        let Some(entry) = self.find(target)? else {
            return Ok(0);
        };
        // A wrong index must not lead into the middle of a batch.
        let is_stored = self.index.read().is_none();
        if is_stored && !is_at(file, &entry) {
            self.rebuild_index()?;
            return Ok(self.find(target)?.map_or(0, |entry| entry.position));
        }
        Ok(entry.position)
    }

    fn find(&self, target: Target) -> Result<Option<Entry>, LogError> {
        if let Some(index) = &*self.index.read() {
            return Ok(index.find(target));
        }
        let stored = File::open(index_path(&self.path)).and_then(|file| {
            let stored = Stored::open(&file)?;
            if stored.summary.log_bytes != self.len_bytes() {
                return Err(io::ErrorKind::InvalidData.into());
            }
            stored.find(target)
        });
        if let Ok(entry) = stored {
            return Ok(entry);
        }
        self.rebuild_index()?;
        Ok(self
            .index
            .read()
            .as_ref()
            .and_then(|index| index.find(target)))
    }

    pub(super) fn append(
        &self,
        files: &Files,
        batches: &[Stamped],
        buffer: &mut BytesMut,
        publish: impl FnOnce(),
    ) -> Result<(), LogError> {
        let position = self.len_bytes();
        let file = self.file().at(&self.path)?;
        if self.must_cut.load(Ordering::Relaxed) {
            files.cut(&file, position).at(&self.path)?;
            self.must_cut.store(false, Ordering::Relaxed);
        }
        for stamped in batches {
            stamped.write_to(buffer);
        }
        let written = files.write_at(&file, buffer, position);
        let length = buffer.len() as u64;
        buffer.clear();
        if buffer.capacity() > KEPT_BUFFER_BYTES {
            *buffer = BytesMut::new();
        }
        if let Err(error) = written {
            let is_cut = files.cut(&file, position).is_ok();
            self.must_cut.store(!is_cut, Ordering::Relaxed);
            return Err(error).at(&self.path);
        }
        publish();
        if let Some(index) = &mut *self.index.write() {
            for stamped in batches {
                index.add(
                    stamped.base_offset,
                    stamped.batch.len_bytes(),
                    stamped.max_timestamp(),
                );
            }
        }
        self.published.store(position + length, Ordering::Release);
        Ok(())
    }

    /// Writes the index as it is now, so that the next open need not read what it covers.
    pub(super) fn save_index(&self, files: &Files) -> Result<(), LogError> {
        let contents = self.index.read().as_ref().map(Index::to_bytes);
        let Some(contents) = contents else {
            return Ok(());
        };
        let path = index_path(&self.path);
        files.replace(&path, &contents).at(&path)
    }

    /// Lets go of what only a growing segment needs.
    pub(super) fn seal(&self) {
        *self.index.write() = None;
        *self.file.write() = None;
    }

    pub(super) fn read(
        &self,
        offset: i64,
        max_bytes: usize,
        at_least_one: bool,
    ) -> Result<Option<Bytes>, LogError> {
        let end = self.len_bytes();
        let file = self.file().at(&self.path)?;
        let mut position = self.start_of(&file, Target::Offset(offset))?;
        // What lies between an index entry and the batch is read along, and dropped.
        let slack = interval_bytes(end) + HEADER_BYTES as u64;
        let wanted = slack.saturating_add(max_bytes as u64);
        while position < end {
            let block = read_block(&file, position, wanted.min(end - position)).at(&self.path)?;
            let skipped = skip_before(&block, offset);
            position += skipped.bytes as u64;
            if skipped.is_damaged {
                return Err(self.damaged(position, &BatchError::Corrupt("no batch begins here")));
            }
            let Some(first_len) = skipped.first_len else {
                continue;
            };
            if first_len as u64 > end - position {
                return Err(self.damaged(position, &BatchError::Corrupt("cut off")));
            }
            if first_len > max_bytes && !at_least_one {
                return Ok(Some(Bytes::new()));
            }
            let rest = block.slice(skipped.bytes..);
            if first_len > rest.len() {
                let whole = read_block(&file, position, first_len as u64);
                return whole.map(Some).at(&self.path);
            }
            let taken = whole_batches(&rest, first_len, max_bytes);
            return Ok(Some(rest.slice(..taken)));
        }
        Ok(None)
    }

    pub(super) fn remove(&self, files: &Files) -> Result<(), LogError> {
        files.remove(&self.path).at(&self.path)?;
        let index = index_path(&self.path);
        files.remove(&index).at(&index)
    }

    /// The index of a segment as the last checkpoint left it, if it covers just these bytes of it.
    pub(super) fn saved_index(path: &Path, log_bytes: u64, segment_bytes: u64) -> Option<Index> {
        let file = File::open(index_path(path)).ok()?;
        let index = Index::load(&file, segment_bytes).ok()?;
        (index.summary.log_bytes == log_bytes).then_some(index)
    }
}

fn is_at(file: &File, entry: &Entry) -> bool {
    let mut header = [0; HEADER_BYTES];
    file.read_exact_at(&mut header, entry.position).is_ok()
        && header[16] == 2
        && i64::from_be_bytes(field(&header, 0)) == entry.offset
}

fn read_block(file: &File, position: u64, length: u64) -> io::Result<Bytes> {
    let length = usize::try_from(length).map_err(|_| io::ErrorKind::OutOfMemory)?;
    let mut block = vec![0; length];
    file.read_exact_at(&mut block, position)?;
    Ok(block.into())
}

struct Skipped {
    /// Of the batches before the offset; may lead beyond the block.
    bytes: usize,
    /// Length of the batch that begins there, if its header is in the block.
    first_len: Option<usize>,
    is_damaged: bool,
}

fn skip_before(block: &Bytes, offset: i64) -> Skipped {
    let mut bytes = 0;
    loop {
        let Some(header) = block.get(bytes..).filter(|rest| rest.len() >= HEADER_BYTES) else {
            // A block that ends within the very first header is the end of the file, and no whole batch.
            return Skipped {
                bytes,
                first_len: None,
                is_damaged: bytes == 0,
            };
        };
        let length = whole_len(header);
        let batch_end = i64::from_be_bytes(field(header, 0))
            .saturating_add(i64::from(i32::from_be_bytes(field(header, 23))));
        match length {
            Some(length) if batch_end < offset => bytes += length,
            first_len => {
                return Skipped {
                    bytes,
                    first_len,
                    is_damaged: first_len.is_none(),
                };
            }
        }
    }
}

/// How many bytes of whole batches there are within the limit; the first counts in any case.
fn whole_batches(rest: &Bytes, first_len: usize, max_bytes: usize) -> usize {
    let mut end = first_len;
    while let Some(header) = rest.get(end..).filter(|rest| rest.len() >= HEADER_BYTES) {
        match whole_len(header) {
            Some(length) if end + length <= max_bytes && end + length <= rest.len() => {
                end += length;
            }
            _ => break,
        }
    }
    end
}
