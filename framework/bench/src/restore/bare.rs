//! The bare read: every record of the stream into a hash map, by as many threads as kolo has workers.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use kolo::{Config, OwnEvents};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Message, Offset, TopicPartitionList};

use crate::bench::AccountEvent;

use super::RestoreArgs;

/// Gives the seconds that it took.
pub(super) fn read(config: &Config, arguments: &RestoreArgs) -> anyhow::Result<f64> {
    let workers = i32::from(arguments.workers);
    let threads = (0..workers).map(|worker| {
        let partitions: Vec<i32> = (worker..arguments.partitions)
            .step_by(usize::from(arguments.workers))
            .collect();
        let consumer: BaseConsumer = config
            .client()
            .set("group.id", "bench-bare")
            .set("enable.auto.commit", "false")
            .set("fetch.queue.backoff.ms", "2")
            .create()
            .context("the bare consumer's settings")?;
        Ok((consumer, partitions))
    });
    let threads: Vec<_> = threads.collect::<anyhow::Result<_>>()?;
    let began = Instant::now();
    let counts = std::thread::scope(|scope| {
        let running: Vec<_> = threads
            .iter()
            .map(|(consumer, partitions)| scope.spawn(|| read_all(consumer, partitions)))
            .collect();
        let counts = running.into_iter().map(|thread| match thread.join() {
            Ok(count) => count,
            Err(_) => bail!("a thread of the bare read panicked"),
        });
        counts.sum::<anyhow::Result<usize>>()
    })?;
    let seconds = began.elapsed().as_secs_f64();
    ensure!(
        counts == usize::try_from(arguments.aggregates)?,
        "{counts} aggregates were read"
    );
    Ok(seconds)
}

fn read_all(consumer: &BaseConsumer, partitions: &[i32]) -> anyhow::Result<usize> {
    let timeout = Duration::from_secs(20);
    let (mut list, mut left) = (TopicPartitionList::new(), 0);
    for &partition in partitions {
        list.add_partition_offset(AccountEvent::STREAM, partition, Offset::Beginning)?;
        let (low, high) = consumer.fetch_watermarks(AccountEvent::STREAM, partition, timeout)?;
        left += high - low;
    }
    consumer.assign(&list)?;
    let mut all: HashMap<Box<[u8]>, Box<[u8]>> = HashMap::new();
    while left > 0 {
        let message = consumer.poll(timeout).context("no record in time")??;
        if let (Some(key), Some(value)) = (
            message.key().filter(|key| !key.is_empty()),
            message.payload(),
        ) {
            all.insert(key.into(), value.into());
        }
        left -= 1;
    }
    Ok(all.len())
}
