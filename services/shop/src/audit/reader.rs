//! Reads whole topics, from the first record that is still there to the last one that is there now.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use kolo::{Config, Connected};
use rdkafka::consumer::{BaseConsumer, Consumer, DefaultConsumerContext};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Offset, TopicPartitionList};

use super::books::Record;
use super::place::{Place, Topic};
use crate::connect::START_ONE;

/// How long a broker may take to answer a question.
const ANSWER: Duration = Duration::from_secs(10);
/// How long reading may stand still before it is given up.
const STALL: Duration = Duration::from_secs(60);
/// How long one look for a record may take.
const LOOK: Duration = Duration::from_millis(20);

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// At the first record that is still there.
    Beginning,
    /// Behind the last record that is there now.
    Now,
}

/// A reader of some topics, which goes on where it stopped.
pub struct Reader {
    consumer: Connected<BaseConsumer>,
    /// The next offset of each partition.
    next: HashMap<(Topic, i32), i64>,
}

impl Reader {
    /// Connects, and finds the partitions.
    ///
    /// # Errors
    /// When no broker answers, or a topic is missing.
    pub fn open(config: &Config, topics: &[Topic], from: From) -> anyhow::Result<Reader> {
        let brokers = &config.bootstrap;
        let mut client = config.client();
        client
            .set("group.id", "shop.audit")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "error");
        client.set("check.crcs", "true");
        // A fetch that waits for new records at one partition's end holds up all others.
        client
            .set("fetch.wait.max.ms", "10")
            .set("fetch.queue.backoff.ms", "1")
            .set("queued.min.messages", "100000");
        let consumer: Connected<BaseConsumer> = config
            .connect(&client, DefaultConsumerContext)
            .context("the consumer's settings")?;
        let metadata = consumer
            .fetch_metadata(None, ANSWER)
            .with_context(|| format!("no broker answers at {brokers}; {START_ONE}"))?;
        let mut reader = Reader {
            consumer,
            next: HashMap::new(),
        };
        for &topic in topics {
            let found = metadata
                .topics()
                .iter()
                .find(|found| found.name() == topic.name());
            let Some(found) = found.filter(|found| !found.partitions().is_empty()) else {
                bail!(
                    "the topic `{}` does not exist at {brokers}: start the services first, they create it",
                    topic.name()
                );
            };
            for partition in found.partitions() {
                let (low, high) = reader.watermarks(topic, partition.id())?;
                let next = if from == From::Beginning { low } else { high };
                reader.next.insert((topic, partition.id()), next);
            }
        }
        let mut assignment = TopicPartitionList::new();
        for (&(topic, partition), &next) in &reader.next {
            let added =
                assignment.add_partition_offset(topic.name(), partition, Offset::Offset(next));
            added.with_context(|| format!("{} partition {partition}", topic.name()))?;
        }
        reader
            .consumer
            .assign(&assignment)
            .context("the partitions cannot be assigned")?;
        Ok(reader)
    }

    fn watermarks(&self, topic: Topic, partition: i32) -> anyhow::Result<(i64, i64)> {
        let watermarks = self
            .consumer
            .fetch_watermarks(topic.name(), partition, ANSWER);
        watermarks.with_context(|| {
            format!(
                "{} partition {partition}: its offsets are not known",
                topic.name()
            )
        })
    }

    /// Reads to the end as it is now, and returns the number of records read.
    ///
    /// # Errors
    /// When the broker fails for good, reading stands still, or `take` says so.
    pub fn catch_up(
        &mut self,
        mut take: impl FnMut(Place, &Record<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<u64> {
        let partitions: Vec<_> = self.next.keys().copied().collect();
        let mut ends = HashMap::new();
        for (topic, partition) in partitions {
            let (_, high) = self.watermarks(topic, partition)?;
            ends.insert((topic, partition), high);
        }
        ends.retain(|at, high| self.next.get(at).is_some_and(|next| next < high));
        let (mut read, mut moved) = (0, Instant::now());
        while !ends.is_empty() {
            if let Some(place) = self.read_one(LOOK, &mut take)? {
                read += 1;
                moved = Instant::now();
                let at = (place.topic, place.partition);
                if ends.get(&at).is_some_and(|&end| place.offset + 1 >= end) {
                    ends.remove(&at);
                }
            } else if moved.elapsed() > STALL {
                let ((topic, partition), _) =
                    ends.iter().next().context("nothing is left to read")?;
                bail!(
                    "{} partition {partition} cannot be read: nothing has come for {STALL:?}",
                    topic.name()
                );
            }
        }
        Ok(read)
    }

    /// Reads what comes until nothing has come for a moment, and returns the number of records read.
    ///
    /// # Errors
    /// When the broker fails for good, or `take` says so.
    pub fn follow(
        &mut self,
        mut take: impl FnMut(Place, &Record<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<u64> {
        let (mut read, begun) = (0, Instant::now());
        while begun.elapsed() < LOOK && self.read_one(LOOK, &mut take)?.is_some() {
            read += 1;
        }
        Ok(read)
    }

    fn read_one(
        &mut self,
        wait: Duration,
        take: &mut impl FnMut(Place, &Record<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<Option<Place>> {
        let message = match self.consumer.poll(wait) {
            None => return Ok(None),
            Some(Ok(message)) => message,
            Some(Err(error)) if is_passing(&error) => {
                tracing::debug!("the broker is away: {error}");
                return Ok(None);
            }
            Some(Err(error)) => return Err(error).context("the topics cannot be read"),
        };
        let Some(topic) = Topic::of_name(message.topic()) else {
            return Ok(None);
        };
        let place = Place {
            topic,
            partition: message.partition(),
            offset: message.offset(),
        };
        self.next.insert((topic, place.partition), place.offset + 1);
        take(place, &record(&message))?;
        Ok(Some(place))
    }
}

/// Whether the client goes on by itself: a broker that restarts is no reason to give up.
fn is_passing(error: &rdkafka::error::KafkaError) -> bool {
    use rdkafka::error::RDKafkaErrorCode::{
        AllBrokersDown, BrokerTransportFailure, OperationTimedOut, Resolve,
    };
    let passing = [
        AllBrokersDown,
        BrokerTransportFailure,
        OperationTimedOut,
        Resolve,
    ];
    error
        .rdkafka_error_code()
        .is_some_and(|code| passing.contains(&code))
}

fn record<'a>(message: &'a BorrowedMessage<'_>) -> Record<'a> {
    let text = |bytes: &'a [u8]| std::str::from_utf8(bytes).ok();
    let mut record = Record {
        key: message.key().and_then(text),
        value: message.payload().unwrap_or_default(),
        timestamp_ms: message.timestamp().to_millis().unwrap_or(0),
        ..Record::default()
    };
    for header in message.headers().iter().flat_map(|headers| headers.iter()) {
        let value = header.value.and_then(text);
        match header.key {
            "ce_id" => record.id = value,
            "ce_type" => record.event_type = value,
            "kolo" => record.kolo = value,
            _ => {}
        }
    }
    record
}
