//! Routers: forward copies of events to the aggregates that they concern, through the aggregate's inbox.
//!
//! A router reads its sources as a consumer group of its own. It forwards valid records only, commits after the
//! acknowledgement, keeps the fence in force with its offset, and is thrown away whole on any error. So it may repeat,
//! never skip; the aggregate recognises repeats by the origin's position that a copy keeps.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use kolo_core::stream::{Cursor, StreamReader, Verdict};
use kolo_core::wire::{self, Record, Source, Stamp};
use kolo_core::{EventId, Path, Position, TopicId, partition_of};
use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers as _, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde::{Deserialize, Serialize};

use crate::native::{Delivery, Outgoing};
use crate::topics::{Role, TopicAdmin, roles};
use crate::wake::Waker;
use crate::worker::clients::{Appender, member_config};
use crate::worker::record::{Beside, record_of};
use crate::worker::{End, RunError, Spec, restart_until_end};

/// How often acknowledged progress is committed.
const COMMIT_INTERVAL: Duration = Duration::from_millis(500);
/// Copies in flight before reading pauses.
const MAX_IN_FLIGHT: usize = 20_000;
const BATCH: usize = 256;
const IDLE: Duration = Duration::from_millis(100);
const FAREWELL: Duration = Duration::from_secs(5);

/// Routes of one aggregate.
pub(crate) struct Router {
    spec: Arc<Spec>,
    waker: Waker,
}

impl Router {
    pub(crate) fn new(spec: Arc<Spec>) -> Self {
        Router {
            spec,
            waker: Waker::default(),
        }
    }

    pub(crate) fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Runs until the process stops or cannot go on.
    pub(crate) fn run(self) -> Result<(), RunError> {
        self.waker.bind();
        let name = format!("{}.router", self.spec.name());
        let signals = Arc::clone(&self.spec.signals);
        restart_until_end(&name, &signals, || {
            match Session::open(&self.spec, &name, &self.waker) {
                Ok(mut session) => session.work().map_or_else(|end| end, |()| End::Stopped),
                Err(end) => end,
            }
        })
    }
}

#[derive(Debug)]
enum Moved {
    Assigned(Vec<(String, i32)>),
    Revoked(Vec<(String, i32)>),
}

#[derive(Default)]
struct RouterContext {
    moved: Mutex<Vec<Moved>>,
    noise: AtomicBool,
}

