//! Reading a log while it is written.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use parking_lot::RwLock;

use super::index::Target;
use super::segment::{Segment, is_gone};
use super::{LogError, ReadError};
use crate::batch::{Batch, Walk};

/// The segments of a log in order, as they were at one moment.
pub(super) type Segments = Arc<[Arc<Segment>]>;

/// What the writer publishes.
#[derive(Debug)]
pub(super) struct Shared {
    /// Locked to clone or to replace the handle, nothing else.
    segments: RwLock<Segments>,
    pub(super) start_offset: AtomicI64,
    pub(super) end_offset: AtomicI64,
}

impl Shared {
    pub(super) fn new(segments: Vec<Arc<Segment>>, start_offset: i64, end_offset: i64) -> Self {
        Self {
            segments: RwLock::new(segments.into()),
            start_offset: AtomicI64::new(start_offset),
            end_offset: AtomicI64::new(end_offset),
        }
    }

    pub(super) fn segments(&self) -> Segments {
        Arc::clone(&self.segments.read())
    }

    pub(super) fn set_segments(&self, segments: Vec<Arc<Segment>>) {
        *self.segments.write() = segments.into();
    }
}

/// Reads one log. Cheap to clone, and never waits for the writer: no lock that it takes is held over IO.
#[derive(Debug, Clone)]
pub struct LogReader {
    shared: Arc<Shared>,
}

impl LogReader {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The first offset there is.
    #[must_use]
    pub fn start_offset(&self) -> i64 {
        self.shared.start_offset.load(Ordering::Acquire)
    }

    /// The offset that the next record will get; with one node also the high watermark.
    #[must_use]
    pub fn end_offset(&self) -> i64 {
        self.shared.end_offset.load(Ordering::Acquire)
    }

    /// Bytes of all batches in the log.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        let segments = self.shared.segments();
        segments.iter().map(|segment| segment.len_bytes()).sum()
    }

    /// Whole batches from the one on that holds `offset`, at most `max_bytes`; with `at_least_one` the first one whatever its
    /// size. Empty at the end of the log. The first batch may begin before `offset`: consumers skip what they have.
    ///
    /// What is read lies before [`LogReader::end_offset`] as it is afterwards: ask for that second. While an append is being
    /// published, the end may have moved already and the read still be empty; who then waits to be woken by the
    /// writer's task misses nothing.
    ///
    /// One read stays within a segment. From memory, one batch is handed out as it is, several are copied together.
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
        loop {
            let (start, end) = (self.start_offset(), self.end_offset());
            if offset < start || offset > end {
                return Err(ReadError::OutOfRange { offset, start, end });
            }
            if offset == end {
                return Ok(Bytes::new());
            }
            let segments = self.shared.segments();
            match read_from(&segments, offset, max_bytes, at_least_one) {
                // Cleaned away meanwhile; the next snapshot knows.
                Err(error) if is_gone(&error) && self.is_outdated(&segments) => {}
                // The start has moved meanwhile: what was read may lie behind a gap.
                Ok(_) if offset < self.start_offset() => {}
                result => return result.map_err(ReadError::Log),
            }
        }
    }

    fn is_outdated(&self, segments: &Segments) -> bool {
        !Arc::ptr_eq(segments, &self.shared.segments())
    }

    /// Offset and timestamp of the first record whose timestamp is at least `timestamp_ms`.
    ///
    /// # Errors
    ///
    /// Where the disk refuses or a batch cannot be decompressed.
    pub fn offset_for_time(&self, timestamp_ms: i64) -> Result<Option<(i64, i64)>, LogError> {
        self.retried(|segments| first_at(segments, timestamp_ms, self.start_offset()))
    }

    /// Offset and timestamp of the first record that has the largest timestamp in the log.
    ///
    /// # Errors
    ///
    /// Where the disk refuses or a batch cannot be decompressed.
    pub fn max_timestamp(&self) -> Result<Option<(i64, i64)>, LogError> {
        self.retried(|segments| {
            let start = self.start_offset();
            let mut newest = i64::MIN;
            for segment in segments.iter() {
                newest = newest.max(segment.max_timestamp()?);
            }
            if newest == i64::MIN {
                return Ok(None);
            }
            if let Some(found) = first_at(segments, newest, start)? {
                return Ok(Some(found));
            }
            // The newest record lies before the start: the rest is looked through.
            let mut newest: Option<(i64, i64)> = None;
            for segment in &segments[place_of(segments, start)..] {
                segment.scan(Target::Offset(start), |batch| {
                    each_record(&batch, start, |offset, timestamp| {
                        if newest.is_none_or(|(_, at)| at < timestamp) {
                            newest = Some((offset, timestamp));
                        }
                        true
                    })?;
                    Ok(true)
                })?;
            }
            Ok(newest)
        })
    }

    fn retried<T>(
        &self,
        mut search: impl FnMut(&Segments) -> Result<T, LogError>,
    ) -> Result<T, LogError> {
        loop {
            let segments = self.shared.segments();
            match search(&segments) {
                Err(error) if is_gone(&error) && self.is_outdated(&segments) => {}
                result => return result,
            }
        }
    }
}

/// The place of the segment that holds `offset`, if its batch is still there.
pub(super) fn place_of(segments: &[Arc<Segment>], offset: i64) -> usize {
    segments
        .partition_point(|segment| segment.base_offset() <= offset)
        .saturating_sub(1)
}

fn read_from(
    segments: &[Arc<Segment>],
    offset: i64,
    max_bytes: usize,
    at_least_one: bool,
) -> Result<Bytes, LogError> {
    for segment in &segments[place_of(segments, offset)..] {
        // Compaction may have removed the rest of this segment.
        if let Some(bytes) = segment.read(offset, max_bytes, at_least_one)? {
            return Ok(bytes);
        }
    }
    Ok(Bytes::new())
}

fn first_at(
    segments: &[Arc<Segment>],
    timestamp_ms: i64,
    start: i64,
) -> Result<Option<(i64, i64)>, LogError> {
    for segment in &segments[place_of(segments, start)..] {
        if segment.max_timestamp()? < timestamp_ms {
            continue;
        }
        let mut found = None;
        segment.scan(Target::Time(timestamp_ms), |batch| {
            found = first_in(&batch, timestamp_ms, start)?;
            Ok(found.is_none())
        })?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The first record of the batch that is neither older nor before the start.
fn first_in(batch: &Batch, timestamp_ms: i64, start: i64) -> Result<Option<(i64, i64)>, LogError> {
    let mut found = None;
    if batch.max_timestamp() >= timestamp_ms {
        each_record(batch, start, |offset, timestamp| {
            if timestamp >= timestamp_ms {
                found = Some((offset, timestamp));
            }
            found.is_none()
        })?;
    }
    Ok(found)
}

/// Offsets and timestamps of the batch's records from `start` on, until `each` answers `false`.
fn each_record(
    batch: &Batch,
    start: i64,
    mut each: impl FnMut(i64, i64) -> bool,
) -> Result<(), LogError> {
    if batch.last_offset() < start {
        return Ok(());
    }
    let unreadable = |source| LogError::Unreadable {
        offset: batch.base_offset(),
        source,
    };
    let data = batch.decompressed().map_err(unreadable)?;
    for record in Walk::new(&data, batch.record_count()) {
        let record = record.map_err(unreadable)?;
        let offset = batch.offset_of(&record);
        if offset >= start && !each(offset, batch.timestamp_of(&record)) {
            break;
        }
    }
    Ok(())
}
