//! One partition's log: segments of batches, written by one task and read by any number without waiting for it.
//!
//! # Layout
//!
//! [`LogWriter`] owns the log: it appends, rolls, cleans, closes. [`LogReader`] sees a snapshot of the segments and how far the
//! writer has published. A log lives in memory or in a directory:
//!
//! ```text
//! 00000000000000000000.0.log     batches from offset 0 on; the number behind counts how often it was compacted
//! 00000000000000000000.0.index   where about each offset and time stands in it; can be rebuilt from the batches
//! checkpoint                     the log's start, the producers, and up to where all of it was known to be sound
//! ```
//!
//! # What survives
//!
//! An acknowledged record survives kill -9 of the process, not a crash of the machine: nothing is synced per append, as is Kafka's
//! default. Opening reads the checkpoint and scans the last segment from there on: after a clean close, nothing. A torn
//! tail is cut off. Every change of more than one file goes through a rename, or can be finished by the next open.

mod checkpoint;
mod compact;
mod config;
mod disk;
mod error;
mod files;
mod index;
mod memory;
mod open;
mod reader;
mod retention;
mod rewrite;
mod scan;
mod segment;
mod writer;

#[cfg(test)]
mod tests;

pub use config::{Cleanup, LogConfig, TimestampType};
pub use error::{AppendError, LogError, ReadError};
pub(crate) use index::TRAILER_BYTES as INDEX_TRAILER_BYTES;
pub use reader::LogReader;
pub use scan::{Recovered, parse_bytes, recover_bytes};
pub use writer::{Appended, Cleaned, LogWriter};