impl ClientContext for RouterContext {
    fn error(&self, error: KafkaError, reason: &str) {
        self.noise.store(true, Ordering::Relaxed);
        tracing::debug!("router: {error}: {reason}");
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

/// One source partition.
struct Place {
    number: usize,
    reader: StreamReader,
    /// The offset at which the first record is due; none if nothing was ever committed.
    resumes_at: Option<i64>,
    /// Whether the reader was sent back to that offset.
    sought: bool,
    /// The last copy that went to each partition of the inbox: the next one names it.
    sent: HashMap<i32, Position>,
    /// How many records were read here.
    read: u64,
    /// The last of them: from the first one with a copy that is not acknowledged.
    open: VecDeque<Forwarded>,
    /// The next offset, and the fence in force there, of what is acknowledged without a hole.
    committable: Option<(i64, Option<Cursor>)>,
    committed: Option<i64>,
}

struct Forwarded {
    next: i64,
    cursor: Option<Cursor>,
    copies: usize,
}

struct Session<'a> {
    spec: &'a Arc<Spec>,
    name: &'a str,
    inbox_partitions: i32,
    sources: HashMap<String, TopicId>,
    consumer: BaseConsumer<RouterContext>,
    appender: Appender,
    places: HashMap<(String, i32), Place>,
    /// Which source partition a delivery report belongs to: a place's number, in the order of assignment.
    by_number: Vec<(String, i32)>,
    waiting: HashMap<usize, (usize, u64)>,
    token: usize,
    in_flight: usize,
    moved_at: Instant,
    committed_at: Instant,
    deliveries: Vec<Delivery>,
    keys: Vec<String>,
    topics_version: u64,
}

impl<'a> Session<'a> {
    fn open(spec: &'a Arc<Spec>, name: &'a str, waker: &Waker) -> Result<Self, End> {
        let client = |source: KafkaError| RunError::Client {
            aggregate: name.to_owned(),
            source,
        };
        let topics_version = spec.signals.topics_version.load(Ordering::Relaxed);
        let all = roles(&spec.service, &spec.description);
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        let topics = TopicAdmin::new(&spec.config)
            .map_err(client)?
            .describe(&names)
            .map_err(|error| End::Restart(error.to_string()))?;
        let inbox = spec.service.inbox(spec.description.aggregate);
        let inbox_partitions = topics.get(&inbox).map_or(0, |topic| topic.partitions);
        let sources = all.iter().filter(|(_, role)| *role == Role::RouteSource);
        let sources: HashMap<String, TopicId> = sources
            .filter_map(|(name, _)| Some((name.clone(), topics.get(name)?.id)))
            .collect();
        if inbox_partitions == 0 || sources.len() < spec.description.routed_topics().len() {
            return Err(End::Restart(
                "a topic is gone: create it, or start the service again".into(),
            ));
        }
        let mut consumer = member_config(&spec.config, name);
        // A source that was never forwarded is forwarded from its beginning; the sources keep their records.
        consumer.set("auto.offset.reset", "earliest");
        let mut consumer: BaseConsumer<RouterContext> = consumer
            .create_with_context(RouterContext::default())
            .map_err(client)?;
        let woken = waker.clone();
        consumer.set_nonempty_callback(move || woken.wake());
        let subscribed: Vec<&str> = sources.keys().map(String::as_str).collect();
        consumer.subscribe(&subscribed).map_err(client)?;
        Ok(Session {
            appender: Appender::new(&spec.config, &inbox, waker).map_err(client)?,
            consumer,
            spec,
            name,
            inbox_partitions,
            sources,
            places: HashMap::new(),
            by_number: Vec::new(),
            waiting: HashMap::new(),
            token: 0,
            in_flight: 0,
            moved_at: Instant::now(),
            committed_at: Instant::now(),
            deliveries: Vec::new(),
            keys: Vec::new(),
            topics_version,
        })
    }

    fn work(&mut self) -> Result<(), End> {
        let mut looped_at = Instant::now();
        while !self.spec.signals.stopping() {
            let now = Instant::now();
            if now - looped_at > self.spec.config.session_timeout() / 2 {
                return Err(End::Restart(format!(
                    "the process did not run for {:.1?}",
                    now - looped_at
                )));
            }
            looped_at = now;
            if self.spec.signals.topics_version.load(Ordering::Relaxed) != self.topics_version {
                return Err(End::Restart("a topic was deleted and created again".into()));
            }
            let mut busy = self.take_deliveries(now)?;
            busy |= self.read()?;
            if now - self.committed_at > COMMIT_INTERVAL {
                self.committed_at = now;
                self.commit(CommitMode::Async);
            }
            if !busy {
                Waker::sleep(IDLE);
            }
        }
        let until = Instant::now() + FAREWELL;
        while self.in_flight > 0 && Instant::now() < until {
            if !self.take_deliveries(Instant::now())? {
                Waker::sleep(Duration::from_millis(10));
            }
        }
        self.commit(CommitMode::Sync);
        self.consumer.unsubscribe();
        Ok(())
    }

