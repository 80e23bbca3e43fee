//! A workbench: one processor, the log of its stream, and the intake topics that it reads.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::sync::Arc;

use kolo_core::processor::{
    InputTopic, Outbox, Outcome, Processor, ProcessorError, ResumeAt, Rules, Setup, Start,
};
use kolo_core::stream::{StreamReader, Verdict};
use kolo_core::wire::{self, Headers, Record, Stamp};
use kolo_core::{
    CorrelationId, EffectCall, Event, EventId, Key, Participant, Reply, Service, Timestamp, TopicId,
};

/// A record as it stands in a log.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    pub(crate) offset: i64,
    pub(crate) at: Timestamp,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) id: Option<String>,
    pub(crate) event_type: Option<String>,
    pub(crate) stamp: Option<String>,
    pub(crate) rest: Option<Vec<u8>>,
    pub(crate) traceparent: Option<String>,
}

impl Stored {
    pub(crate) fn record(&self) -> Record<'_> {
        Record {
            offset: self.offset,
            timestamp: self.at,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: Headers {
                id: self.id.as_deref(),
                event_type: self.event_type.as_deref(),
                stamp: self.stamp.as_deref(),
                rest: self.rest.as_deref(),
                traceparent: self.traceparent.as_deref(),
            },
            all_headers: None,
        }
    }

    pub(crate) fn stamp(&self) -> Stamp {
        Stamp::read(self.stamp.as_deref().expect("a stamped record")).expect("a stamp that reads")
    }

    pub(crate) fn short_type(&self) -> &str {
        self.event_type
            .as_deref()
            .unwrap_or("-")
            .trim_start_matches("test.")
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(self.value.as_deref().unwrap_or_default()).expect("text")
    }
}

/// A fact from outside, with an id and a type, as `kolo publish` writes it.
pub(crate) fn fact<E: Event>(offset: i64, id: &str, event: &E) -> Stored {
    let mut value = Vec::new();
    event.encode(&mut value);
    Stored {
        offset,
        at: Timestamp::from_millis(offset),
        key: Some(event.key().text().into_bytes()),
        value: Some(value),
        id: Some(EventId::foreign(id).to_string()),
        event_type: Some(E::TYPE.name.to_owned()),
        stamp: None,
        rest: None,
        traceparent: None,
    }
}

pub(crate) fn topic_id(name: &str) -> TopicId {
    TopicId(EventId::foreign(name).0)
}

pub(crate) fn topic(name: &str) -> InputTopic {
    InputTopic {
        name: name.to_owned(),
        id: topic_id(name),
    }
}

/// The setup of an aggregate on the only partition of its topics.
pub(crate) fn setup(aggregate: &dyn Participant, service: &str, nonce: u64) -> Setup {
    let description = aggregate.description();
    let mut inputs: Vec<InputTopic> = description.direct_topics().into_iter().map(topic).collect();
    let routed: Vec<InputTopic> = description.routed_topics().into_iter().map(topic).collect();
    inputs.push(topic(&format!("{service}.{}.inbox", description.aggregate)));
    Setup {
        service: service.to_owned(),
        partition: 0,
        partitions: 1,
        nonce,
        inputs,
        routed,
        max_record_bytes: 100_000,
        allow_downgrade: false,
        broken: std::collections::HashMap::new(),
        rules: Rules::ALL,
    }
}

pub(crate) fn participant(service: &Service, aggregate: &str) -> Arc<dyn Participant> {
    let found = service
        .aggregates()
        .iter()
        .find(|known| known.description().aggregate == aggregate);
    Arc::clone(found.expect("the aggregate"))
}

/// Appends what is in the outbox to a log; gives the offsets.
pub(crate) fn append(log: &mut Vec<Stored>, out: &mut Outbox) -> Vec<i64> {
    let appended = out.iter().map(|append| Stored {
        offset: 0,
        at: append.at,
        key: Some(append.key.to_vec()),
        value: Some(append.value.to_vec()),
        id: Some(append.id.to_string()),
        event_type: Some(append.event_type.to_owned()),
        stamp: Some(String::from_utf8(append.stamp.to_vec()).expect("ASCII")),
        rest: append.rest.map(<[u8]>::to_vec),
        traceparent: append
            .traceparent
            .map(|text| String::from_utf8(text.to_vec()).expect("text")),
    });
    let appended: Vec<Stored> = appended.collect();
    out.clear();
    let offsets = appended.into_iter().map(|record| {
        let offset = log.last().map_or(0, |last| last.offset + 1);
        log.push(Stored { offset, ..record });
        offset
    });
    offsets.collect()
}

