//! A session: a worker's clients and what it owns, from joining the group until all of it is thrown away.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use hashbrown::HashMap;
use kolo_core::processor::{EpochEnd, InputTopic, Outbox, Outcome, ProcessorError};
use kolo_core::{EffectCall, Timestamp, TopicId};
use kolo_registry::Writer;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::effects::{Ended, ReplyTo};
use crate::framing::Unknown;
use crate::native::{Consumed, Delivery, Message, Taken, has_broker};
use crate::topics::{Role, TopicAdmin, Topics, roles};
use crate::wake::Waker;
use crate::watch::Silences;

use super::backlog::Ends;
use super::clients::{
    APPENDS, Appender, DATA, DataContext, MEMBERSHIP, Member, MemberEvent, data_consumer,
};
use super::partition::{Partition, Phase};
use super::record::now;
use super::snapshots::Round;
use super::{End, RunError, Spec, Worker};

/// How many records are decided at most before deliveries, replies and the membership are looked at again.
const BATCH: usize = 1024;
/// The same where each of them may wait for the disk.
const COLD_BATCH: usize = 64;
/// How long the loop sleeps at most when there is nothing to do.
const IDLE: Duration = Duration::from_millis(100);
/// How long a graceful stop waits for acknowledgements, and for having left the group.
const FAREWELL: Duration = Duration::from_secs(10);

/// A batch of records that is not handled to its end.
#[derive(Debug, Clone, Copy)]
struct Held {
    /// The first that is not handled.
    from: usize,
    /// The latest generation when it was taken: whoever owns a partition by a later one has it read again.
    generation: u32,
    /// What the first waits for.
    waits_for: Option<Unknown>,
}

pub(super) struct Session<'a> {
    pub(super) spec: &'a Arc<Spec>,
    pub(super) ended: &'a Receiver<Ended>,
    pub(super) reply_to: &'a ReplyTo,
    pub(super) ends: &'a Receiver<Ends>,
    pub(super) tell_ends: &'a Sender<Ends>,
    pub(super) waker: &'a Waker,
    pub(super) name: String,
    /// The `ce_source` of everything appended here.
    pub(super) source: String,
    pub(super) partition_count: i32,
    pub(super) stream: TopicId,
    pub(super) inputs: Vec<InputTopic>,
    pub(super) routed: Vec<InputTopic>,
    pub(super) member: Member,
    pub(super) data: Arc<BaseConsumer<DataContext>>,
    /// What was read last; it moves out while it is decided.
    consumed: Option<Consumed<DataContext>>,
    /// The partition whose answers wait in the outbox while a batch is decided.
    deciding: Option<i32>,
    pub(super) appender: Appender,
    /// By partition number.
    pub(super) partitions: Vec<Option<Partition>>,
    /// Partitions that are assigned, and when to take each over, after how many replacements.
    pub(super) to_take: VecDeque<(Instant, i32)>,
    pub(super) replacements: HashMap<i32, u32>,
    pub(super) generation: u32,
    /// Records produced without a delivery report, and since when nothing has moved.
    pub(super) unacknowledged: usize,
    pub(super) moved_at: Instant,
    pub(super) outbox: Outbox,
    /// What own events are written with, where there is a schema registry; and the value of the last.
    pub(super) writer: Option<Arc<Writer>>,
    pub(super) framed: Vec<u8>,
    /// The batch that was taken last, if not all of it is handled.
    held: Option<Held>,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) calls: Vec<EffectCall>,
    pub(super) marked_at: Instant,
    pub(super) round: Round,
    topics_version: u64,
    silences: Silences<3>,
}

