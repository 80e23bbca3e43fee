//! Membership: which source partitions a router has, as its group decides.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult};
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
