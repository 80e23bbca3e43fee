//! Session: one life of a router, from joining its group until everything is thrown away.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use kolo_core::TopicId;
use kolo_core::stream::StreamReader;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::acls::Part;
use crate::meters::{RouterMeters, counts};
use crate::native::{Connected, Delivery, has_broker};
use crate::topics::{Role, is_denied, roles};
use crate::wake::Waker;
use crate::watch::Silences;
use crate::worker::clients::{APPENDS, Appender, before_drop, member_config};
use crate::worker::{End, RunError, Spec};

use super::Router;
use super::forward::Forward;
use super::membership::{Moved, ROUTER, RouterContext};
use super::place::{Kept, Place};

/// How often acknowledged progress is committed.
const COMMIT_INTERVAL: Duration = Duration::from_millis(500);
/// How often librdkafka tells which sources are read to their ends, in milliseconds.
const ENDS_TOLD_MS: &str = "5000";
/// Copies in flight before reading pauses.
const MAX_IN_FLIGHT: usize = 20_000;
const BATCH: usize = 256;
const IDLE: Duration = Duration::from_millis(100);
const FAREWELL: Duration = Duration::from_secs(5);

pub(super) struct Session<'a> {
    pub(super) spec: &'a Arc<Spec>,
    pub(super) meters: &'a RouterMeters,
    name: &'a str,
    waker: &'a Waker,
    inbox_partitions: i32,
    sources: HashMap<String, TopicId>,
    pub(super) consumer: Connected<BaseConsumer<RouterContext>>,
    appender: Appender,
    pub(super) places: HashMap<(String, i32), Place>,
    /// Which source partition a delivery report belongs to: a place's number, in the order of assignment.
    by_number: Vec<(String, i32)>,
    waiting: HashMap<usize, (usize, u64)>,
    token: usize,
    in_flight: usize,
    moved_at: Instant,
    committed_at: Instant,
    /// When the sources are looked at again.
    pub(super) measure_at: Instant,
    deliveries: Vec<Delivery>,
    keys: Vec<String>,
    topics_version: u64,
    silences: Silences<2>,
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        before_drop(&self.consumer);
    }
}

impl<'a> Session<'a> {
    pub(super) fn open(router: &'a Router, name: &'a str) -> Result<Self, End> {
        let Router {
            spec,
            meters,
            waker,
        } = router;
        let client = |source: KafkaError| RunError::Client {
            aggregate: name.to_owned(),
            source,
        };
        let topics_version = spec.signals.topics_version.load(Ordering::Relaxed);
        let all = roles(&spec.service, &spec.description);
        let topics = spec.topics(Part::Router)?;
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
        if counts() {
            consumer.set("statistics.interval.ms", ENDS_TOLD_MS);
        }
        let mut consumer: Connected<BaseConsumer<RouterContext>> = spec
            .config
            .connect(&consumer, RouterContext::default())
            .map_err(client)?;
        let woken = waker.clone();
        consumer.set_nonempty_callback(move || woken.wake());
        let subscribed: Vec<&str> = sources.keys().map(String::as_str).collect();
        consumer.subscribe(&subscribed).map_err(client)?;
        Ok(Session {
            appender: Appender::new(&spec.config, &inbox, waker).map_err(client)?,
            consumer,
            spec,
            meters,
            name,
            waker,
            inbox_partitions,
            sources,
            places: HashMap::new(),
            by_number: Vec::new(),
            waiting: HashMap::new(),
            token: 0,
            in_flight: 0,
            moved_at: Instant::now(),
            committed_at: Instant::now(),
            measure_at: Instant::now(),
            deliveries: Vec::new(),
            keys: Vec::new(),
            topics_version,
            silences: Silences::new(&spec.signals),
        })
    }

    pub(super) fn work(&mut self) -> Result<(), End> {
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
            self.check_clients()?;
            let mut busy = self.take_deliveries(now)?;
            busy |= self.read()?;
            self.measure(now);
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
        Ok(())
    }

    fn check_clients(&mut self) -> Result<(), End> {
        let (consumer, appender) = (&self.consumer, &self.appender);
        self.silences.look(&self.spec.signals, || {
            [
                (ROUTER, has_broker(consumer.client())),
                (APPENDS, appender.has_broker()),
            ]
        })
    }

    fn read(&mut self) -> Result<bool, End> {
        let mut busy = false;
        let mut full_since = None;
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
                    _ if is_denied(&error) => {
                        return Err(End::Restart(format!("it cannot go on: {error}")));
                    }
                    _ => tracing::debug!("{}: {error}", self.name),
                },
                Some(Ok(message)) => {
                    busy = true;
                    let mut forward = Forward {
                        spec: self.spec,
                        waker: self.waker,
                        inbox_partitions: self.inbox_partitions,
                        sources: &self.sources,
                        appender: &self.appender,
                        places: &mut self.places,
                        waiting: &mut self.waiting,
                        token: &mut self.token,
                        in_flight: &mut self.in_flight,
                        keys: &mut self.keys,
                        deliveries: &mut self.deliveries,
                        full_since: &mut full_since,
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
                // What was told is of an earlier assignment.
                self.consumer.context().ends.lock().clear();
                let mut list = TopicPartitionList::new();
                for (topic, partition) in &partitions {
                    list.add_partition(topic, *partition);
                }
                let committed = self
                    .consumer
                    .committed_offsets(list, self.spec.config.answer_timeout())
                    .map_err(|error| {
                        End::Restart(format!("committed offsets cannot be read: {error}"))
                    })?;
                for element in committed.elements() {
                    let place = (element.topic().to_owned(), element.partition());
                    let topic = self.sources.get(&place.0);
                    let kept = topic.and_then(|&topic| Kept::of(topic, &element));
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
                        read_at: None,
                        since: Instant::now(),
                        ended: None,
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