impl<'a> Session<'a> {
    pub(super) fn open(worker: &'a Worker, writer: Option<Arc<Writer>>) -> Result<Self, End> {
        let Worker {
            spec,
            waker,
            ended,
            reply_to,
            ends,
            tell_ends,
        } = worker;
        let name = spec.name();
        let client = |source: KafkaError| RunError::Client {
            aggregate: name.clone(),
            source,
        };
        let topics_version = spec.signals.topics_version.load(Ordering::Relaxed);
        let all = roles(&spec.service, &spec.description);
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        let topics: Topics = TopicAdmin::new(&spec.config)
            .map_err(client)?
            .describe(&names)
            .map_err(|error| End::Restart(error.to_string()))?;
        let with = |role: Role| -> Vec<InputTopic> {
            let topics = all
                .iter()
                .filter(|(_, known)| *known == role)
                .filter_map(|(name, _)| {
                    topics.get(name).map(|topic| InputTopic {
                        name: name.clone(),
                        id: topic.id,
                    })
                });
            topics.collect()
        };
        let mut inputs = with(Role::Input);
        inputs.extend(with(Role::Inbox));
        let gone = || End::Restart("a topic is gone: create it, or start the service again".into());
        let stream = topics.get(spec.description.stream).ok_or_else(gone)?;
        let (stream, partition_count) = (stream.id, stream.partitions);
        if inputs.len() + 1 + with(Role::RouteSource).len() < names.len() || partition_count == 0 {
            return Err(gone());
        }
        let batch = if spec.cold.is_some() {
            COLD_BATCH
        } else {
            BATCH
        };
        let tells_ends = spec.questions.is_some();
        let data = data_consumer(&spec.config, &name, waker, tells_ends).map_err(client)?;
        Ok(Session {
            member: Member::join(&spec.config, &name, spec.description.stream, waker)
                .map_err(client)?,
            consumed: Some(Consumed::new(Arc::clone(&data), batch)),
            deciding: None,
            data,
            appender: Appender::new(&spec.config, spec.description.stream, waker)
                .map_err(client)?,
            source: format!("/{}/{}", spec.service.name(), spec.description.aggregate),
            routed: with(Role::RouteSource),
            partitions: (0..partition_count).map(|_| None).collect(),
            to_take: VecDeque::new(),
            replacements: HashMap::new(),
            generation: 0,
            unacknowledged: 0,
            moved_at: Instant::now(),
            outbox: Outbox::default(),
            writer,
            framed: Vec::new(),
            held: None,
            deliveries: Vec::new(),
            calls: Vec::new(),
            marked_at: Instant::now(),
            spec,
            ended,
            reply_to,
            ends,
            tell_ends,
            waker,
            name,
            partition_count,
            stream,
            inputs,
            round: Round::new(&spec.config),
            topics_version,
            silences: Silences::new(&spec.signals),
        })
    }

    pub(super) fn run(&mut self) -> End {
        match self.work() {
            Ok(()) => End::Stopped,
            Err(end) => end,
        }
    }

    fn work(&mut self) -> Result<(), End> {
        let session = self.spec.config.session_timeout();
        let mut looped_at = Instant::now();
        while !self.spec.signals.stopping() {
            let began = Instant::now();
            // A process that was paused has lost its membership without knowing it. It must not decide on.
            if began - looped_at > session / 2 {
                return Err(End::Restart(format!(
                    "the process did not run for {:.1?}",
                    began - looped_at
                )));
            }
            looped_at = began;
            self.check(began)?;
            let mut busy = self.follow_membership(began)?;
            busy |= self.take_deliveries()?;
            busy |= self.load_snapshots()?;
            // While a round of snapshots waits for acknowledgements, nothing new is begun.
            if !self.round.is_settling() {
                busy |= self.take_replies()?;
                busy |= self.read()?;
                busy |= self.pass_deadlines()?;
            }
            self.mark_positions(began)?;
            busy |= self.take_snapshots(began)?;
            if !busy {
                Waker::sleep(self.to_take.front().map_or(IDLE, |(at, _)| {
                    at.saturating_duration_since(began).min(IDLE)
                }));
            }
        }
        self.leave()
    }

    /// Watches what nobody reports.
    fn check(&mut self, now: Instant) -> Result<(), End> {
        let limit = Duration::from_millis(self.spec.config.append_timeout_ms);
        if self.unacknowledged == 0 {
            self.moved_at = now;
        } else if now - self.moved_at > limit {
            let waiting = self.unacknowledged;
            return Err(End::Restart(format!(
                "{waiting} appends were not acknowledged for {limit:?}"
            )));
        }
        if self.spec.signals.topics_version.load(Ordering::Relaxed) != self.topics_version {
            return Err(End::Restart("a topic was deleted and created again".into()));
        }
        let (member, data, appender) = (&self.member, &self.data, &self.appender);
        self.silences.look(&self.spec.signals, || {
            [
                (MEMBERSHIP, member.has_broker()),
                (DATA, has_broker(data.client())),
                (APPENDS, appender.has_broker()),
            ]
        })
    }

    fn follow_membership(&mut self, now: Instant) -> Result<bool, End> {
        let events = self.member.poll();
        let mut busy = !events.is_empty();
        for event in events {
            match event {
                MemberEvent::Assigned(partitions) => {
                    self.to_take
                        .extend(partitions.into_iter().map(|partition| (now, partition)));
                }
                MemberEvent::Revoked(partitions) => {
                    self.to_take
                        .retain(|(_, partition)| !partitions.contains(partition));
                    for partition in partitions {
                        self.take_last_snapshot(partition);
                        self.drop_partition(partition)?;
                    }
                }
            }
        }
        while let Some(&(at, partition)) = self.to_take.front()
            && at <= now
        {
            self.to_take.pop_front();
            self.take_over(partition)?;
            busy = true;
        }
        Ok(busy)
    }

