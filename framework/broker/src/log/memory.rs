//! A segment in memory: each batch in its own shared bytes.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use parking_lot::RwLock;

use super::index::Target;
use super::segment::Stamped;

/// Small batches share allocations of at most this size, which live as long as the last of them.
const SHARED_BYTES: usize = 64 << 10;
const FIRST_SHARED_BYTES: usize = 4 << 10;

#[derive(Debug)]
struct Piece {
    last_offset: i64,
    /// The largest timestamp up to and with this batch.
    max_timestamp: i64,
    bytes: Bytes,
}

#[derive(Debug)]
pub(super) struct MemorySegment {
    pub(super) base_offset: i64,
    /// Locked to push or to clone a few handles: no bytes are copied meanwhile.
    pieces: RwLock<Vec<Piece>>,
    len_bytes: AtomicU64,
}

impl MemorySegment {
    pub(super) fn new(base_offset: i64) -> Self {
        Self {
            base_offset,
            pieces: RwLock::default(),
            len_bytes: AtomicU64::new(0),
        }
    }

    pub(super) fn len_bytes(&self) -> u64 {
        self.len_bytes.load(Ordering::Acquire)
    }

    pub(super) fn max_timestamp(&self) -> i64 {
        let pieces = self.pieces.read();
        pieces.last().map_or(i64::MIN, |last| last.max_timestamp)
    }

    /// Copies the batches out of the request's buffer: their base offsets must be written, and a batch that stays would
    /// hold the whole request in memory.
    pub(super) fn append(&self, batches: &[Stamped], buffer: &mut BytesMut) {
        for stamped in batches {
            let length = stamped.batch.len_bytes();
            if buffer.capacity() < length {
                let grown = self
                    .pieces
                    .read()
                    .len()
                    .saturating_mul(64)
                    .clamp(FIRST_SHARED_BYTES, SHARED_BYTES);
                *buffer = BytesMut::with_capacity(length.max(grown));
            }
            stamped.write_to(buffer);
            let bytes = buffer.split().freeze();
            let mut pieces = self.pieces.write();
            let before = pieces.last().map_or(i64::MIN, |last| last.max_timestamp);
            pieces.push(Piece {
                last_offset: stamped.last_offset(),
                max_timestamp: before.max(stamped.max_timestamp()),
                bytes,
            });
            drop(pieces);
            self.len_bytes.fetch_add(length as u64, Ordering::Release);
        }
    }

    pub(super) fn read(&self, offset: i64, max_bytes: usize, at_least_one: bool) -> Option<Bytes> {
        let mut taken = Vec::new();
        let mut total = 0;
        let pieces = self.pieces.read();
        let first = pieces.partition_point(|piece| piece.last_offset < offset);
        if first == pieces.len() {
            return None;
        }
        for piece in &pieces[first..] {
            let fits = total + piece.bytes.len() <= max_bytes;
            if !(fits || at_least_one && taken.is_empty()) {
                break;
            }
            total += piece.bytes.len();
            taken.push(piece.bytes.clone());
        }
        drop(pieces);
        if taken.len() <= 1 {
            return Some(taken.pop().unwrap_or_default());
        }
        let mut whole = BytesMut::with_capacity(total);
        for bytes in taken {
            whole.extend_from_slice(&bytes);
        }
        Some(whole.freeze())
    }

    /// Handles of the batches from the target on.
    pub(super) fn pieces_from(&self, target: Target) -> Vec<Bytes> {
        let pieces = self.pieces.read();
        let first = pieces.partition_point(|piece| match target {
            Target::Offset(offset) => piece.last_offset < offset,
            Target::Time(timestamp) => piece.max_timestamp < timestamp,
        });
        let rest = &pieces[first..];
        rest.iter().map(|piece| piece.bytes.clone()).collect()
    }
}
