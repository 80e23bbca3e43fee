//! Future: the real processor takes a stream over, in memory, and decides what its owner would decide next.

use std::collections::{HashMap, HashSet};

use kolo_core::processor::{Outbox, Outcome, Processor, ResumeAt, Setup};
use kolo_core::stream::{StreamReader, Verdict};
use kolo_core::wire::{self, Record, is_own_record};
use kolo_core::{CorrelationId, Description, EventId, Participant, Timestamp, revealed};

use crate::config::Config;

use super::super::super::failure::Failure;
use super::super::super::reading::Reading;
use super::super::super::terminal::{MANY, harmless, progress};
use super::Conflict;

/// An event of the aggregate, as it is recorded or will be said.
pub(super) struct Said {
    pub(super) key: String,
    pub(super) event_type: String,
    pub(super) value: Box<[u8]>,
}

/// What an aggregate has said, and will say.
pub(super) struct Future<'a> {
    pub(super) participant: &'a dyn Participant,
    pub(super) description: Description,
    /// Knows the own events.
    pub(super) teller: Box<dyn Processor>,
    pub(super) events: HashMap<EventId, Said>,
    /// How many of them are not recorded yet.
    pub(super) ahead: u64,
    /// How many inputs were decided for that.
    pub(super) inputs: u64,
    /// How many requests wait for their ports, and of which sagas: what follows from the replies nobody can tell.
    pub(super) waiting: usize,
    waiting_sagas: HashSet<CorrelationId>,
    /// How many events others have seen that can only follow from such a reply.
    pub(super) by_replies: usize,
    pub(super) conflicts: Vec<Conflict>,
}

impl<'a> Future<'a> {
    pub(super) fn of(
        config: &Config,
        participant: &'a dyn Participant,
        setup: &Setup,
    ) -> Result<Self, Failure> {
        let description = participant.description();
        let mut reading = Reading::new(config, description.stream)?;
        let inputs = setup.inputs.iter();
        let inputs = inputs.map(|input| Reading::new(config, &input.name));
        let mut inputs: Vec<Reading> = inputs.collect::<Result<_, _>>()?;
        let mut future = Future {
            participant,
            description,
            teller: participant.processor(setup.clone()),
            events: HashMap::new(),
            ahead: 0,
            inputs: 0,
            waiting: 0,
            waiting_sagas: HashSet::new(),
            by_replies: 0,
            conflicts: Vec::new(),
        };
        for partition in 0..setup.partitions {
            reading.begin(partition)?;
            let setup = Setup {
                partition,
                ..setup.clone()
            };
            future.partition(setup, &mut reading, &mut inputs)?;
        }
        Ok(future)
    }

    /// Takes a partition over, in memory: restores it, and decides what its owner would decide next.
    fn partition(
        &mut self,
        setup: Setup,
        reading: &mut Reading,
        inputs: &mut [Reading],
    ) -> Result<(), Failure> {
        let partition = setup.partition;
        let failed = |error: &dyn std::fmt::Display| Failure::run(error.to_string());
        let mut processor = self.participant.processor(setup);
        let mut log = reading.end;
        processor.fenced(log);
        let mut reader = StreamReader::from_start();
        let bar = progress(reading.left(), MANY, "records restored");
        reading.each(&mut |record| {
            bar.inc(1);
            self.recorded(&mut reader, record);
            processor.restore(record).map_err(|error| failed(&error))?;
            Ok(true)
        })?;
        bar.finish_and_clear();
        let (mut out, mut now) = (Outbox::default(), Timestamp::from_millis(0));
        let start = processor.start(now, &mut out);
        let start = start.map_err(|error| failed(&error))?;
        self.said(processor.as_mut(), &mut out, &mut log)?;
        for (input, resume) in inputs.iter_mut().zip(&start.resume) {
            match resume {
                ResumeAt::Beginning => input.begin(partition)?,
                ResumeAt::Decided(offset) | ResumeAt::Next(offset) => {
                    input.begin_from(partition, *offset)?;
                }
            }
        }
        // As they were published, across all inputs: nobody knows how they were read.
        while let Some(next) = earliest(inputs)? {
            let mut taken = false;
            let mut handled = Ok(Outcome::Skipped);
            inputs[next].each(&mut |record| {
                if taken {
                    return Ok(false);
                }
                taken = true;
                now = now.max(record.timestamp);
                handled = processor.handle(next, record, now, &mut out);
                Ok(true)
            })?;
            let outcome = handled.map_err(|error| failed(&error))?;
            let is_new = matches!(
                outcome,
                Outcome::Decided(_) | Outcome::Barred | Outcome::Parked
            );
            self.inputs += u64::from(is_new);
            self.said(processor.as_mut(), &mut out, &mut log)?;
        }
        let pending = processor.pending();
        self.waiting += pending.len();
        let sagas = pending.into_iter().map(|call| call.correlation);
        self.waiting_sagas.extend(sagas);
        Ok(())
    }