    /// Reads and decides a batch of records. Their answers are produced together, so that they travel together.
    fn read(&mut self) -> Result<bool, End> {
        if self.unacknowledged >= self.spec.config.max_in_flight_records {
            return Ok(false);
        }
        let Some(mut consumed) = self.consumed.take() else {
            return Ok(false);
        };
        let batch = self.held.take().unwrap_or_else(|| {
            consumed.take();
            Held {
                from: 0,
                generation: self.generation,
                waits_for: None,
            }
        });
        let handled = self.handle(&consumed, batch);
        if self.held.is_none() {
            consumed.clear();
        }
        self.consumed = Some(consumed);
        let handled = handled?;
        self.produce_decided()?;
        Ok(handled > 0)
    }

    /// Handles a batch, up to a record that must wait. Says how many were handled.
    fn handle(&mut self, consumed: &Consumed<DataContext>, batch: Held) -> Result<usize, End> {
        let now = now();
        let mut handled = 0;
        for taken in consumed.iter_from(batch.from) {
            match taken {
                Ok(Taken::Message(message)) => {
                    if let Some(unknown) = self.waits_for(&message, &batch) {
                        self.held = Some(Held {
                            from: batch.from + handled,
                            waits_for: Some(unknown),
                            ..batch
                        });
                        break;
                    }
                    self.take_message(&message, batch.generation, now)?;
                }
                Ok(Taken::End {
                    topic,
                    partition,
                    offset,
                }) => self.reached_end(topic, partition, batch.generation, offset),
                Err(error) => self.read_failed(&error)?,
            }
            handled += 1;
        }
        Ok(handled)
    }

    /// What the schema registry must say before a record can be decoded. It is asked once for each record that waits.
    fn waits_for(&self, message: &Message<'_>, batch: &Held) -> Option<Unknown> {
        let framing = self.spec.framing.as_ref()?;
        let unknown = framing.unknown(message.value())?;
        if batch.waits_for != Some(unknown) {
            tracing::info!(
                partition = message.partition(),
                offset = message.offset(),
                "{}: a record of `{}` waits until the schema registry at {} says what its schema id {} means",
                self.name,
                message.topic,
                framing.shown(),
                unknown.id
            );
            framing.ask(unknown, self.waker);
        }
        Some(unknown)
    }

    /// The partition's owner in this session, if it was there when a batch was taken: a later one reads what it needs itself.
    fn owned_since(&mut self, partition: i32, generation: u32) -> Option<&mut Partition> {
        self.owned(partition)
            .filter(|owned| owned.generation <= generation)
    }

    fn take_message(
        &mut self,
        message: &Message<'_>,
        generation: u32,
        now: Timestamp,
    ) -> Result<(), End> {
        let partition = message.partition();
        if message.topic == self.spec.description.stream {
            self.produce_decided()?;
            let Some(owned) = self.owned_since(partition, generation) else {
                return Ok(());
            };
            let step = owned.read_stream(&message.record());
            return self.step(partition, step);
        }
        if self.deciding != Some(partition) {
            self.produce_decided()?;
        }
        let input = self
            .inputs
            .iter()
            .position(|input| input.name == message.topic);
        let slot = usize::try_from(partition).unwrap_or(usize::MAX);
        let owned = self.partitions.get_mut(slot).and_then(Option::as_mut);
        let owned = owned.filter(|owned| owned.generation <= generation);
        let (Some(input), Some(owned)) = (input, owned) else {
            return Ok(());
        };
        if !matches!(owned.phase, Phase::Working { .. }) {
            return Ok(());
        }
        let record = message.record();
        owned.next[input] = Some(record.offset + 1);
        self.deciding = Some(partition);
        match owned
            .processor
            .handle(input, &record, now, &mut self.outbox)
        {
            Ok(Outcome::Unchained) => tracing::warn!(
                partition,
                "{}: a routed copy is passed over, since the one before it is missing; the next router repeats both",
                self.name
            ),
            Ok(Outcome::NotUnderstood) => tracing::warn!(
                partition,
                offset = record.offset,
                "{}: a control record in `{}` says nothing that is known here, and is passed over",
                self.name,
                message.topic
            ),
            Ok(Outcome::Parked) => self.tell_parked(partition),
            Ok(_) => {}
            Err(error) => return self.failed(partition, error),
        }
        Ok(())
    }

    /// The end of an input was reached: everything before it was handed out.
    fn reached_end(&mut self, topic: &str, partition: i32, generation: u32, offset: i64) {
        let input = self.inputs.iter().position(|input| input.name == topic);
        if let (Some(input), Some(owned)) = (input, self.owned_since(partition, generation)) {
            owned.next[input] = owned.next[input].max(Some(offset));
        }
    }

    /// Forgets the answers that are not produced yet: their owner is no more.
    pub(super) fn forget_decided(&mut self) {
        self.deciding = None;
        self.outbox.clear();
    }

