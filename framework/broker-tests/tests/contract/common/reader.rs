//! A librdkafka consumer that is assigned by hand.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Message, OwnedMessage};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::{PATIENCE, client, unique};

/// A consumer of one partition of one topic.
pub(crate) struct Reader {
    consumer: BaseConsumer,
    topic: String,
    partition: i32,
}

impl Reader {
    /// With kolo's settings, from this offset on.
    pub(crate) fn at(topic: &str, partition: i32, offset: Offset) -> Self {
        Self::with(topic, partition, offset, &[])
    }

    pub(crate) fn with(
        topic: &str,
        partition: i32,
        offset: Offset,
        settings: &[(&str, &str)],
    ) -> Self {
        let mut config = client();
        config
            .set("group.id", unique("reader"))
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "error")
            .set("fetch.wait.max.ms", "100");
        for (key, value) in settings {
            config.set(*key, *value);
        }
        let consumer: BaseConsumer = config.create().expect("a consumer");
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, offset)
            .expect("an offset");
        consumer.assign(&list).expect("an assignment");
        Reader {
            consumer,
            topic: topic.to_owned(),
            partition,
        }
    }

    pub(crate) fn consumer(&self) -> &BaseConsumer {
        &self.consumer
    }

    /// The next record, or the error that stands in its place.
    pub(crate) fn next(&self) -> Result<OwnedMessage, KafkaError> {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.consumer.poll(Duration::from_millis(200)) {
                Some(Ok(message)) => return Ok(message.detach()),
                Some(Err(error)) => return Err(error),
                None => assert!(
                    Instant::now() < until,
                    "no record of {} in time",
                    self.topic
                ),
            }
        }
    }

    /// The next records, none of them an error.
    pub(crate) fn take(&self, count: usize) -> Vec<OwnedMessage> {
        (0..count).map(|_| self.next().expect("a record")).collect()
    }

    pub(crate) fn seek(&self, offset: i64) {
        self.consumer
            .seek(
                &self.topic,
                self.partition,
                Offset::Offset(offset),
                PATIENCE,
            )
            .expect("a seek");
    }
}

/// The values of records as text.
pub(crate) fn texts(messages: &[OwnedMessage]) -> Vec<String> {
    messages
        .iter()
        .map(|message| String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned())
        .collect()
}
