//! How far an aggregate has decided, from the last records of its stream: an answer names its input, and a marker all positions.
//!
//! To judge a record, the fence in force is needed, and no more: a record names its offset. Where the reading starts in the middle of an
//! epoch, the first record under that fence and its nonce is taken for valid, and those behind it by their numbers.

use kolo_core::TopicId;
use kolo_core::stream::Cursor;
use kolo_core::wire::{FENCE, Headers, MARKER, Stamp};
use rdkafka::message::Message;

use crate::cluster::{Cluster, ends};
use crate::evidence::plan::Topic;
use crate::evidence::progress::Progress;
use crate::failure::Failure;
use crate::judge::{Judge, Standing};
use crate::scan::{Range, headers, scan};

/// How many of the last records of a partition are read: more, where those before do not tell.
const WINDOWS: [i64; 3] = [500, 4_000, 32_000];

/// What the end of one partition of a stream tells.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) number: i32,
    pub(super) progress: Progress,
    /// Whether it was read from its beginning: what is not told then was never decided.
    pub(super) is_whole: bool,
}

/// Reads the ends of a stream's partitions, until each tells of all these inputs.
pub(super) fn tails(
    cluster: &Cluster<'_>,
    stream: &Topic,
    inputs: &[TopicId],
) -> Result<Vec<Tail>, Failure> {
    let mut done = Vec::new();
    let mut places = Vec::new();
    for &partition in &stream.partitions {
        let (low, high) = ends(&cluster.reader, &stream.name, partition)?;
        places.push((partition, low, high));
    }
    for window in WINDOWS {
        let ranges: Vec<Range> = places
            .iter()
            .map(|&(partition, low, high)| Range {
                partition,
                from: low.max(high - window),
                until: high,
            })
            .collect();
        let lows: Vec<i64> = places.iter().map(|&(_, low, _)| low).collect();
        let read = ranges.iter().zip(read(cluster, stream, &ranges)?);
        for ((range, records), low) in read.zip(lows) {
            let tail = Tail {
                number: range.partition,
                progress: fold(cluster, stream, range, low, &records)?,
                is_whole: range.from == 0,
            };
            let tells = |input: &TopicId| tail.progress.next(*input).is_some();
            let is_last = Some(&window) == WINDOWS.last();
            if tail.is_whole || is_last || inputs.iter().all(tells) {
                places.retain(|place| place.0 != range.partition);
                done.push(tail);
            }
        }
    }
    done.sort_by_key(|tail| tail.number);
    Ok(done)
}

/// One record, without what tells no position.
struct Kept {
    offset: i64,
    event_type: Option<&'static str>,
    stamp: String,
    value: Option<Vec<u8>>,
}

impl Kept {
    fn headers(&self) -> Headers<'_> {
        Headers {
            event_type: self.event_type,
            stamp: Some(&self.stamp),
            ..Headers::default()
        }
    }

    /// The fence that it names, or that it is.
    fn epoch(&self) -> Option<i64> {
        let writer = Stamp::read(&self.stamp).ok()?.writer?;
        Some(writer.epoch.unwrap_or(self.offset))
    }
}

/// The records of each range.
fn read(
    cluster: &Cluster<'_>,
    stream: &Topic,
    ranges: &[Range],
) -> Result<Vec<Vec<Kept>>, Failure> {
    let mut all: Vec<Vec<Kept>> = ranges.iter().map(|_| Vec::new()).collect();
    if ranges.iter().all(|range| range.from >= range.until) {
        return Ok(all);
    }
    // A consumer that is given other partitions waits for half a second; a new one does not.
    scan(&cluster.looker()?, &stream.name, ranges, |message| {
        let headers = headers(message);
        let at = |range: &Range| range.partition == message.partition();
        if let (Some(at), Some(stamp)) = (ranges.iter().position(at), headers.stamp) {
            let event_type = match headers.event_type {
                Some(FENCE) => Some(FENCE),
                Some(MARKER) => Some(MARKER),
                _ => None,
            };
            all[at].push(Kept {
                offset: message.offset(),
                event_type,
                stamp: stamp.to_owned(),
                value: event_type.and(message.payload()).map(<[u8]>::to_vec),
            });
        }
        true
    })?;
    Ok(all)
}

/// What valid records of a range tell.
fn fold(
    cluster: &Cluster<'_>,
    stream: &Topic,
    range: &Range,
    low: i64,
    records: &[Kept],
) -> Result<Progress, Failure> {
    let mut judge = Judge::new(range.from == 0);
    if let Some(epoch) = earlier_fence(range, low, records) {
        let fence = Range {
            partition: range.partition,
            from: epoch,
            until: epoch + 1,
        };
        for fence in read(cluster, stream, &[fence])?.iter().flatten() {
            judge.read(fence.offset, &fence.headers(), fence.value.as_deref());
        }
    }
    Ok(fold_with(judge, records))
}