    /// Takes up a record of the stream.
    fn recorded(&mut self, reader: &mut StreamReader, record: &Record<'_>) {
        let headers = &record.headers;
        if let Ok(Verdict::Valid(_)) = reader.read(record.offset, headers)
            && let (Some(id), Some(event_type)) = (headers.id, headers.event_type)
            && !is_own_record(event_type)
        {
            let said = Said::of(record.key, event_type, record.value);
            self.events.insert(wire::event_id(id), said);
        }
    }

    /// Takes up what would be appended, as if it were acknowledged.
    fn said(
        &mut self,
        processor: &mut dyn Processor,
        out: &mut Outbox,
        log: &mut i64,
    ) -> Result<(), Failure> {
        for append in out.iter() {
            *log += 1;
            let acknowledged = processor.acknowledged(*log);
            acknowledged.map_err(|error| Failure::run(error.to_string()))?;
            if !is_own_record(append.event_type) {
                self.ahead += 1;
                let said = Said::of(Some(append.key), append.event_type, Some(append.value));
                self.events.insert(append.id, said);
            }
        }
        out.clear();
        processor.sound(&mut Vec::new());
        Ok(())
    }

    /// Whether a copy is of an own event that is not so.
    pub(super) fn contradicts(
        &mut self,
        id: EventId,
        saga: Option<CorrelationId>,
        event_type: &str,
        value: &[u8],
    ) -> bool {
        let mut own = self.description.own_events.iter();
        if !own.any(|own| own.name == event_type) {
            return false;
        }
        let Some(said) = self.events.get(&id) else {
            return self.is_gone(saga);
        };
        said.event_type != event_type
            || (said.value.as_ref() != value
                // An older version of the schema may have written the same event in other bytes.
                && revealed(|| {
                    self.event(event_type, &said.value) != self.event(event_type, value)
                }))
    }

    /// Whether the cause of what others have said is an own event that nothing says any more.
    pub(super) fn is_missed(&mut self, cause: EventId, saga: Option<CorrelationId>) -> bool {
        !self.events.contains_key(&cause) && self.is_gone(saga)
    }

    /// An event that nothing says is gone for good, unless a reply may lead to it.
    fn is_gone(&mut self, saga: Option<CorrelationId>) -> bool {
        let waits = saga.is_some_and(|saga| self.waiting_sagas.contains(&saga));
        self.by_replies += usize::from(waits);
        !waits
    }

    /// An event for people.
    pub(super) fn event(&self, event_type: &str, value: &[u8]) -> String {
        match self.teller.event_text(event_type, value) {
            Some(Ok(text)) => harmless(&text),
            Some(Err(reason)) => harmless(&reason),
            None => harmless(event_type),
        }
    }
}

impl Said {
    fn of(key: Option<&[u8]>, event_type: &str, value: Option<&[u8]>) -> Self {
        Said {
            key: String::from_utf8_lossy(key.unwrap_or_default()).into_owned(),
            event_type: event_type.to_owned(),
            value: value.unwrap_or_default().into(),
        }
    }
}

/// The input whose next record was published first.
fn earliest(inputs: &mut [Reading]) -> Result<Option<usize>, Failure> {
    let mut earliest: Option<(Timestamp, usize)> = None;
    for (number, input) in inputs.iter_mut().enumerate() {
        if let Some(at) = input.peek()?
            && earliest.is_none_or(|(first, _)| at < first)
        {
            earliest = Some((at, number));
        }
    }
    Ok(earliest.map(|(_, number)| number))
}
