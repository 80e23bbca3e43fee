//! One owned partition, from its fence on.

use std::collections::VecDeque;
use std::time::Instant;

use kolo_core::Timestamp;
use kolo_core::processor::Processor;

use crate::effects::Ownership;

use super::backlog::Backlog;
use super::snapshots::Kept;

pub(super) struct Partition {
    /// Tells this ownership's delivery reports from those of an earlier one of the same partition.
    pub(super) generation: u32,
    pub(super) nonce: u64,
    pub(super) processor: Box<dyn Processor>,
    pub(super) phase: Phase,
    /// The effects that it waits for; they end with it.
    pub(super) effects: Ownership,
    pub(super) since: Instant,
    /// The next offset of each input: what is before it was read.
    pub(super) next: Vec<Option<i64>>,
    /// Where each input was resumed, where that is an offset; and the timestamp of what was read last.
    pub(super) resumed: Vec<Option<i64>>,
    pub(super) read_at: Vec<Option<Timestamp>>,
    /// When batches of appends were sent that are not acknowledged, and how many records of each are left.
    pub(super) sent: VecDeque<(Instant, usize)>,
    pub(super) backlog: Backlog,
    /// How many records of its stream were read to restore it.
    pub(super) read: u64,
    /// Up to which offset of its stream it is restored, by a snapshot as well.
    pub(super) restored: i64,
    pub(super) kept: Kept,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The fence is appended and not acknowledged. A snapshot is loaded meanwhile.
    Fencing,
    /// A snapshot is loaded; the fence stands at this offset.
    Loading(i64),
    /// The stream is not that of the snapshot that was loaded. It is read anew once the records are through that were read
    /// on from there.
    Rejected(i64),
    /// The stream is read up to the fence at this offset.
    Restoring(i64),
    Working {
        /// Whether the stream is being read to see what stands in a gap of the acknowledged offsets.
        reading_gap: bool,
    },
}

impl Phase {
    /// Where the fence stands, as long as that matters.
    pub(super) fn fence(self) -> Option<i64> {
        match self {
            Phase::Loading(fence) | Phase::Rejected(fence) | Phase::Restoring(fence) => Some(fence),
            Phase::Fencing | Phase::Working { .. } => None,
        }
    }
}

/// Packs partition and generation into what a delivery report brings back.
pub(super) fn token(partition: i32, generation: u32) -> usize {
    (generation as usize) << 32 | partition.unsigned_abs() as usize
}

pub(super) fn partition_of(token: usize) -> usize {
    token & 0xffff_ffff
}

pub(super) fn generation_of(token: usize) -> u32 {
    u32::try_from(token >> 32).unwrap_or(u32::MAX)
}
