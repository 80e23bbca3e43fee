//! Reads parts of a topic's partitions.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kolo_core::wire::{Headers, Record};
use kolo_kafka::topics::is_denied;
use kolo_kafka::{Bulk, InBulk, ends_reading};
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::cluster::{Cluster, Reader, Topic, ends};
use crate::failure::Failure;

/// How long reading may stand still where there are known to be records.
const STANDSTILL: Duration = Duration::from_secs(20);

/// How long a reader that has nothing waits before it looks again.
const PAUSE: Duration = Duration::from_millis(1);

/// A part of a partition: from an offset to before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) partition: i32,
    pub(crate) from: i64,
    pub(crate) until: i64,
}

/// Assigns partitions of one topic, each from an offset on.
pub(crate) fn assign(
    reader: &Reader,
    topic: &str,
    from: impl IntoIterator<Item = (i32, i64)>,
) -> Result<(), Failure> {
    let mut list = TopicPartitionList::new();
    for (partition, offset) in from {
        list.add_partition_offset(topic, partition, Offset::Offset(offset))
            .map_err(|error| cannot_read(topic, &error))?;
    }
    reader
        .assign(&list)
        .map_err(|error| cannot_read(topic, &error))
}

pub(crate) fn cannot_read(topic: &str, error: &KafkaError) -> Failure {
    let next = if is_denied(error) {
        "`<service> describe --acls --operator`, of the services that read and write it, says what a user must be allowed.".to_owned()
    } else {
        format!("`kolo topics describe {topic}` shows its state.")
    };
    Failure::run(format!(
        "the topic `{topic}` cannot be read: {error}. {next}"
    ))
}

/// Hands the records of these ranges to `take`, in order within a partition; `take` returns false to skip the rest of
/// the partition's range.
pub(crate) fn scan(
    reader: &Reader,
    topic: &str,
    ranges: &[Range],
    mut take: impl FnMut(&BorrowedMessage<'_>) -> bool,
) -> Result<(), Failure> {
    let mut open: Vec<Range> = ranges
        .iter()
        .filter(|range| range.from < range.until)
        .copied()
        .collect();
    if open.is_empty() {
        return Ok(());
    }
    assign(
        reader,
        topic,
        open.iter().map(|range| (range.partition, range.from)),
    )?;
    let mut moved = Instant::now();
    while !open.is_empty() {
        match reader.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                moved = Instant::now();
                let place = |range: &Range| range.partition == message.partition();
                let Some(range) = open.iter().find(|range| place(range)).copied() else {
                    continue;
                };
                let within = message.offset() < range.until;
                if !within || !take(&message) || message.offset() + 1 >= range.until {
                    open.retain(|range| !place(range));
                }
            }
            // Behind the last record may be transaction markers, which are no records: their offsets are never read.
            Some(Err(KafkaError::PartitionEOF(number))) => {
                open.retain(|range| range.partition != number);
            }
            Some(Err(error)) if ends_reading(&error) => return Err(cannot_read(topic, &error)),
            Some(Err(_)) | None => {}
        }
        if moved.elapsed() > STANDSTILL {
            return Err(stands_still(reader, topic, open[0].partition));
        }
    }
    reader
        .unassign()
        .map_err(|error| cannot_read(topic, &error))
}

/// As [`scan`], for much: the records of these ranges in bulk, by a consumer that is used for nothing else. Says how far each
/// partition was read: less than was asked for, where who answers knows an earlier end, as a replica does that lags.
pub(crate) fn scan_in_bulk(
    reader: Reader,
    topic: &str,
    ranges: &[Range],
    mut take: impl FnMut(i32, &Record<'_>) -> bool,
) -> Result<Vec<Range>, Failure> {
    let mut reached: Vec<Range> = ranges.to_vec();
    let mut open: Vec<Range> = ranges.to_vec();
    open.retain(|range| range.from < range.until);
    assign(
        &reader,
        topic,
        open.iter().map(|range| (range.partition, range.from)),
    )?;
    let mut bulk = Bulk::new(reader.shared());
    let mut idle: Option<Instant> = None;
    while !open.is_empty() {
        let mut fatal = None;
        let place = |open: &[Range], number: i32| {
            let mut all = open.iter();
            all.position(|range| range.partition == number)
        };
        let count = bulk.each(|taken| match taken {
            InBulk::Record { partition, record } => {
                let Some(at) = place(&open, partition) else {
                    return;
                };
                let until = open[at].until;
                let within = record.offset < until;
                if !within || !take(partition, &record) || record.offset + 1 >= until {
                    open.swap_remove(at);
                }
            }
            InBulk::End { partition, offset } => {
                if let Some(at) = place(&open, partition) {
                    open.swap_remove(at);
                    let mut all = reached.iter_mut();
                    if let Some(range) = all.find(|range| range.partition == partition) {
                        range.until = range.until.min(offset);
                    }
                }
            }
            InBulk::Failed(error) if ends_reading(&error) => fatal = Some(error),
            InBulk::Failed(_) => {}
        });
        if let Some(error) = fatal {
            return Err(cannot_read(topic, &error));
        }
        if count > 0 {
            idle = None;
            continue;
        }
        let since = idle.get_or_insert_with(Instant::now);
        if since.elapsed() > STANDSTILL
            && let Some(range) = open.first()
        {
            return Err(stands_still(&reader, topic, range.partition));
        }
        std::thread::park_timeout(PAUSE);
    }
    drop(bulk);
    drop(reader);
    Ok(reached)
}

/// The last value of each key of a compacted topic, by key; what was taken back is left out.
#[derive(Debug, Default)]
pub(crate) struct Latest(pub(crate) BTreeMap<Vec<u8>, Vec<u8>>);

impl Latest {
    /// Reads the topic to its ends as of now.
    pub(crate) fn of(cluster: &Cluster<'_>, topic: &Topic) -> Result<Self, Failure> {
        let mut latest = Latest::default();
        for partition in &topic.partitions {
            let (from, until) = ends(&cluster.reader, &topic.name, partition.number)?;
            let range = Range {
                partition: partition.number,
                from,
                until,
            };
            scan(&cluster.reader, &topic.name, &[range], |message| {
                latest.take(message.key().unwrap_or_default(), message.payload());
                true
            })?;
        }
        Ok(latest)
    }

    pub(crate) fn take(&mut self, key: &[u8], value: Option<&[u8]>) {
        match value {
            Some(value) => self.0.insert(key.to_vec(), value.to_vec()),
            None => self.0.remove(key),
        };
    }
}

fn stands_still(reader: &Reader, topic: &str, partition: i32) -> Failure {
    let complaint = reader
        .context()
        .complaint()
        .map(|text| format!(" ({text})"))
        .unwrap_or_default();
    Failure::run(format!(
        "no record of {topic}[{partition}] arrived for {} s, though there are some{complaint}. `kolo topics describe {topic}` shows whether the partition has a leader.",
        STANDSTILL.as_secs()
    ))
}

/// The headers of a message that kolo reads.
pub(crate) fn headers<'m>(message: &'m BorrowedMessage<'_>) -> Headers<'m> {
    let mut taken = Headers::default();
    if let Some(headers) = message.headers() {
        for header in headers.iter() {
            taken.take(header.key, header.value);
        }
    }
    taken
}
