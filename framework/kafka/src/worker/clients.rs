//! The three Kafka clients of a worker: membership, data, and appends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::producer::{DeliveryResult, ProducerContext};
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::client_log;
use crate::config::Config;
use crate::native::{Connected, Delivery, Outgoing, Producing, has_broker};
use crate::topics::is_denied;
use crate::wake::Waker;

/// What the clients are called in messages.
pub(super) const MEMBERSHIP: &str = "membership";
pub(super) const DATA: &str = "data consumer";
pub(crate) const APPENDS: &str = "producer";

/// What happened to the membership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MemberEvent {
    /// These partitions are ours from now on.
    Assigned(Vec<i32>),
    /// These are no longer.
    Revoked(Vec<i32>),
    /// The brokers do not allow it any more.
    Denied(String),
}

/// Context of the membership consumer: it joins the group on the stream's partitions, and fetches nothing.
#[derive(Default)]
pub(super) struct MemberContext {
    events: Mutex<Vec<MemberEvent>>,
    noise: AtomicBool,
}

impl ClientContext for MemberContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.noise.store(true, Ordering::Relaxed);
        client_log::line(MEMBERSHIP, level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.noise.store(true, Ordering::Relaxed);
        client_log::error(MEMBERSHIP, &error, reason);
    }
}

fn partitions(list: &TopicPartitionList) -> Vec<i32> {
    list.elements()
        .iter()
        .map(rdkafka::topic_partition_list::TopicPartitionListElem::partition)
        .collect()
}

impl ConsumerContext for MemberContext {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        self.noise.store(true, Ordering::Relaxed);
        match rebalance {
            Rebalance::Revoke(list) => self
                .events
                .lock()
                .push(MemberEvent::Revoked(partitions(list))),
            Rebalance::Assign(_) => {}
            Rebalance::Error(error) => tracing::warn!("rebalance: {error}"),
        }
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(list) = rebalance {
            // Membership only: the data consumer reads.
            if let Err(error) = consumer.pause(list) {
                tracing::debug!("the membership's partitions cannot be paused: {error}");
            }
            self.events
                .lock()
                .push(MemberEvent::Assigned(partitions(list)));
        }
    }

    fn commit_callback(&self, _: KafkaResult<()>, _: &TopicPartitionList) {
        self.noise.store(true, Ordering::Relaxed);
    }
}

/// Has the group told by the drop that follows, where librdkafka (2.12.1) would say nothing: of a member without partitions, unless it
/// has unsubscribed. One with partitions must not: the group is told nothing where a client is closed while it still gives up the
/// partitions of an unsubscription, as it does as long as a commit is under way. The next owner then waits for the session to time
/// out.
pub(crate) fn before_drop<C: ConsumerContext>(member: &BaseConsumer<C>) {
    let owned = member.assignment().map_or(0, |owned| owned.count());
    if owned == 0 {
        member.unsubscribe();
    }
}

/// The membership in the aggregate's group. It leaves when it is dropped.
pub(super) struct Member(Connected<BaseConsumer<MemberContext>>);

impl Member {
    pub(super) fn join(
        config: &Config,
        group: &str,
        stream: &str,
        waker: &Waker,
    ) -> Result<Self, KafkaError> {
        let mut client = member_config(config, group);
        client.set("auto.offset.reset", "latest");
        let mut consumer: Connected<BaseConsumer<MemberContext>> =
            config.connect(&client, MemberContext::default())?;
        let waker = waker.clone();
        consumer.set_nonempty_callback(move || waker.wake());
        consumer.subscribe(&[stream])?;
        Ok(Member(consumer))
    }

    /// What happened since the last call.
    pub(super) fn poll(&self) -> Vec<MemberEvent> {
        let context = self.0.context();
        loop {
            context.noise.store(false, Ordering::Relaxed);
            match self.0.poll(Duration::ZERO) {
                Some(Err(error)) if is_denied(&error) => {
                    let problem = format!("it cannot be in its group any more: {error}");
                    context.events.lock().push(MemberEvent::Denied(problem));
                }
                Some(Err(error)) => tracing::debug!("membership: {error}"),
                Some(Ok(_)) => {}
                // An event that is no message also ends a poll; only a silent one says that the queue is empty.
                None if context.noise.load(Ordering::Relaxed) => {}
                None => break,
            }
        }
        std::mem::take(&mut *context.events.lock())
    }

    pub(super) fn has_broker(&self) -> bool {
        has_broker(self.0.client())
    }

    /// Commits offsets for tools that display lag; nothing is ever resumed from them.
    pub(super) fn commit_for_display(&self, list: &TopicPartitionList) {
        if let Err(error) = self.0.commit(list, rdkafka::consumer::CommitMode::Async) {
            tracing::debug!("offsets for lag displays were not committed: {error}");
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        before_drop(&self.0);
    }
}

/// Context of consumers that are assigned by hand.
pub(crate) struct DataContext;

impl ClientContext for DataContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client_log::line(DATA, level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        client_log::error(DATA, &error, reason);
    }
}

