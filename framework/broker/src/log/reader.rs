//! Reading a log while it is written.

use bytes::Bytes;

use super::{LogError, ReadError};

/// Reads one log. Cheap to clone, and never waits for the writer: no lock that it takes is held over IO.
#[derive(Debug, Clone)]
pub struct LogReader;

impl LogReader {
    /// The first offset there is.
    #[must_use]
    pub fn start_offset(&self) -> i64 {
        unimplemented!()
    }

    /// The offset that the next record will get; with one node also the high watermark.
    #[must_use]
    pub fn end_offset(&self) -> i64 {
        unimplemented!()
    }

    /// Bytes of all batches in the log.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        unimplemented!()
    }

    /// Whole batches from the one on that holds `offset`, at most `max_bytes`; with `at_least_one` the first one whatever its
    /// size. Empty at the end of the log. The first batch may begin before `offset`: consumers skip what they have.
    ///
    /// # Errors
    ///
    /// [`ReadError::OutOfRange`] outside of the log, [`ReadError::Log`] where the disk refuses.
    pub fn read(
        &self,
        offset: i64,
        max_bytes: usize,
        at_least_one: bool,
    ) -> Result<Bytes, ReadError> {
        unimplemented!("{offset} {max_bytes} {at_least_one}")
    }

    /// Offset and timestamp of the first record whose timestamp is at least `timestamp_ms`.
    ///
    /// # Errors
    ///
    /// Where the disk refuses or a batch cannot be decompressed.
    pub fn offset_for_time(&self, timestamp_ms: i64) -> Result<Option<(i64, i64)>, LogError> {
        unimplemented!("{timestamp_ms}")
    }

    /// Offset and timestamp of the first record that has the largest timestamp in the log.
    ///
    /// # Errors
    ///
    /// Where the disk refuses or a batch cannot be decompressed.
    pub fn max_timestamp(&self) -> Result<Option<(i64, i64)>, LogError> {
        unimplemented!()
    }
}
