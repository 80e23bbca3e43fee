//! Membership: which source partitions a router has, as its group decides.

use std::sync::atomic::{AtomicBool, Ordering};

use hashbrown::HashMap;
use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::statistics::Statistics;
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::client_log;

/// What the router's consumer is called in messages.
pub(super) const ROUTER: &str = "router's consumer";

#[derive(Debug)]
pub(super) enum Moved {
    Assigned(Vec<(String, i32)>),
    Revoked(Vec<(String, i32)>),
}

#[derive(Default)]
pub(super) struct RouterContext {
    pub(super) moved: Mutex<Vec<Moved>>,
    pub(super) noise: AtomicBool,
    /// Where source partitions end of which everything was handed out, as far as was told since this was taken.
    pub(super) ends: Mutex<HashMap<(String, i32), i64>>,
}

impl ClientContext for RouterContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.noise.store(true, Ordering::Relaxed);
        client_log::line(ROUTER, level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.noise.store(true, Ordering::Relaxed);
        client_log::error(ROUTER, &error, reason);
    }

    fn stats(&self, told: Statistics) {
        self.noise.store(true, Ordering::Relaxed);
        self.ends.lock().extend(ends(told));
    }
}

/// The partitions of which nothing is left to fetch or to hand out, and where they end. What a source ends with may be no
/// record, and is told by nothing else: librdkafka goes on behind it in silence.
fn ends(told: Statistics) -> impl Iterator<Item = ((String, i32), i64)> {
    told.topics.into_iter().flat_map(|(topic, of)| {
        let partitions = of.partitions.into_values();
        let handed_out = partitions
            .filter(|of| of.hi_offset >= 0 && of.next_offset >= of.hi_offset && of.fetchq_cnt == 0);
        handed_out.map(move |of| ((topic.clone(), of.partition), of.hi_offset))
    })
}

impl ConsumerContext for RouterContext {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        self.noise.store(true, Ordering::Relaxed);
        let names = |list: &TopicPartitionList| {
            list.elements()
                .iter()
                .map(|element| (element.topic().to_owned(), element.partition()))
                .collect()
        };
        match rebalance {
            Rebalance::Assign(list) => self.moved.lock().push(Moved::Assigned(names(list))),
            Rebalance::Revoke(list) => self.moved.lock().push(Moved::Revoked(names(list))),
            Rebalance::Error(error) => tracing::warn!("router: rebalance: {error}"),
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        self.noise.store(true, Ordering::Relaxed);
        if let Err(error) = result {
            // What is not committed is forwarded again, and recognised.
            tracing::debug!("router: commit: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::statistics::{Partition, Topic};

    use super::*;

    #[test]
    fn only_what_is_fetched_and_handed_out_to_its_end_has_ended() {
        let partition = |partition, next_offset, hi_offset, fetchq_cnt| {
            let of = Partition {
                partition,
                next_offset,
                hi_offset,
                fetchq_cnt,
                ..Partition::default()
            };
            (partition, of)
        };
        let partitions = [
            partition(-1, -1001, -1001, 0), // librdkafka's own
            partition(0, 12, 12, 0),
            partition(1, 9, 12, 0),  // cannot be fetched
            partition(2, 12, 12, 3), // waits to be handed out
            partition(3, -1001, -1001, 0),
        ];
        let topic = Topic {
            partitions: partitions.into(),
            ..Topic::default()
        };
        let told = Statistics {
            topics: [("orders".to_owned(), topic)].into(),
            ..Statistics::default()
        };
        let ends: Vec<_> = ends(told).collect();
        assert_eq!(ends, [(("orders".to_owned(), 0), 12)]);
    }
}