/// One owner at work.
pub(crate) struct Bench {
    pub(crate) processor: Box<dyn Processor>,
    pub(crate) log: Vec<Stored>,
    pub(crate) out: Outbox,
    pub(crate) now: i64,
    pub(crate) start: Start,
    /// The effects that became sound, and those that were pending at the start.
    pub(crate) effects: Vec<EffectCall>,
}

impl Bench {
    /// Takes a log over with this setup.
    pub(crate) fn take_over(
        aggregate: &dyn Participant,
        setup: Setup,
        mut log: Vec<Stored>,
    ) -> Result<Bench, ProcessorError> {
        let mut processor = aggregate.processor(setup);
        let mut out = Outbox::default();
        let now = 1_000 + log.last().map_or(0, |last| last.at.as_millis());
        processor.fence(Timestamp::from_millis(now), &mut out);
        let epoch = append(&mut log, &mut out)[0];
        processor.fenced(epoch);
        for stored in log.iter().filter(|stored| stored.offset < epoch) {
            processor.restore(&stored.record())?;
        }
        let start = processor.start(Timestamp::from_millis(now), &mut out)?;
        let effects = start.effects.clone();
        let mut bench = Bench {
            processor,
            log,
            out,
            now,
            start,
            effects,
        };
        bench.flush();
        Ok(bench)
    }

    /// Where the topics that are read directly resume: all inputs but the inbox.
    pub(crate) fn resumes(&self) -> &[ResumeAt] {
        let all = &self.start.resume;
        &all[..all.len() - 1]
    }

    /// A fresh owner of `hold` on an empty log.
    pub(crate) fn holds() -> Bench {
        let aggregate = participant(&super::domain::service(), "hold");
        Bench::take_over(&*aggregate, setup(&*aggregate, "test", 1), Vec::new())
            .expect("an empty log")
    }

    /// Drops the owner; another of `hold` takes over.
    pub(crate) fn restored(&self, nonce: u64) -> Bench {
        Bench::restored_from(self.log.clone(), nonce)
    }

    pub(crate) fn restored_from(log: Vec<Stored>, nonce: u64) -> Bench {
        let aggregate = participant(&super::domain::service(), "hold");
        Bench::take_over(&*aggregate, setup(&*aggregate, "test", nonce), log)
            .expect("a log that restores")
    }

    /// Appends and acknowledges all that waits in the outbox.
    pub(crate) fn flush(&mut self) {
        for offset in append(&mut self.log, &mut self.out) {
            self.processor
                .acknowledged(offset)
                .expect("nobody else writes");
        }
        self.processor.sound(&mut self.effects);
    }

    /// Decides an input without appending the answer.
    pub(crate) fn decide(
        &mut self,
        input: usize,
        stored: &Stored,
    ) -> Result<Outcome, ProcessorError> {
        self.now += 1;
        self.processor.handle(
            input,
            &stored.record(),
            Timestamp::from_millis(self.now),
            &mut self.out,
        )
    }

    /// Decides an input; gives the short types of what was appended.
    pub(crate) fn handle(&mut self, input: usize, stored: &Stored) -> Vec<String> {
        let from = self.log.len();
        self.decide(input, stored)
            .expect("an input that can be decided");
        self.flush();
        self.types_from(from)
    }

    /// Answers a request; gives the short types of what was appended.
    pub(crate) fn answer(&mut self, request: EventId, reply: Reply) -> Vec<String> {
        let from = self.log.len();
        self.now += 1;
        let now = Timestamp::from_millis(self.now);
        self.processor
            .answer(request, reply, now, &mut self.out)
            .expect("an answer that can be decided");
        self.flush();
        self.types_from(from)
    }

    pub(crate) fn mark(&mut self) -> wire::Marker {
        self.now += 1;
        self.processor
            .mark(Timestamp::from_millis(self.now), &mut self.out);
        self.flush();
        serde_json::from_slice(
            self.log
                .last()
                .expect("a marker")
                .value
                .as_deref()
                .expect("its value"),
        )
        .expect("JSON")
    }

    pub(crate) fn types_from(&self, from: usize) -> Vec<String> {
        self.log[from..]
            .iter()
            .map(|stored| stored.short_type().to_owned())
            .collect()
    }

    /// The types of the valid events, without fences and markers.
    pub(crate) fn valid_events(&self) -> Vec<&Stored> {
        let mut reader = StreamReader::from_start();
        let valid = self.log.iter().filter(|stored| {
            let verdict = reader
                .read(stored.offset, &stored.record().headers)
                .expect("headers that read");
            matches!(verdict, Verdict::Valid(_))
                && !wire::is_own_record(stored.event_type.as_deref().expect("a type"))
        });
        valid.collect()
    }
}

pub(crate) fn saga(order: &str) -> CorrelationId {
    CorrelationId::of_saga(order)
}