    fn read(&mut self) -> Result<bool, End> {
        let mut busy = false;
        for _ in 0..BATCH {
            if self.in_flight >= MAX_IN_FLIGHT {
                break;
            }
            self.consumer
                .context()
                .noise
                .store(false, Ordering::Relaxed);
            let polled = self.consumer.poll(Duration::ZERO);
            let moved = std::mem::take(&mut *self.consumer.context().moved.lock());
            // The message was fetched under the assignment that was just changed: it is read again, or not ours.
            if !moved.is_empty() {
                drop(polled);
                for event in moved {
                    self.follow(event)?;
                }
                busy = true;
                continue;
            }
            match polled {
                None if self.consumer.context().noise.load(Ordering::Relaxed) => {}
                None => break,
                Some(Err(error)) => match error.rdkafka_error_code() {
                    Some(
                        RDKafkaErrorCode::UnknownTopicOrPartition
                        | RDKafkaErrorCode::UnknownTopicId,
                    ) => {
                        return Err(End::Restart(format!("a source is gone: {error}")));
                    }
                    _ => tracing::debug!("{}: {error}", self.name),
                },
                Some(Ok(message)) => {
                    busy = true;
                    let mut forward = Forward {
                        spec: self.spec,
                        inbox_partitions: self.inbox_partitions,
                        sources: &self.sources,
                        appender: &self.appender,
                        places: &mut self.places,
                        waiting: &mut self.waiting,
                        token: &mut self.token,
                        in_flight: &mut self.in_flight,
                        keys: &mut self.keys,
                        deliveries: &mut self.deliveries,
                    };
                    forward.message(&message, &self.consumer)?;
                }
            }
        }
        Ok(busy)
    }

    fn follow(&mut self, event: Moved) -> Result<(), End> {
        match event {
            Moved::Revoked(partitions) => {
                for place in partitions {
                    self.places.remove(&place);
                }
            }
            Moved::Assigned(partitions) => {
                let mut list = TopicPartitionList::new();
                for (topic, partition) in &partitions {
                    list.add_partition(topic, *partition);
                }
                let committed = self
                    .consumer
                    .committed_offsets(list, Duration::from_secs(10))
                    .map_err(|error| {
                        End::Restart(format!("committed offsets cannot be read: {error}"))
                    })?;
                for element in committed.elements() {
                    let place = (element.topic().to_owned(), element.partition());
                    let kept: Option<Kept> = serde_json::from_str(element.metadata()).ok();
                    let kept = kept.filter(|kept| self.sources.get(&place.0) == Some(&kept.topic));
                    let cursor = kept.and_then(|kept| kept.cursor);
                    let resumes_at = match element.offset() {
                        Offset::Offset(offset) if kept.is_some() => Some(offset),
                        // The progress in a topic of this name that was deleted since: the new one is read from its start.
                        Offset::Offset(_) => Some(0),
                        _ => None,
                    };
                    let number = self.by_number.len();
                    self.by_number.push(place.clone());
                    let reader = StreamReader::resume(cursor);
                    let open = VecDeque::new();
                    let known = Place {
                        number,
                        reader,
                        resumes_at,
                        sought: false,
                        sent: HashMap::new(),
                        read: 0,
                        open,
                        committable: None,
                        committed: resumes_at,
                    };
                    self.places.insert(place, known);
                }
            }
        }
        Ok(())
    }

    fn take_deliveries(&mut self, now: Instant) -> Result<bool, End> {
        let mut deliveries = std::mem::take(&mut self.deliveries);
        self.appender.drain(&mut deliveries);
        let busy = !deliveries.is_empty();
        if busy || self.in_flight == 0 {
            self.moved_at = now;
        } else if now - self.moved_at > Duration::from_millis(self.spec.config.append_timeout_ms) {
            return Err(End::Restart(format!(
                "{} copies were not acknowledged",
                self.in_flight
            )));
        }
        for delivery in deliveries.drain(..) {
            if let Err(error) = delivery.outcome {
                return Err(End::Restart(format!("a copy failed: {error}")));
            }
            self.in_flight -= 1;
            self.acknowledged(delivery.token);
        }
        self.deliveries = deliveries;
        Ok(busy)
    }

    fn acknowledged(&mut self, token: usize) {
        let Some((number, sequence)) = self.waiting.remove(&token) else {
            return;
        };
        let place = self
            .places
            .get_mut(&self.by_number[number])
            .filter(|place| place.number == number);
        let Some(place) = place else { return };
        let first = place.read - place.open.len() as u64;
        let at = usize::try_from(sequence - first).unwrap_or(usize::MAX);
        if let Some(open) = place.open.get_mut(at) {
            open.copies -= 1;
        }
        place.settle();
    }

