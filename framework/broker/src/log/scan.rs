//! Batch after batch out of a file, each of them checked, in a bounded buffer.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use bytes::{Bytes, BytesMut};

use crate::batch::{Batch, BatchError, HEADER_BYTES, Walk, whole_len};

/// How much is read at once.
const CHUNK_BYTES: u64 = 256 << 10;

/// Bytes that can be read at any position.
pub(super) trait ReadAt {
    fn read_exact_at(&self, buffer: &mut [u8], at: u64) -> io::Result<()>;
}

impl ReadAt for &File {
    fn read_exact_at(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        FileExt::read_exact_at(*self, buffer, at)
    }
}

impl ReadAt for &[u8] {
    fn read_exact_at(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        let from = usize::try_from(at)
            .ok()
            .and_then(|at| self.get(at..at.checked_add(buffer.len())?))
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(from);
        Ok(())
    }
}

/// Why a scan stopped before the end.
#[derive(Debug)]
pub(super) enum ScanError {
    Io(io::Error),
    Damaged(BatchError),
}

/// The batches from a position on.
pub(super) struct Batches<S> {
    source: S,
    /// Where the next batch begins.
    position: u64,
    end: u64,
    buffer: BytesMut,
}

impl<S: ReadAt> Batches<S> {
    pub(super) fn new(source: S, position: u64, end: u64) -> Self {
        Self {
            source,
            position,
            end,
            buffer: BytesMut::new(),
        }
    }

    /// Where the next batch begins: everything before was sound.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The next batch, or `None` at the end. After an error there is nothing more.
    pub(super) fn next(&mut self) -> Result<Option<Batch>, ScanError> {
        if self.position >= self.end {
            return Ok(None);
        }
        self.fill(HEADER_BYTES)?;
        let length = whole_len(&self.buffer)
            .ok_or(ScanError::Damaged(BatchError::Corrupt("impossible length")))?;
        self.fill(length)?;
        let mut whole = self.buffer.split_to(length).freeze();
        let batch = Batch::split_from(&mut whole).map_err(ScanError::Damaged)?;
        self.position += length as u64;
        Ok(Some(batch))
    }

    /// Has `length` bytes in the buffer, if there are so many: a length that lies allocates nothing.
    fn fill(&mut self, length: usize) -> Result<(), ScanError> {
        let have = self.buffer.len();
        if have >= length {
            return Ok(());
        }
        let from = self.position + have as u64;
        let left = self.end - from;
        let missing = (length - have) as u64;
        if missing > left {
            return Err(ScanError::Damaged(BatchError::Corrupt("cut off")));
        }
        let more = usize::try_from(missing.max(CHUNK_BYTES).min(left)).unwrap_or(length - have);
        self.buffer.resize(have + more, 0);
        self.source
            .read_exact_at(&mut self.buffer[have..], from)
            .map_err(ScanError::Io)
    }
}

/// What a segment's bytes are worth when a log is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovered {
    /// Everything behind these bytes is cut off.
    pub sound_bytes: u64,
    /// The offset that the next record gets.
    pub next_offset: i64,
}

/// Where a scan begins, and what it expects there.
#[derive(Debug, Clone, Copy)]
pub(super) struct From {
    pub(super) position: u64,
    pub(super) next_offset: i64,
    /// Compaction leaves gaps between the offsets; otherwise there are none.
    pub(super) may_have_gaps: bool,
}

/// Judges the bytes from `from` on as opening a log does, and hands out every batch that stays.
pub(super) fn recover<S: ReadAt>(
    source: S,
    from: From,
    end: u64,
    mut each: impl FnMut(u64, &Batch),
) -> io::Result<Recovered> {
    let mut batches = Batches::new(source, from.position, end);
    let mut next_offset = from.next_offset;
    loop {
        let at = batches.position();
        let batch = match batches.next() {
            Ok(Some(batch)) => batch,
            Ok(None) | Err(ScanError::Damaged(_)) => break,
            Err(ScanError::Io(error)) => return Err(error),
        };
        // The checksum does not cover the base offset. And what a longer tail has left behind may be whole.
        let continues = batch.base_offset() == next_offset
            || from.may_have_gaps && batch.base_offset() > next_offset;
        let fits = continues && batch.last_offset_delta() >= 0 && batch.last_offset() < i64::MAX;
        if !fits {
            return Ok(Recovered {
                sound_bytes: at,
                next_offset,
            });
        }
        each(at, &batch);
        next_offset = batch.last_offset() + 1;
    }
    Ok(Recovered {
        sound_bytes: batches.position(),
        next_offset,
    })
}

/// Recovers a log of one segment from bytes that may be anything; for fuzzing.
///
/// Never panics, and never allocates for what a length only claims.
#[must_use]
pub fn recover_bytes(data: &[u8]) -> Recovered {
    let end = data.len() as u64;
    let recovered = recover(
        data,
        From {
            position: 0,
            next_offset: 0,
            may_have_gaps: false,
        },
        end,
        |_, batch| {
            // What compaction and the search by time do with it later.
            if let Ok(records) = batch.decompressed() {
                Walk::new(&records, batch.record_count()).for_each(drop);
            }
        },
    );
    // Reading a slice within its length cannot fail.
    recovered.unwrap_or(Recovered {
        sound_bytes: 0,
        next_offset: 0,
    })
}

/// What a produce request's records field may be, read to the last record; for fuzzing.
pub fn parse_bytes(data: &[u8]) {
    for batch in Batch::parse_all(Bytes::copy_from_slice(data)).unwrap_or_default() {
        drop(batch.records());
    }
}