    /// Produces the answers to the records that were decided since the last call.
    fn produce_decided(&mut self) -> Result<(), End> {
        match self.deciding.take() {
            Some(partition) => self.produce(partition),
            None => Ok(()),
        }
    }

    fn read_failed(&self, error: &KafkaError) -> Result<(), End> {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                // A topic that was just created again has no such offset either, and nothing of it is lost.
                self.check_topic_ids()?;
                let lost = format!(
                    "{error}; compare the topics' earliest offsets with the lag that the group {} shows",
                    self.name
                );
                Err(RunError::Lost {
                    aggregate: self.name.clone(),
                    lost,
                }
                .into())
            }
            // A topic that is gone, and may come back with another id.
            Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopicId) => {
                Err(End::Restart(format!("an input is gone: {error}")))
            }
            _ => {
                tracing::debug!("{}: {error}", self.name);
                Ok(())
            }
        }
    }

    /// Begins anew if an input is another topic by now, or cannot be asked about.
    fn check_topic_ids(&self) -> Result<(), End> {
        let names: Vec<&str> = self
            .inputs
            .iter()
            .map(|input| input.name.as_str())
            .collect();
        let now = TopicAdmin::new(&self.spec.config)
            .map_err(|error| self.client_error(error))?
            .describe(&names)
            .map_err(|error| End::Restart(error.to_string()))?;
        for input in &self.inputs {
            if now
                .get(&input.name)
                .is_none_or(|topic| topic.id != input.id)
            {
                return Err(End::Restart(format!(
                    "the topic `{}` was deleted and created again",
                    input.name
                )));
            }
        }
        Ok(())
    }

    /// Every so often, positions that no answer holds are made durable, and shown to lag displays.
    fn mark_positions(&mut self, at: Instant) -> Result<(), End> {
        if at - self.marked_at < Duration::from_millis(self.spec.config.marker_interval_ms) {
            return Ok(());
        }
        self.marked_at = at;
        let mut shown = TopicPartitionList::new();
        for partition in 0..self.partition_count {
            let mut outbox = std::mem::take(&mut self.outbox);
            if let Some(owned) = self.owned(partition)
                && matches!(owned.phase, Phase::Working { .. })
            {
                if owned.processor.unmarked() > 0 {
                    owned.processor.mark(now(), &mut outbox);
                }
                for (input, next) in owned.next.clone().into_iter().enumerate() {
                    if let Some(next) = next {
                        let _ = shown.add_partition_offset(
                            &self.inputs[input].name,
                            partition,
                            Offset::Offset(next),
                        );
                    }
                }
            }
            self.outbox = outbox;
            self.produce(partition)?;
        }
        if shown.count() > 0 {
            self.member.commit_for_display(&shown);
        }
        Ok(())
    }

    /// A graceful stop: positions are made durable, appends acknowledged, the group left.
    fn leave(&mut self) -> Result<(), End> {
        self.marked_at =
            Instant::now() - Duration::from_millis(self.spec.config.marker_interval_ms);
        self.mark_positions(Instant::now())?;
        let until = Instant::now() + FAREWELL;
        while self.unacknowledged > 0 && Instant::now() < until {
            if !self.take_deliveries()? {
                Waker::sleep(Duration::from_millis(10));
            }
        }
        if self.unacknowledged > 0 {
            tracing::warn!(
                "{}: stopped with {} appends unacknowledged; the next owner completes or repeats them",
                self.name,
                self.unacknowledged
            );
        }
        for partition in 0..self.partition_count {
            self.take_last_snapshot(partition);
        }
        self.member.leave();
        while self.partitions.iter().any(Option::is_some) && Instant::now() < until {
            for event in self.member.poll() {
                if let MemberEvent::Revoked(partitions) = event {
                    partitions
                        .into_iter()
                        .try_for_each(|partition| self.drop_partition(partition))?;
                }
            }
            Waker::sleep(Duration::from_millis(10));
        }
        self.flush_snapshots(until);
        Ok(())
    }

    pub(super) fn owned(&mut self, partition: i32) -> Option<&mut Partition> {
        self.partitions
            .get_mut(usize::try_from(partition).ok()?)?
            .as_mut()
    }

    pub(super) fn processor_error(&self, source: ProcessorError) -> End {
        match &source {
            ProcessorError::EpochEnd(EpochEnd::Replaced { .. }) => End::Restart(source.to_string()),
            _ => RunError::Processor {
                aggregate: self.name.clone(),
                source,
            }
            .into(),
        }
    }
}

/// What a record of the own stream led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StreamStep {
    /// More is to be read.
    More,
    /// The stream was read up to the fence.
    Restored,
    /// The gap was read, and no fence stands in it.
    GapRead,
    /// The snapshot that was loaded ends at another record than the one that stands there.
    NotOfSnapshot,
    /// A record that nobody waits for.
    Nothing,
}