    fn commit(&mut self, mode: CommitMode) {
        let mut list = TopicPartitionList::new();
        for ((topic, partition), place) in &mut self.places {
            let Some((next, cursor)) = place
                .committable
                .filter(|(next, _)| Some(*next) != place.committed)
            else {
                continue;
            };
            let mut element = list.add_partition(topic, *partition);
            let kept = self.sources.get(topic).map(|&topic| Kept { topic, cursor });
            let metadata = kept.and_then(|kept| serde_json::to_string(&kept).ok());
            element.set_metadata(metadata.unwrap_or_default());
            if element.set_offset(Offset::Offset(next)).is_ok() {
                place.committed = Some(next);
            }
        }
        if list.count() > 0
            && let Err(error) = self.consumer.commit(&list, mode)
        {
            tracing::debug!("{}: commit: {error}", self.name);
        }
    }
}

impl Place {
    fn settle(&mut self) {
        while let Some(done) = self.open.pop_front_if(|first| first.copies == 0) {
            self.committable = Some((done.next, done.cursor));
        }
    }
}

/// Forwards one message: the parts of the session that are free while the consumer lends the message.
struct Forward<'a> {
    spec: &'a Arc<Spec>,
    inbox_partitions: i32,
    sources: &'a HashMap<String, TopicId>,
    appender: &'a Appender,
    places: &'a mut HashMap<(String, i32), Place>,
    waiting: &'a mut HashMap<usize, (usize, u64)>,
    token: &'a mut usize,
    in_flight: &'a mut usize,
    keys: &'a mut Vec<String>,
    deliveries: &'a mut Vec<Delivery>,
}

