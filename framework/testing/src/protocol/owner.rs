//! One owner of a stream: what the shell does with a processor, step by step.

use std::collections::BTreeSet;

use kolo_core::processor::{
    EpochEnd, InputTopic, Outbox, Outcome, Processor, ProcessorError, ResumeAt, Setup,
    StreamProblem,
};
use kolo_core::{EffectCall, EventId, Service, Timestamp, TopicId};

use super::domain::{FACTS, FIRST, INBOX, SECOND};
use super::log::{Log, Stored};
use super::producer::{Producer, Report};
use super::scenario::Left;

/// How far an owner has got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    /// The fence is sent, its acknowledgement awaited.
    Fencing,
    Working,
    /// Replaced, failed or dead; why.
    Over(String),
}

/// One input: a topic as it was when the owner started, and the next offset to read.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) topic: &'static str,
    id: TopicId,
    pub(super) next: i64,
}

/// One owner, alive or not.
pub(super) struct Owner {
    pub(super) stream: &'static str,
    pub(super) phase: Phase,
    pub(super) inputs: Vec<Input>,
    pub(super) producer: Producer,
    /// Effects that became sound and are to be called.
    pub(super) calls: Vec<EffectCall>,
    /// Replies that came and are to be answered.
    pub(super) replies: Vec<(EventId, u32)>,
    processor: Box<dyn Processor>,
    out: Outbox,
    /// Requests that were handed out as calls, where effects start without waiting for soundness.
    called: BTreeSet<EventId>,
    left: Left,
}

/// Something that a processor said and that nobody expected.
pub(super) type Surprise = String;

impl Owner {
    pub(super) fn start(
        log: &Log,
        service: &Service,
        stream: &'static str,
        nonce: u64,
        now: Timestamp,
        left: Left,
    ) -> Self {
        let at = usize::from(stream == SECOND);
        let (topics, routed): (&[&'static str], &[&'static str]) = if stream == FIRST {
            (&[FACTS], &[])
        } else {
            (&[FIRST, INBOX], &[FIRST])
        };
        let list = |names: &[&'static str]| {
            names
                .iter()
                .map(|name| log.input(name))
                .collect::<Vec<InputTopic>>()
        };
        let setup = Setup {
            service: service.name().to_owned(),
            partition: 0,
            partitions: 1,
            nonce,
            inputs: list(topics),
            routed: list(routed),
            max_record_bytes: 1_000_000,
            allow_downgrade: false,
            broken: std::collections::HashMap::new(),
            rules: left.rules,
        };
        let mut owner = Owner {
            stream,
            phase: Phase::Fencing,
            inputs: topics
                .iter()
                .map(|&topic| Input {
                    topic,
                    id: log.topic(topic).id,
                    next: 0,
                })
                .collect(),
            producer: Producer::new(stream),
            calls: Vec::new(),
            replies: Vec::new(),
            processor: service.aggregates()[at].processor(setup),
            out: Outbox::default(),
            called: BTreeSet::new(),
            left,
        };
        owner.processor.fence(now, &mut owner.out);
        owner.flush();
        if left.restore_after_fence
            && let Err(error) = owner.restore(log, log.end(stream))
        {
            owner.phase = Phase::Over(error.to_string());
        }
        owner
    }

    pub(super) fn works(&self) -> bool {
        self.phase == Phase::Working
    }

    pub(super) fn alive(&self) -> bool {
        !matches!(self.phase, Phase::Over(_))
    }

    pub(super) fn end(&mut self, why: &str) {
        self.phase = Phase::Over(why.to_owned());
    }

    pub(super) fn unmarked(&self) -> u64 {
        self.processor.unmarked()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.processor.in_flight()
    }

    pub(super) fn has_gap(&self) -> bool {
        self.works() && self.processor.gap().is_some()
    }

    pub(super) fn can_handle(&self, input: usize, log: &Log) -> bool {
        self.works() && self.inputs[input].next < log.end(self.inputs[input].topic)
    }

    /// Hands the outbox to the producer.
    fn flush(&mut self) {
        for append in self.out.iter() {
            self.producer.send(Stored::of(&append));
        }
        self.out.clear();
        if self.left.effects_when_sound {
            let pending = self.processor.pending();
            self.calls.extend(
                pending
                    .into_iter()
                    .filter(|call| self.called.insert(call.request)),
            );
        }
    }

    fn restore(&mut self, log: &Log, end: i64) -> Result<(), ProcessorError> {
        let before = log
            .records(self.stream)
            .iter()
            .filter(|stored| stored.offset < end);
        before
            .into_iter()
            .try_for_each(|stored| self.processor.restore(&stored.record()))
    }

