//! Reads one partition of a topic, record by record, up to where it ended when the reading began.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kolo_core::wire::Record;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::config::Config;
use crate::native::{Consumed, Taken};

use super::client::{ANSWER, Quiet, STANDSTILL, cannot_read, consumer, is_fatal};
use super::failure::Failure;

/// How long to wait before the client is asked again.
const PAUSE: Duration = Duration::from_millis(2);
/// How many messages are taken from the client at once.
const BATCH: usize = 1_000;

/// One partition that is read. A record that is not taken is handed out again.
pub(super) struct Reading {
    topic: String,
    partition: i32,
    consumer: Arc<BaseConsumer<Quiet>>,
    consumed: Consumed<Quiet>,
    /// How many of the messages that were taken from the client last are done with.
    done: usize,
    /// Where the log began.
    pub(super) low: i64,
    /// The next offset to read.
    pub(super) next: i64,
    /// Where the partition ended.
    pub(super) end: i64,
}

impl Reading {
    /// From the beginning of the partition.
    pub(super) fn open(config: &Config, topic: &str, partition: i32) -> Result<Self, Failure> {
        let consumer = Arc::new(consumer(config)?);
        let (low, end) = consumer
            .fetch_watermarks(topic, partition, ANSWER)
            .map_err(|error| cannot_read(topic, &error))?;
        let reading = Reading {
            consumed: Consumed::new(Arc::clone(&consumer), BATCH),
            topic: topic.to_owned(),
            partition,
            consumer,
            done: 0,
            low,
            next: low,
            end,
        };
        if low < end {
            reading.assign()?;
        }
        Ok(reading)
    }

    /// How many offsets are left to read.
    pub(super) fn left(&self) -> u64 {
        u64::try_from(self.end - self.next).unwrap_or(0)
    }

    fn assign(&self) -> Result<(), Failure> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, self.partition, Offset::Offset(self.next))
            .and_then(|()| self.consumer.assign(&list))
            .map_err(|error| cannot_read(&self.topic, &error))
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
                Ok(Taken::Message(message)) => {
                    let record = message.record();
                    if record.offset < self.end && !take(&record)? {
                        return Ok(());
                    }
                    self.next = record.offset + 1;
                }
                // Behind the last record may be transaction markers, which are no records.
                Ok(Taken::End { offset, .. }) => self.next = self.next.max(offset.min(self.end)),
                Err(error) if is_fatal(&error) => return Err(cannot_read(&self.topic, &error)),
                // A connection that librdkafka opens again.
                Err(_) => {}
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
