//! A session: a worker's clients and what it owns, from joining the group until all of it is thrown away.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use hashbrown::HashMap;
use kolo_core::processor::{EpochEnd, InputTopic, Outbox, ProcessorError};
use kolo_core::{EffectCall, TopicId};
use kolo_registry::Writer;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::acls::Part;
use crate::effects::{Ended, ReplyTo};
use crate::meters::{Tally, count};
use crate::native::{Connected, Consumed, Delivery, has_broker, watermarks};
use crate::topics::{Role, roles};
use crate::wake::Waker;
use crate::watch::Silences;

use super::backlog::Ends;
use super::clients::{
    APPENDS, Appender, DATA, DataContext, MEMBERSHIP, Member, MemberEvent, data_consumer,
};
use super::partition::{Partition, Phase};
use super::reading::Held;
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
    pub(super) data: Arc<Connected<BaseConsumer<DataContext>>>,
    /// What was read last; it moves out while it is decided.
    pub(super) consumed: Option<Consumed<DataContext>>,
    /// The partition whose answers wait in the outbox while a batch is decided.
    pub(super) deciding: Option<i32>,
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
    pub(super) held: Option<Held>,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) calls: Vec<EffectCall>,
    pub(super) marked_at: Instant,
    /// Which of the aggregate's workers this is; what it has counted; and when its partitions are looked at again.
    pub(super) number: usize,
    pub(super) tally: Tally,
    pub(super) measure_at: Instant,
    /// Of the inputs.
    pub(super) input_names: Vec<Arc<str>>,
    pub(super) round: Round,
    topics_version: u64,
    refusals: u64,
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
            number,
        } = worker;
        let name = spec.name();
        let client = |source: KafkaError| RunError::Client {
            aggregate: name.clone(),
            source,
        };
        let topics_version = spec.signals.topics_version.load(Ordering::Relaxed);
        let all = roles(&spec.service, &spec.description);
        let topics = spec.topics(Part::Workers)?;
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
        if inputs.len() + 1 + with(Role::RouteSource).len() < all.len() || partition_count == 0 {
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
            number: *number,
            tally: Tally::default(),
            measure_at: Instant::now(),
            input_names: inputs
                .iter()
                .map(|input| input.name.as_str().into())
                .collect(),
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
            refusals: spec.signals.refusals.load(Ordering::Relaxed),
            silences: Silences::new(&spec.signals),
        })
    }

    pub(super) fn work(&mut self) -> Result<(), End> {
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
            self.measure(began);
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
        })?;
        let refusals = self.spec.signals.refusals.load(Ordering::Relaxed);
        if refusals != self.refusals {
            self.refusals = refusals;
            // It may be another aggregate's topic.
            if self.waits_for_first_fetch() {
                self.spec.topics(Part::Workers)?;
            }
        }
        Ok(())
    }

    /// Whether the data consumer was told nothing yet of what it reads: the stream while a partition is taken over, and then the
    /// inputs.
    fn waits_for_first_fetch(&self) -> bool {
        let unknown = |topic: &str, slot: usize| {
            let partition = i32::try_from(slot).unwrap_or(i32::MAX);
            watermarks(self.data.client(), topic, partition).is_none()
        };
        let mut owned = self.partitions.iter().enumerate();
        owned.any(
            |(slot, owned)| match owned.as_ref().map(|owned| &owned.phase) {
                None | Some(Phase::Fencing | Phase::Loading(_) | Phase::Rejected(_)) => false,
                Some(Phase::Restoring(_)) => unknown(self.spec.description.stream, slot),
                Some(Phase::Working { .. }) => {
                    let mut inputs = self.inputs.iter();
                    inputs.any(|input| unknown(&input.name, slot))
                }
            },
        )
    }

    fn follow_membership(&mut self, now: Instant) -> Result<bool, End> {
        let events = self.member.poll();
        let mut busy = !events.is_empty();
        for event in events {
            count(&self.spec.meters.rebalances);
            match event {
                MemberEvent::Denied(problem) => return Err(End::Restart(problem)),
                MemberEvent::Assigned(partitions) => {
                    self.to_take
                        .extend(partitions.into_iter().map(|partition| (now, partition)));
                }
                MemberEvent::Revoked(partitions) => {
                    self.to_take
                        .retain(|(_, partition)| !partitions.contains(partition));
                    for partition in partitions {
                        if self.owned(partition).is_some() {
                            tracing::info!(partition, "{} gives it up", self.name);
                        }
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
        self.flush_snapshots(until);
        // Before the group is told, by the drop of the member.
        self.partitions.clear();
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
