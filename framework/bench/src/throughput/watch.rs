//! Watches a stream from outside.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use kolo::{Config, Timestamp};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message};
use rdkafka::{Offset, TopicPartitionList};

const PATIENCE: Duration = Duration::from_secs(20);
/// A run in which nothing is appended for so long is given up.
const STALL: Duration = Duration::from_secs(60);
/// How many records tell the size of all.
const SAMPLE: usize = 1_000;

/// One topic.
pub(crate) struct Watch {
    consumer: BaseConsumer,
    topic: &'static str,
    partitions: i32,
}

/// What the first records tell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) first_at: Timestamp,
    /// Key, value and headers, uncompressed.
    pub(crate) bytes_per_record: f64,
}

impl Watch {
    pub(crate) fn open(
        config: &Config,
        topic: &'static str,
        partitions: i32,
    ) -> anyhow::Result<Watch> {
        let mut client = config.client();
        client
            .set("group.id", "bench.watch")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "error");
        let consumer = client
            .create()
            .context("the watching consumer's settings")?;
        Ok(Watch {
            consumer,
            topic,
            partitions,
        })
    }

    /// The client, to ask the broker other things.
    pub(crate) fn consumer(&self) -> &BaseConsumer {
        &self.consumer
    }

    /// The high watermark of each partition: all before it is acknowledged.
    pub(crate) fn offsets(&self) -> anyhow::Result<Vec<i64>> {
        let ends = (0..self.partitions).map(|partition| {
            let watermarks = self
                .consumer
                .fetch_watermarks(self.topic, partition, PATIENCE);
            watermarks.map(|(_, high)| high).with_context(|| {
                format!(
                    "{} partition {partition}: its offsets are not known",
                    self.topic
                )
            })
        });
        ends.collect()
    }

    /// Waits until the high watermarks add up to this, and says when that was.
    pub(crate) fn await_total(
        &self,
        target: i64,
        mut go_on: impl FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<Timestamp> {
        let begun = Instant::now();
        let mut before = (begun, self.offsets()?.iter().sum::<i64>());
        let mut moved = begun;
        loop {
            let now = Instant::now();
            let total: i64 = self.offsets()?.iter().sum();
            if total >= target {
                return Ok(wall_clock());
            }
            if total > before.1 {
                moved = now;
            } else if moved.elapsed() > STALL {
                bail!(
                    "{} records are missing in `{}`, and none comes",
                    target - total,
                    self.topic
                );
            }
            go_on()?;
            // Asking costs the broker time: seldom while the end is far, often when it is near.
            let rate = (total - before.1) as f64 / (now - before.0).as_secs_f64().max(1e-3);
            let left = Duration::from_secs_f64(((target - total) as f64 / rate.max(1.0)).min(10.0));
            before = (now, total);
            std::thread::park_timeout(
                (left / 2).clamp(Duration::from_millis(5), Duration::from_millis(250)),
            );
        }
    }

    /// Reads the first records behind these offsets.
    pub(crate) fn sample(&self, from: &[i64]) -> anyhow::Result<Sample> {
        let mut list = TopicPartitionList::new();
        for (partition, &offset) in (0..).zip(from) {
            list.add_partition_offset(self.topic, partition, Offset::Offset(offset))?;
        }
        self.consumer.assign(&list)?;
        let mut first: Vec<Option<i64>> = vec![None; from.len()];
        let (mut read, mut bytes) = (0usize, 0usize);
        let until = Instant::now() + PATIENCE;
        while (read < SAMPLE || first.contains(&None)) && Instant::now() < until {
            let Some(message) = self.consumer.poll(Duration::from_millis(100)) else {
                continue;
            };
            let message = message.with_context(|| format!("{} cannot be read", self.topic))?;
            let place = usize::try_from(message.partition()).unwrap_or(usize::MAX);
            if let Some(first @ None) = first.get_mut(place) {
                *first = message.timestamp().to_millis();
            }
            let headers = message.headers().map_or(0, |headers| {
                headers
                    .iter()
                    .map(|header| header.key.len() + header.value.map_or(0, <[u8]>::len))
                    .sum()
            });
            bytes += message.key().map_or(0, <[u8]>::len)
                + message.payload().map_or(0, <[u8]>::len)
                + headers;
            read += 1;
        }
        self.consumer.unassign()?;
        let first = first.into_iter().flatten().min();
        Ok(Sample {
            first_at: Timestamp::from_millis(
                first.with_context(|| format!("{} is empty", self.topic))?,
            ),
            bytes_per_record: bytes as f64 / read.max(1) as f64,
        })
    }
}

fn wall_clock() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
