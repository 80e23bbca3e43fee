//! One owner of a partition of a stream: what the shell does with a processor, step by step.

use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use kolo_core::processor::{
    EpochEnd, MAX_RECORD_BYTES, Outbox, Outcome, Processor, ProcessorError, ResumeAt, Setup,
    StreamProblem,
};
use kolo_core::{EffectCall, EventId, Participant, Reply, Timestamp, TopicId};

use super::broken::Broken;
use super::cast::{Cast, Topic};
use super::digest::Deeds;
use super::log::Log;
use super::producer::{Producer, Report};
use super::violation::{Oracle, Violation};
use crate::record::{Stored, at};

/// How far an owner has got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The fence is sent, its acknowledgement awaited.
    Fencing,
    /// The fence stands at this offset: what is before it is to be restored.
    Restoring(usize),
    Working,
    /// Replaced, failed or dead; why.
    Over(String),
}

/// One input: a topic as it was when the owner started, and the next offset to read.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) topic: Topic,
    id: TopicId,
    pub(crate) next: usize,
}

/// What is known of the backlog before deadlines that are due.
#[derive(Debug, PartialEq, Eq)]
enum Backlog {
    Unknown,
    /// What was due at `passed` is due once the inputs are read up to `ends`.
    Until {
        passed: Timestamp,
        ends: Vec<usize>,
    },
}

/// Something that never should happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Surprise {
    /// A processor, a route or a port said what nobody expects.
    Said(String),
    /// A deadline was answered too early.
    Early(String),
}

impl From<String> for Surprise {
    fn from(said: String) -> Self {
        Surprise::Said(said)
    }
}

impl Surprise {
    /// As it was seen, by whom.
    pub(crate) fn seen(self, by: &str) -> Violation {
        let (oracle, said) = match self {
            Surprise::Said(said) => (Oracle::Surprise, said),
            Surprise::Early(said) => (Oracle::Deadlines, said),
        };
        Violation::new(oracle, format!("{said} ({by})"))
    }
}

/// One owner, alive or not.
pub(crate) struct Owner {
    pub(crate) member: usize,
    pub(crate) partition: usize,
    pub(crate) phase: Phase,
    pub(crate) inputs: Vec<Reading>,
    pub(crate) producer: Producer,
    /// Effects that became sound and are to be called.
    pub(crate) calls: VecDeque<EffectCall>,
    /// Replies that came and are to be answered.
    pub(crate) replies: VecDeque<(EventId, Reply)>,
    pub(crate) processor: Box<dyn Processor>,
    stream: Topic,
    backlog: Backlog,
    out: Outbox,
    /// Requests that were handed out as calls, where effects start without waiting for soundness.
    called: BTreeSet<EventId>,
    sound: Vec<EffectCall>,
    broken: Broken,
    /// What it took up, and what it was told of its records.
    pub(crate) took: Deeds,
    pub(crate) was_told: Deeds,
}

/// What an owner is told when it starts.
pub(crate) struct Starting<'a> {
    pub(crate) cast: &'a Cast,
    pub(crate) log: &'a Log,
    pub(crate) participant: &'a dyn Participant,
    pub(crate) member: usize,
    pub(crate) partition: usize,
    pub(crate) nonce: u64,
    pub(crate) now: Timestamp,
    pub(crate) broken: Broken,
}

/// What a processor must know of its surroundings.
pub(crate) fn setup(
    cast: &Cast,
    log: &Log,
    member: usize,
    partition: usize,
    nonce: u64,
    broken: &Broken,
) -> Setup {
    let member = &cast.members[member];
    Setup {
        service: member.service.to_owned(),
        partition: i32::try_from(partition).unwrap_or(0),
        partitions: i32::try_from(cast.partitions).unwrap_or(1),
        nonce,
        inputs: member
            .inputs
            .iter()
            .map(|&topic| log.input(topic))
            .collect(),
        routed: member
            .routed
            .iter()
            .map(|&topic| log.input(topic))
            .collect(),
        max_record_bytes: MAX_RECORD_BYTES,
        allow_downgrade: false,
        broken: std::collections::HashMap::new(),
        rules: broken.rules,
    }
}

impl Owner {
    pub(crate) fn start(starting: &Starting<'_>) -> Self {
        let &Starting {
            cast,
            log,
            participant,
            member,
            partition,
            nonce,
            now,
            broken,
        } = starting;
        let setup = setup(cast, log, member, partition, nonce, &broken);
        let stream = cast.members[member].stream;
        let inputs = cast.members[member].inputs.iter().map(|&topic| Reading {
            topic,
            id: log.id(topic),
            next: 0,
        });
        let mut owner = Owner {
            member,
            partition,
            phase: Phase::Fencing,
            inputs: inputs.collect(),
            producer: Producer::new(stream),
            calls: VecDeque::new(),
            replies: VecDeque::new(),
            processor: participant.processor(setup),
            stream,
            backlog: Backlog::Unknown,
            out: Outbox::default(),
            called: BTreeSet::new(),
            sound: Vec::new(),
            broken,
            took: Deeds::default(),
            was_told: Deeds::default(),
        };
        owner.took.note(1, nonce);
        owner.processor.fence(now, &mut owner.out);
        owner.flush();
        if broken.restore_after_fence
            && let Err(error) = owner.fold(log, log.end(stream, partition))
        {
            owner.end(&error.to_string());
        }
        owner
    }