/// The fence in force where the range begins, if one stands before it, and is not deleted yet: the stream begins at `low`.
fn earlier_fence(range: &Range, low: i64, records: &[Kept]) -> Option<i64> {
    let until_fence = records
        .iter()
        .take_while(|record| record.event_type != Some(FENCE));
    let epochs = until_fence.filter_map(Kept::epoch);
    epochs
        .filter(|&epoch| (low..range.from).contains(&epoch))
        .max()
}

fn fold_with(mut judge: Judge, records: &[Kept]) -> Progress {
    let mut progress = Progress::default();
    let mut in_middle = judge.cursor();
    for record in records {
        if let (Some(fence), Ok(stamp)) = (in_middle, Stamp::read(&record.stamp))
            && let Some(writer) = stamp.writer
            && (writer.epoch, writer.nonce) == (Some(fence.epoch), fence.nonce)
        {
            judge.goes_on_behind(Cursor {
                number: writer.number.saturating_sub(1),
                ..fence
            });
            in_middle = None;
        }
        let value = record.value.as_deref();
        if let Standing::Valid(stamp) = judge.read(record.offset, &record.headers(), value) {
            progress.answered(&stamp.source, &judge);
            if record.event_type == Some(MARKER) {
                progress.marked(value, &judge);
            }
        }
    }
    progress
}

#[cfg(test)]
mod tests {
    use kolo_core::wire::{Fence, Marker, Read, Source, Writer};
    use kolo_core::{EventId, Origin, Path, Position};

    use super::*;

    fn id(name: &str) -> TopicId {
        TopicId(EventId::foreign(name).0)
    }

    fn kept(offset: i64, event_type: Option<&'static str>, stamp: Stamp, value: Vec<u8>) -> Kept {
        Kept {
            offset,
            event_type,
            stamp: stamp.to_string(),
            value: event_type.map(|_| value),
        }
    }

    fn fence(offset: i64, nonce: u64) -> Kept {
        let fence = Fence {
            service: "shop".into(),
            aggregate: "order".into(),
            partitions: 1,
            version: 1,
            origins: vec![Origin {
                path: Path::Direct,
                id: id("orders"),
                topic: "orders".into(),
            }],
        };
        let writer = Writer {
            epoch: None,
            nonce,
            number: 0,
        };
        let value = serde_json::to_vec(&fence).unwrap();
        kept(offset, Some(FENCE), Stamp::own(writer), value)
    }

    fn writer(epoch: i64, nonce: u64, number: u64) -> Writer {
        Writer {
            epoch: Some(epoch),
            nonce,
            number,
        }
    }

    /// An answer to the input at `input`.
    fn answer(offset: i64, writer: Writer, input: i64) -> Kept {
        let source = Source::Input {
            origin: 0,
            partition: 0,
            position: Position::direct(input),
        };
        let stamp = Stamp {
            source,
            ..Stamp::own(writer)
        };
        kept(offset, None, stamp, Vec::new())
    }

    fn marker(offset: i64, writer: Writer, next: i64) -> Kept {
        let marker = Marker {
            reads: vec![Read {
                topic: id("orders"),
                next,
                cursor: None,
            }],
            ..Marker::default()
        };
        let value = serde_json::to_vec(&marker).unwrap();
        kept(offset, Some(MARKER), Stamp::own(writer), value)
    }

    fn from_fence(fence: &Kept, records: &[Kept]) -> Option<i64> {
        let mut judge = Judge::new(false);
        judge.read(fence.offset, &fence.headers(), fence.value.as_deref());
        fold_with(judge, records).next(id("orders"))
    }

    #[test]
    fn in_the_middle_of_an_epoch_the_records_under_its_fence_tell() {
        let fence = fence(4, 7);
        let records = [
            // Of a writer that was replaced.
            answer(900, writer(1, 6, 90), 999),
            answer(901, writer(4, 7, 50), 41),
            marker(902, writer(4, 7, 51), 60),
            // Resent, and behind a hole.
            marker(903, writer(4, 7, 51), 70),
            answer(904, writer(4, 7, 53), 80),
        ];
        assert_eq!(from_fence(&fence, &records), Some(60));
        assert_eq!(from_fence(&fence, &records[..2]), Some(42));
        assert_eq!(from_fence(&fence, &records[..1]), None);
    }

    #[test]
    fn what_stands_before_a_later_fence_counts_as_well_and_what_comes_late_does_not() {
        let records = [
            answer(900, writer(4, 7, 50), 41),
            fence(901, 8),
            answer(902, writer(4, 7, 51), 99),
            answer(903, writer(901, 8, 1), 42),
        ];
        assert_eq!(from_fence(&fence(4, 7), &records), Some(43));
        assert_eq!(from_fence(&fence(4, 7), &records[..3]), Some(42));
        let range = Range {
            partition: 0,
            from: 900,
            until: 904,
        };
        assert_eq!(earlier_fence(&range, 0, &records), Some(4));
        assert_eq!(earlier_fence(&range, 0, &records[1..]), None);
        assert_eq!(earlier_fence(&range, 5, &records), None, "it is deleted");
    }
}