    /// Takes the next report of the client library.
    pub(super) fn take_report(&mut self, log: &Log, now: Timestamp) -> Result<(), Surprise> {
        match (self.producer.report(), &self.phase) {
            (Some(Report::Acknowledged(at)), Phase::Fencing) => self.fenced(log, at, now),
            (Some(Report::Acknowledged(at)), Phase::Working) => {
                let acknowledged = self.processor.acknowledged(at);
                self.judge(acknowledged)
            }
            (Some(Report::Failed), Phase::Working) if self.left.failure_ends_epoch => Ok(()),
            (Some(Report::Failed), Phase::Fencing | Phase::Working) => {
                self.end("an append failed");
                Ok(())
            }
            (Some(_), Phase::Over(_)) | (None, _) => Ok(()),
        }
    }

    fn fenced(&mut self, log: &Log, epoch: i64, now: Timestamp) -> Result<(), Surprise> {
        self.processor.fenced(epoch);
        if !self.left.restore_after_fence {
            match self.restore(log, epoch) {
                Ok(()) => {}
                // An owner from before the deploy, whose fence was late.
                Err(ProcessorError::Stream {
                    problem: problem @ StreamProblem::NewerVersion { .. },
                    ..
                }) => {
                    self.end(&problem.to_string());
                    return Ok(());
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        let start = self
            .processor
            .start(now, &mut self.out)
            .map_err(|error| error.to_string())?;
        for (input, resume) in self.inputs.iter_mut().zip(start.resume) {
            input.next = match resume {
                ResumeAt::Beginning => 0,
                ResumeAt::Decided(at) | ResumeAt::Next(at) => at,
            };
        }
        let effects = start
            .effects
            .into_iter()
            .filter(|call| self.called.insert(call.request));
        self.calls.extend(effects);
        self.phase = Phase::Working;
        self.flush();
        Ok(())
    }

    /// After acknowledgements: either the epoch is over, or effects may have become sound.
    fn judge(&mut self, so_far: Result<(), EpochEnd>) -> Result<(), Surprise> {
        match so_far {
            Ok(()) => {
                let mut sound = Vec::new();
                self.processor.sound(&mut sound);
                self.calls.extend(
                    sound
                        .into_iter()
                        .filter(|call| self.called.insert(call.request)),
                );
                Ok(())
            }
            Err(EpochEnd::Unasked) => {
                Err("an acknowledgement for which nothing was appended".to_owned())
            }
            Err(end) => {
                self.end(&end.to_string());
                Ok(())
            }
        }
    }

    /// Reads the records that somebody else has written among this owner's.
    pub(super) fn read_gap(&mut self, log: &Log) -> Result<(), Surprise> {
        let Some(gap) = self.processor.gap() else {
            return Ok(());
        };
        let read = gap
            .filter_map(|at| log.get(self.stream, at))
            .try_for_each(|stored| self.processor.read_gap(&stored.record()));
        self.judge(read)
    }

    /// Decides the next record of an input.
    pub(super) fn handle(
        &mut self,
        input: usize,
        log: &Log,
        now: Timestamp,
    ) -> Result<(), Surprise> {
        let place = &mut self.inputs[input];
        if log.topic(place.topic).id != place.id {
            self.end("an input topic was created anew");
            return Ok(());
        }
        let Some(stored) = log.get(place.topic, place.next) else {
            return Ok(());
        };
        place.next += 1;
        let outcome = self
            .processor
            .handle(input, &stored.record(), now, &mut self.out);
        let outcome = outcome.map_err(|error| error.to_string())?;
        self.expect_not_parked(outcome)?;
        self.flush();
        Ok(())
    }

    /// Nothing in this world is undecidable.
    fn expect_not_parked(&self, outcome: Outcome) -> Result<(), Surprise> {
        match (outcome, self.processor.latest_parked()) {
            (Outcome::Parked, Some((key, parked))) => {
                Err(format!("{key} is parked: {}", parked.failure.message))
            }
            (Outcome::Parked, None) => Err("something is parked".to_owned()),
            _ => Ok(()),
        }
    }

    pub(super) fn mark(&mut self, now: Timestamp) {
        self.processor.mark(now, &mut self.out);
        self.flush();
    }

    pub(super) fn answer(
        &mut self,
        request: EventId,
        reply: u32,
        now: Timestamp,
    ) -> Result<(), Surprise> {
        let outcome = self
            .processor
            .answer(request, Box::new(reply), now, &mut self.out);
        let outcome = outcome.map_err(|error| error.to_string())?;
        self.expect_not_parked(outcome)?;
        self.flush();
        Ok(())
    }
}