impl ConsumerContext for DataContext {}

/// Settings of a consumer that joins its group.
pub(crate) fn member_config(config: &Config, group: &str) -> ClientConfig {
    let session = config.session_timeout_ms;
    let mut client = consumer_config(config, group);
    client
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("session.timeout.ms", session.to_string())
        .set("heartbeat.interval.ms", (session / 4).max(100).to_string());
    // A graceful stop waits for the last commit. What waits for others on purpose, such as to join, has limits of its own.
    if client.get("socket.timeout.ms").is_none() {
        client.set("socket.timeout.ms", "10000");
    }
    client
}

fn consumer_config(config: &Config, group: &str) -> ClientConfig {
    let mut client = config.client();
    let defaults = [
        ("group.id", group),
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("allow.auto.create.topics", "false"),
        // One Fetch at a time goes to a broker: a partition that is added waits for the one before it to return.
        ("fetch.wait.max.ms", "100"),
        ("fetch.queue.backoff.ms", "2"),
        ("queued.min.messages", "100000"),
        ("socket.nagle.disable", "true"),
    ];
    for (property, value) in defaults {
        if client.get(property).is_none() {
            client.set(property, value);
        }
    }
    client
}

/// The consumer of the inputs, and of the own stream while it is restored: assigned by hand, read in bulk. It
/// `tells_ends` of partitions where somebody waits for them.
pub(super) fn data_consumer(
    config: &Config,
    group: &str,
    waker: &Waker,
    tells_ends: bool,
) -> Result<Arc<Connected<BaseConsumer<DataContext>>>, KafkaError> {
    let mut client = consumer_config(config, group);
    client.set("enable.partition.eof", tells_ends.to_string());
    // Never a guess: an input whose records were deleted before they were decided stops the worker.
    client.set("auto.offset.reset", "error");
    let mut consumer: Connected<BaseConsumer<DataContext>> =
        config.connect(&client, DataContext)?;
    let waker = waker.clone();
    consumer.set_nonempty_callback(move || waker.wake());
    Ok(Arc::new(consumer))
}

/// Context of producers; delivery reports are taken in bulk, and do not come by here.
pub(crate) struct AppendContext;

impl ClientContext for AppendContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client_log::line(APPENDS, level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        client_log::error(APPENDS, &error, reason);
    }
}

impl ProducerContext for AppendContext {
    type DeliveryOpaque = usize;

    /// Only a producer that is dropped still reports here: what became of its records is for the next owner to find.
    fn delivery(&self, _: &DeliveryResult<'_>, _: usize) {}
}

/// Appends records to one topic; reports what became of them.
pub(crate) struct Appender(Producing<AppendContext>);

impl Appender {
    pub(crate) fn new(config: &Config, topic: &str, waker: &Waker) -> Result<Self, KafkaError> {
        let mut client = config.client();
        let defaults = [
            ("compression.codec", "lz4"),
            // The next batch goes when the one before is acknowledged: a natural group commit.
            ("max.in.flight.requests.per.connection", "1"),
            ("linger.ms", "0"),
            ("batch.num.messages", "100000"),
            ("queue.buffering.max.messages", "1000000"),
            ("queue.buffering.max.kbytes", "1048576"),
            ("socket.nagle.disable", "true"),
        ];
        for (property, value) in defaults {
            if client.get(property).is_none() {
                client.set(property, value);
            }
        }
        // The protocol's own assumptions; no configuration may weaken them.
        client
            .set("enable.idempotence", "true")
            .set("enable.gapless.guarantee", "true")
            .set("acks", "all")
            .set("message.timeout.ms", "0");
        let producer = config.connect(&client, AppendContext)?;
        let waker = waker.clone();
        let producing = Producing::new(producer, topic, move || waker.wake())?;
        Ok(Appender(producing))
    }

    /// Hands a record to the producer. While the producer's queue is full it waits and takes delivery reports, for
    /// `patience` since `full_since`.
    pub(crate) fn send(
        &self,
        record: &Outgoing<'_>,
        deliveries: &mut Vec<Delivery>,
        patience: Duration,
        full_since: &mut Option<Instant>,
    ) -> Result<(), KafkaError> {
        loop {
            match self.0.send(record) {
                Err(KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull))
                    if full_since.get_or_insert_with(Instant::now).elapsed() <= patience =>
                {
                    self.drain(deliveries);
                    Waker::sleep(Duration::from_millis(1));
                }
                sent => return sent,
            }
        }
    }

    pub(crate) fn has_broker(&self) -> bool {
        self.0.has_broker()
    }

    /// Moves all delivery reports that wait into `out`.
    pub(crate) fn drain(&self, out: &mut Vec<Delivery>) {
        self.0.deliveries(out);
    }
}