    pub(crate) fn works(&self) -> bool {
        self.phase == Phase::Working
    }

    pub(crate) fn alive(&self) -> bool {
        !matches!(self.phase, Phase::Over(_))
    }

    pub(crate) fn end(&mut self, why: &str) {
        self.was_told.note(3, 0);
        self.phase = Phase::Over(why.to_owned());
    }

    pub(crate) fn has_gap(&self) -> bool {
        self.works() && self.processor.gap().is_some()
    }

    pub(crate) fn can_handle(&self, input: usize, log: &Log, window: usize) -> bool {
        let reading = &self.inputs[input];
        // A fetch says that the topic is another one, whether or not there is something to read.
        let is_another = log.id(reading.topic) != reading.id;
        self.works()
            && (is_another || reading.next < log.end(reading.topic, self.partition))
            && self.processor.in_flight() < window
    }

    /// Hands the outbox to the producer.
    fn flush(&mut self) {
        for append in self.out.iter() {
            self.producer
                .send(self.partition, Rc::new(Stored::of(&append)));
        }
        self.out.clear();
        if self.broken.effects_when_sound {
            let pending = self.processor.pending().into_iter();
            let called = &mut self.called;
            self.calls
                .extend(pending.filter(|call| called.insert(call.request)));
        }
    }

    fn fold(&mut self, log: &Log, end: usize) -> Result<(), ProcessorError> {
        let before = log.partition(self.stream, self.partition)[..end].iter();
        before
            .enumerate()
            .try_for_each(|(offset, stored)| self.processor.restore(&stored.record(offset)))
    }

    /// Takes the next report of the client library.
    pub(crate) fn take_report(&mut self) -> Result<(), Surprise> {
        let report = self.producer.report();
        let told = match report {
            Some(Report::Acknowledged { offset, .. }) => offset.unsigned_abs(),
            Some(Report::Failed) => u64::MAX,
            None => return Ok(()),
        };
        self.was_told.note(1, told);
        match (report, &self.phase) {
            (Some(Report::Acknowledged { offset, .. }), Phase::Fencing) => {
                self.processor.fenced(offset);
                self.phase = Phase::Restoring(usize::try_from(offset).unwrap_or(0));
                Ok(())
            }
            (Some(Report::Acknowledged { offset, .. }), Phase::Working) => {
                let acknowledged = self.processor.acknowledged(offset);
                self.judge(acknowledged)
            }
            (Some(Report::Failed), Phase::Working) if self.broken.failure_ends_epoch => Ok(()),
            (Some(Report::Failed), Phase::Fencing | Phase::Restoring(_) | Phase::Working) => {
                self.end("an append failed");
                Ok(())
            }
            (Some(_), Phase::Over(_) | Phase::Restoring(_)) | (None, _) => Ok(()),
        }
    }

    /// Folds what stands before the fence, and begins to work.
    pub(crate) fn restore(&mut self, log: &Log, now: Timestamp) -> Result<(), Surprise> {
        let Phase::Restoring(epoch) = self.phase else {
            return Ok(());
        };
        if !self.broken.restore_after_fence {
            match self.fold(log, epoch) {
                Ok(()) => {}
                // An owner from before the deploy, whose fence was late.
                Err(ProcessorError::Stream {
                    problem: problem @ StreamProblem::NewerVersion { .. },
                    ..
                }) => {
                    self.end(&problem.to_string());
                    return Ok(());
                }
                Err(error) => return Err(error.to_string().into()),
            }
        }
        self.took.note(2, epoch as u64);
        let start = self.processor.start(now, &mut self.out);
        let start = start.map_err(|error| error.to_string())?;
        for (input, resume) in self.inputs.iter_mut().zip(start.resume) {
            input.next = match resume {
                ResumeAt::Beginning => 0,
                ResumeAt::Decided(offset) | ResumeAt::Next(offset) => {
                    usize::try_from(offset).unwrap_or(0)
                }
            };
        }
        let called = &mut self.called;
        let effects = start.effects.into_iter();
        self.calls
            .extend(effects.filter(|call| called.insert(call.request)));
        self.phase = Phase::Working;
        self.flush();
        Ok(())
    }

