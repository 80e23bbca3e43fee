//! Reads a partition of a topic, record by record, up to where it ended when the reading began.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kolo_core::Timestamp;
use kolo_core::wire::Record;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::bulk::ends_reading;
use crate::config::Config;
use crate::native::{Connected, Consumed, Taken};
use crate::topics;

use super::client::{ANSWER, Quiet, STANDSTILL, cannot_read, consumer};
use super::failure::Failure;

/// How long to wait before the client is asked again.
const PAUSE: Duration = Duration::from_millis(2);
/// How many messages are taken from the client at once.
const BATCH: usize = 1_000;

/// A partition that is read. A record that is not taken is handed out again.
pub(super) struct Reading {
    topic: String,
    partition: i32,
    consumer: Arc<Connected<BaseConsumer<Quiet>>>,
    consumed: Consumed<Quiet>,
    /// How many of the messages that were taken from the client last are done with.
    done: usize,
    is_assigned: bool,
    /// Where the reading began.
    pub(super) low: i64,
    /// The next offset to read.
    pub(super) next: i64,
    /// Where the partition ended.
    pub(super) end: i64,
}

impl Reading {
    /// Of this topic; [`Reading::begin`] says which partition.
    pub(super) fn new(config: &Config, topic: &str) -> Result<Self, Failure> {
        let consumer = Arc::new(consumer(config)?);
        Ok(Reading {
            consumed: Consumed::new(Arc::clone(&consumer), BATCH),
            topic: topic.to_owned(),
            partition: 0,
            consumer,
            done: 0,
            is_assigned: false,
            low: 0,
            next: 0,
            end: 0,
        })
    }

    /// From the beginning of a partition.
    pub(super) fn open(config: &Config, topic: &str, partition: i32) -> Result<Self, Failure> {
        let mut reading = Self::new(config, topic)?;
        reading.begin(partition)?;
        Ok(reading)
    }

    /// Begins with a partition, from where it begins up to where it ends now.
    pub(super) fn begin(&mut self, partition: i32) -> Result<(), Failure> {
        self.partition = partition;
        let (low, end) = self.marks(partition)?;
        (self.low, self.end) = (low, end);
        self.restart(low)
    }

    /// Begins with a partition at an offset, or where the log begins if that is later, up to where it ends now.
    pub(super) fn begin_from(&mut self, partition: i32, offset: i64) -> Result<(), Failure> {
        self.begin(partition)?;
        self.restart(offset.max(self.low))
    }

    /// The timestamp of the next record; none at the end.
    pub(super) fn peek(&mut self) -> Result<Option<Timestamp>, Failure> {
        let mut next = None;
        self.each(&mut |record| {
            next = Some(record.timestamp);
            Ok(false)
        })?;
        Ok(next)
    }

    /// Begins with a partition at an offset, and reads nothing before [`Reading::go_on`].
    pub(super) fn begin_at(&mut self, partition: i32, offset: i64) -> Result<(), Failure> {
        self.partition = partition;
        (self.low, self.end) = (offset, offset);
        self.restart(offset)
    }

    /// Goes back to the beginning of the partition; its end stays what it was.
    pub(super) fn again(&mut self) -> Result<(), Failure> {
        let (low, _) = self.marks(self.partition)?;
        self.restart(low)
    }

    /// Reads also what has come since.
    pub(super) fn go_on(&mut self) -> Result<(), Failure> {
        (_, self.end) = self.marks(self.partition)?;
        if self.is_assigned {
            return Ok(());
        }
        self.restart(self.next)
    }

    fn restart(&mut self, from: i64) -> Result<(), Failure> {
        self.consumed.clear();
        self.done = 0;
        self.next = from;
        self.is_assigned = from < self.end;
        let mut list = TopicPartitionList::new();
        let added = if self.is_assigned {
            list.add_partition_offset(&self.topic, self.partition, Offset::Offset(from))
        } else {
            Ok(())
        };
        added
            .and_then(|()| self.consumer.assign(&list))
            .map_err(|error| cannot_read(&self.topic, &error))
    }

    /// Where a partition begins and ends now.
    pub(super) fn marks(&self, partition: i32) -> Result<(i64, i64), Failure> {
        topics::ends(&self.consumer, &self.topic, partition, ANSWER)
            .map_err(|error| cannot_read(&self.topic, &error))
    }

    /// How many offsets are left to read.
    pub(super) fn left(&self) -> u64 {
        u64::try_from(self.end - self.next).unwrap_or(0)
    }

    /// Hands out records in order while `take` takes them. One that it does not take stays the next one.
    pub(super) fn each(
        &mut self,
        take: &mut dyn FnMut(&Record<'_>) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        let mut moved = Instant::now();
        while self.next < self.end {
            let mut iter = self.consumed.iter_from(self.done);
            let Some(message) = iter.next() else {
                drop(iter);
                self.done = 0;
                if self.consumed.take() > 0 {
                    moved = Instant::now();
                } else if moved.elapsed() > STANDSTILL {
                    return Err(self.stands_still());
                } else {
                    std::thread::sleep(PAUSE);
                }
                continue;
            };
            match message {
                Ok(Taken::Message(message)) if message.partition() != self.partition => {}
                Ok(Taken::Message(message)) => {
                    let record = message.record();
                    if record.offset < self.end && !take(&record)? {
                        return Ok(());
                    }
                    self.next = record.offset + 1;
                }
                // Behind the last record may be transaction markers, which are no records.
                Ok(Taken::End {
                    offset, partition, ..
                }) if partition == self.partition => {
                    self.next = self.next.max(offset.min(self.end));
                }
                Err(error) if ends_reading(&error) => return Err(cannot_read(&self.topic, &error)),
                // A connection that librdkafka opens again; or of a partition that was read before.
                Err(_) | Ok(Taken::End { .. }) => {}
            }
            drop(iter);
            self.done += 1;
        }
        Ok(())
    }

    fn stands_still(&self) -> Failure {
        Failure::run(format!(
            "{}[{}] has given nothing for {} s at offset {} of {}. `kolo topics describe {}` shows its state",
            self.topic,
            self.partition,
            STANDSTILL.as_secs(),
            self.next,
            self.end,
            self.topic
        ))
    }
}