impl Forward<'_> {
    fn message(
        &mut self,
        message: &BorrowedMessage<'_>,
        consumer: &BaseConsumer<RouterContext>,
    ) -> Result<(), End> {
        let record = record_of(message);
        let topic = message.topic();
        let at = (topic.to_owned(), message.partition());
        let Some(place) = self.places.get_mut(&at) else {
            return Ok(());
        };
        if let Some(due) = place.resumes_at {
            // The fence in force was kept with `due`: what is read must begin there. Somebody committed in between, or
            // no record stands at `due`: then the reader is sent back once, and what comes is behind it.
            if record.offset != due && !place.sought {
                place.sought = true;
                return consumer
                    .seek(
                        topic,
                        message.partition(),
                        Offset::Offset(due),
                        Duration::from_secs(10),
                    )
                    .map_err(|error| {
                        End::Restart(format!("{topic} cannot be read at offset {due}: {error}"))
                    });
            }
            if record.offset > due && due > 0 {
                still_there(consumer, topic, message.partition(), due, self.spec)?;
            }
            place.resumes_at = None;
        }
        let wrong = |problem: String| -> End {
            RunError::Route {
                aggregate: self.spec.name(),
                place: format!(
                    "{topic} partition {} offset {}, key {}",
                    message.partition(),
                    record.offset,
                    record.key.map_or_else(
                        || "(none)".into(),
                        |key| String::from_utf8_lossy(key).into_owned()
                    )
                ),
                problem,
            }
            .into()
        };
        let verdict = place
            .reader
            .read(record.offset, &record.headers)
            .map_err(|error| wrong(error.to_string()))?;
        let stamp = match verdict {
            Verdict::Valid(stamp) | Verdict::Unfenced(Some(stamp)) => Some(Some(stamp)),
            Verdict::Unfenced(None) => Some(None),
            Verdict::Fence(_) | Verdict::Void(_) => None,
        };
        self.keys.clear();
        let event_type = record.headers.event_type.unwrap_or_default();
        if stamp.is_some()
            && let Some(routed) =
                self.spec
                    .participant
                    .route(event_type, record.value.unwrap_or_default(), self.keys)
        {
            routed.map_err(|error| wrong(error.to_string()))?;
        }
        let (number, sequence) = (place.number, place.read);
        place.read += 1;
        place.open.push_back(Forwarded {
            next: record.offset + 1,
            cursor: place.reader.cursor(),
            copies: self.keys.len(),
        });
        if self.keys.is_empty() {
            place.settle();
            return Ok(());
        }
        let topic_id = self
            .sources
            .get(topic)
            .copied()
            .unwrap_or(TopicId(uuid::Uuid::nil()));
        let mut sent = std::mem::take(&mut place.sent);
        let copied = self.copies(
            message,
            &record,
            topic_id,
            stamp.flatten(),
            (number, sequence),
            &mut sent,
        );
        if let Some(place) = self.places.get_mut(&at) {
            place.sent = sent;
        }
        copied
    }

    fn copies(
        &mut self,
        message: &BorrowedMessage<'_>,
        record: &Record<'_>,
        topic: TopicId,
        stamp: Option<Stamp>,
        (number, sequence): (usize, u64),
        sent: &mut HashMap<i32, Position>,
    ) -> Result<(), End> {
        let id = match record.headers.id {
            Some(id) => wire::event_id(id),
            None => EventId::of_place(topic, message.partition(), record.offset),
        };
        let id = id.to_string();
        let source = message.headers().and_then(|all| {
            all.iter()
                .find(|header| header.key == wire::CE_SOURCE)
                .and_then(|header| header.value)
        });
        let keys = std::mem::take(self.keys);
        for (copy, key) in (0u32..).zip(&keys) {
            let target = partition_of(key.as_bytes(), self.inbox_partitions);
            let position = Position {
                offset: record.offset,
                copy,
            };
            let copied = Stamp {
                // A fact from outside has none yet: the aggregate that decides derives it.
                correlation: stamp.and_then(|stamp| stamp.correlation),
                causation: stamp.and_then(|stamp| stamp.causation),
                writer: None,
                source: Source::Copy {
                    path: Path::CURRENT_ROUTE,
                    topic,
                    partition: message.partition(),
                    position,
                    // A copy that was lost with a router is missed by its successors, which are passed over then.
                    after: sent.insert(target, position),
                },
                index: 1,
                count: 1,
            };
            let stamp = copied.to_string();
            *self.token += 1;
            let beside = Beside {
                id: &id,
                source,
                event_type: record.headers.event_type,
                stamp: stamp.as_bytes(),
                rest: None,
                traceparent: record.headers.traceparent.map(str::as_bytes),
            };
            let copy = Outgoing {
                partition: target,
                timestamp_millis: record.timestamp.as_millis(),
                key: Some(key.as_bytes()),
                value: Some(record.value.unwrap_or_default()),
                headers: &beside.headers(),
                token: *self.token,
            };
            let patience = self.spec.config.session_timeout() / 4;
            self.appender
                .send(&copy, self.deliveries, patience, &mut None)
                .map_err(|error| End::Restart(format!("a copy was refused: {error}")))?;
            self.waiting.insert(*self.token, (number, sequence));
            *self.in_flight += 1;
        }
        *self.keys = keys;
        Ok(())
    }
}

/// What a router commits beside an offset.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Kept {
    /// The topic that the offset is of: a recreated one has another id, and offsets of its own.
    topic: TopicId,
    /// The fence in force there.
    cursor: Option<Cursor>,
}

/// An offset may have no record, since transactions leave such behind; a record that was due must not be gone.
fn still_there(
    consumer: &BaseConsumer<RouterContext>,
    topic: &str,
    partition: i32,
    due: i64,
    spec: &Spec,
) -> Result<(), End> {
    let (low, _) = consumer
        .fetch_watermarks(topic, partition, Duration::from_secs(10))
        .map_err(|error| {
            End::Restart(format!("{topic} cannot be asked for its offsets: {error}"))
        })?;
    if low <= due {
        return Ok(());
    }
    Err(RunError::Lost {
        aggregate: format!("{}.router", spec.name()),
        lost: format!("{topic} partition {partition} begins at offset {low}, and {due} is due"),
    }
    .into())
}
