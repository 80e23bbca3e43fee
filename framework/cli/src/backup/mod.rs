//! The backup of topics on disk: what `kolo export` writes, `kolo verify-export` checks and `kolo import` reads.
//!
//! ```text
//! DIR/<topic>/manifest.json                      what it is of; sums of closed segments
//! DIR/<topic>/lock                               held while somebody writes or imports the folder
//! DIR/<topic>/<partition>/<first offset>.avro    records, an Avro object container file
//! DIR/<topic>/<partition>/<first offset>.blocks  sums of its blocks: what is durable, and where damage is
//! ```
//!
//! A segment is *open* until the manifest names it. A block of an open segment counts once the list of blocks names it,
//! which is written behind the block's own fsync: so what the list names must be there and whole, and what lies behind
//! it is a write that was cut short.

mod blocks;
mod check;
mod files;
mod manifest;
mod read;
mod record;
mod segment;

pub(crate) use blocks::{Block, Blocks};
pub(crate) use check::{Checked, Tail, check, durable_end, no_list};
pub(crate) use files::{Lock, blocks_file, cannot, make_dir, segment_file, segments_in, sum_of};
pub(crate) use manifest::{Hole, Manifest, Reach, Segment};
pub(crate) use read::{Part, Records, read};
pub(crate) use record::{Header, Record, TimestampType};
pub(crate) use segment::OpenSegment;

/// What the manifest calls itself.
pub(crate) const FORMAT: &str = "kolo-backup";
/// The version of the layout. A reader refuses every other.
pub(crate) const VERSION: u32 = 1;
pub(crate) const MANIFEST: &str = "manifest.json";
const LOCK: &str = "lock";
