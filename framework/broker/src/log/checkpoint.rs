//! What cannot be read from the batches, and up to where the batches need not be read again.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::LogError;
use super::files::{At, Files};
use crate::producers::Producers;

pub(super) const FILE_NAME: &str = "checkpoint";

/// State of a log at one offset of its last segment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// The log's first offset.
    pub(super) start_offset: i64,
    /// Base offset of the segment that was last.
    pub(super) segment: i64,
    /// Up to this byte of it all batches were sound.
    pub(super) position: u64,
    /// The offset that stood there next.
    pub(super) next_offset: i64,
    /// All keys before this offset were compacted.
    pub(super) compacted_to: i64,
    /// The producers as of `next_offset`.
    pub(super) producers: Producers,
}

impl Checkpoint {
    /// `None` where there is none, or it is damaged: the log is then read in whole.
    pub(super) fn load(dir: &Path) -> Option<Self> {
        let text = fs::read_to_string(dir.join(FILE_NAME)).ok()?;
        let (crc, json) = text.split_once('\n')?;
        if u32::from_str_radix(crc, 16).ok()? != crc32c::crc32c(json.as_bytes()) {
            return None;
        }
        serde_json::from_str(json).ok()
    }

    pub(super) fn save(&self, dir: &Path, files: &Files) -> Result<(), LogError> {
        let path = dir.join(FILE_NAME);
        let json = serde_json::to_string(self)
            .map_err(std::io::Error::from)
            .at(&path)?;
        let text = format!("{:08x}\n{json}", crc32c::crc32c(json.as_bytes()));
        files.replace(&path, text.as_bytes()).at(&path)
    }
}
