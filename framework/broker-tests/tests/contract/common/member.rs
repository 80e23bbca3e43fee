//! A librdkafka consumer that is a member of a group, polled by a thread of its own as an application would.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::message::{Message, OwnedMessage};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaErrorCode;

use super::{await_that, client};

/// A partition of a topic.
pub(crate) type Part = (String, i32);

#[derive(Default)]
struct Seen {
    owned: BTreeSet<Part>,
    assigned: usize,
    revoked: Vec<Part>,
    records: Vec<OwnedMessage>,
    fatal: Option<RDKafkaErrorCode>,
}

/// What its polling thread saw.
#[derive(Clone, Default)]
pub(crate) struct Events(Arc<Mutex<Seen>>);

impl Events {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parts(list: &TopicPartitionList) -> Vec<Part> {
    list.elements()
        .iter()
        .map(|element| (element.topic().to_owned(), element.partition()))
        .collect()
}

impl ClientContext for Events {
    fn error(&self, error: KafkaError, _: &str) {
        // librdkafka tells of a fatal error here as one of the general code; the poll has the reason.
        let _ = error;
    }
}

impl ConsumerContext for Events {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(list) = rebalance {
            let mut seen = self.seen();
            for part in parts(list) {
                seen.owned.remove(&part);
                seen.revoked.push(part);
            }
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(list) = rebalance {
            let mut seen = self.seen();
            seen.assigned += 1;
            seen.owned.extend(parts(list));
        }
    }
}

/// A member.
pub(crate) struct Member {
    consumer: Arc<BaseConsumer<Events>>,
    events: Events,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Settings of a member of this group.
pub(crate) fn member_config(group: &str, strategy: &str) -> ClientConfig {
    let mut config = client();
    config
        .set("group.id", group)
        .set("partition.assignment.strategy", strategy)
        .set("session.timeout.ms", "20000")
        .set("heartbeat.interval.ms", "200")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("fetch.wait.max.ms", "100");
    config
}

impl Member {
    /// Joins the group on these topics.
    pub(crate) fn join(config: &ClientConfig, topics: &[&str]) -> Self {
        let events = Events::default();
        let consumer: BaseConsumer<Events> = config
            .create_with_context(events.clone())
            .expect("a consumer");
        consumer.subscribe(topics).expect("a subscription");
        let consumer = Arc::new(consumer);
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (consumer, events, stop) = (consumer.clone(), events.clone(), stop.clone());
            move || {
                while !stop.load(Ordering::Relaxed) {
                    match consumer.poll(Duration::from_millis(50)) {
                        Some(Ok(message)) => events.seen().records.push(message.detach()),
                        Some(Err(_)) => {
                            if let Some((code, _)) = consumer.client().fatal_error() {
                                events.seen().fatal = Some(code);
                            }
                        }
                        None => {}
                    }
                }
            }
        });
        Member {
            consumer,
            events,
            stop,
            thread: Some(thread),
        }
    }

    /// The partitions that it owns now.
    pub(crate) fn owned(&self) -> BTreeSet<Part> {
        self.events.seen().owned.clone()
    }

    /// How often it was given partitions.
    pub(crate) fn assignments(&self) -> usize {
        self.events.seen().assigned
    }

    /// All partitions that were ever taken from it.
    pub(crate) fn revoked(&self) -> Vec<Part> {
        self.events.seen().revoked.clone()
    }

    /// The records that it was given.
    pub(crate) fn values(&self) -> Vec<Vec<u8>> {
        let seen = self.events.seen();
        let payload = |message: &OwnedMessage| message.payload().unwrap_or_default().to_vec();
        seen.records.iter().map(payload).collect()
    }

    /// The error that ended it.
    pub(crate) fn fatal(&self) -> Option<RDKafkaErrorCode> {
        self.events.seen().fatal
    }

    pub(crate) fn consumer(&self) -> &BaseConsumer<Events> {
        &self.consumer
    }

    /// Waits until it owns this many partitions.
    pub(crate) fn await_owned(&self, count: usize) {
        await_that("partitions of a member", || self.owned().len() == count);
    }
}

impl Drop for Member {
    /// Closes the consumer: a dynamic member leaves its group, a static one stays in it.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(
                ended.is_ok() || std::thread::panicking(),
                "the polling thread panicked"
            );
        }
    }
}

/// Waits until each of these members owns something, together they own this many partitions, and none is owned twice.
pub(crate) fn await_shared(members: &[&Member], partitions: usize) {
    await_that("a shared assignment", || {
        let owned: Vec<_> = members.iter().map(|member| member.owned()).collect();
        let all: BTreeSet<_> = owned.iter().flatten().cloned().collect();
        let total: usize = owned.iter().map(BTreeSet::len).sum();
        total == partitions && all.len() == partitions && owned.iter().all(|own| !own.is_empty())
    });
}
