//! Reads parts of a topic's partitions.

use std::time::{Duration, Instant};

use kolo_core::wire::Headers;
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers as _, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::cluster::Reader;
use crate::failure::Failure;

/// How long reading may stand still where there are known to be records.
const STANDSTILL: Duration = Duration::from_secs(20);

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
    Failure::run(format!(
        "the topic `{topic}` cannot be read: {error}. `kolo topics describe {topic}` shows its state."
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
            Some(Err(error)) if is_fatal(&error) => return Err(cannot_read(topic, &error)),
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

/// Errors of a consumer that no waiting will mend; the others are connections that librdkafka opens again.
pub(crate) fn is_fatal(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownPartition
                | RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::SaslAuthenticationFailed
                | RDKafkaErrorCode::Authentication
                | RDKafkaErrorCode::OffsetOutOfRange
                | RDKafkaErrorCode::AutoOffsetReset
                | RDKafkaErrorCode::Fatal
        )
    )
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