    /// After acknowledgements: either the epoch is over, or effects may have become sound.
    fn judge(&mut self, so_far: Result<(), EpochEnd>) -> Result<(), Surprise> {
        match so_far {
            Ok(()) => {
                self.processor.sound(&mut self.sound);
                for call in self.sound.drain(..) {
                    if !self.broken.effects_when_sound || self.called.insert(call.request) {
                        self.calls.push_back(call);
                    }
                }
                Ok(())
            }
            Err(EpochEnd::Unasked) => Err("an acknowledgement for which nothing was appended"
                .to_owned()
                .into()),
            Err(end) => {
                self.end(&end.to_string());
                Ok(())
            }
        }
    }

    /// Reads the records that somebody else has written among this owner's.
    pub(crate) fn read_gap(&mut self, log: &Log) -> Result<(), Surprise> {
        let Some(gap) = self.processor.gap() else {
            return Ok(());
        };
        self.was_told.note(2, gap.end.unsigned_abs());
        let records = log.partition(self.stream, self.partition);
        let read = gap
            .filter_map(|offset| {
                let offset = usize::try_from(offset).ok()?;
                Some((offset, records.get(offset)?))
            })
            .try_for_each(|(offset, stored)| self.processor.read_gap(&stored.record(offset)));
        self.judge(read)
    }

    /// Decides the next record of an input.
    pub(crate) fn handle(
        &mut self,
        input: usize,
        log: &Log,
        now: Timestamp,
    ) -> Result<Outcome, Surprise> {
        let reading = &mut self.inputs[input];
        if log.id(reading.topic) != reading.id {
            self.end("an input topic was created anew");
            return Ok(Outcome::Ignored);
        }
        let offset = reading.next;
        let Some(stored) = log.partition(reading.topic, self.partition).get(offset) else {
            return Ok(Outcome::Ignored);
        };
        reading.next += 1;
        self.took.note(3 + ((input as u64) << 8), offset as u64);
        let outcome = self
            .processor
            .handle(input, &stored.record(offset), now, &mut self.out);
        self.said(outcome)
    }

    pub(crate) fn mark(&mut self, now: Timestamp) {
        self.took.note(4, 0);
        self.processor.mark(now, &mut self.out);
        self.flush();
    }

    pub(crate) fn answer(
        &mut self,
        request: EventId,
        reply: Reply,
        now: Timestamp,
    ) -> Result<Outcome, Surprise> {
        self.took.note(5, request.0.as_u64_pair().0);
        let outcome = self.processor.answer(request, reply, now, &mut self.out);
        self.said(outcome)
    }

    /// Whether a deadline is due, and nobody has been asked how far the inputs reach.
    pub(crate) fn can_ask(&mut self, now: Timestamp) -> bool {
        self.works()
            && self.backlog == Backlog::Unknown
            && self.processor.next_deadline().is_some_and(|due| due <= now)
    }

    /// Asks how far the inputs reach now.
    pub(crate) fn ask(&mut self, log: &Log, now: Timestamp) {
        let ends = self.inputs.iter();
        let ends = ends.map(|reading| log.end(reading.topic, self.partition));
        self.took.note(6, now.as_millis().unsigned_abs());
        self.backlog = Backlog::Until {
            passed: now,
            ends: ends.collect(),
        };
    }

    /// Whether the inputs are read up to where they reached when it was asked.
    pub(crate) fn can_pass(&self, window: usize) -> bool {
        let Backlog::Until { ends, .. } = &self.backlog else {
            return false;
        };
        let mut inputs = self.inputs.iter().zip(ends);
        self.works()
            && self.processor.in_flight() < window
            && (self.broken.deadline_behind_backlog
                || inputs.all(|(reading, end)| reading.next >= *end))
    }

    /// What is due then is to be answered.
    pub(crate) fn passed(&self) -> Option<Timestamp> {
        match self.backlog {
            Backlog::Unknown => None,
            Backlog::Until { passed, .. } => Some(passed),
        }
    }

    /// Answers the deadlines that were due then.
    pub(crate) fn pass(&mut self, now: Timestamp) -> Result<Outcome, Surprise> {
        let Backlog::Until { passed, .. } = self.backlog else {
            return Ok(Outcome::Ignored);
        };
        self.backlog = Backlog::Unknown;
        self.took.note(7, 0);
        let passed = self
            .processor
            .pass_deadlines(passed, usize::MAX, now, &mut self.out);
        self.said(passed.map(Outcome::Decided))
    }

    /// Takes what the processor said: what it wants appended is sent. Nothing in a simulated world is undecidable.
    fn said(&mut self, outcome: Result<Outcome, ProcessorError>) -> Result<Outcome, Surprise> {
        let outcome = outcome.map_err(|error| error.to_string())?;
        if outcome == Outcome::Parked || self.processor.parked_keys() > 0 {
            let parked = match self.processor.latest_parked() {
                Some((key, parked)) => format!("`{key}` is parked: {}", parked.failure),
                None => "something is parked".to_owned(),
            };
            return Err(parked.into());
        }
        self.flush();
        Ok(outcome)
    }

    /// The offset that the next acknowledged record should have, for people.
    pub(crate) fn stream_end(&self, log: &Log) -> i64 {
        at(log.end(self.stream, self.partition))
    }
}
