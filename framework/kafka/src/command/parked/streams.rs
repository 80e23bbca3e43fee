//! The streams of a service's aggregates, and what is parked in each of their partitions.

use std::sync::Arc;

use kolo_core::Service;
use kolo_core::stream::StreamReader;
use kolo_core::wire::{ParkedChange, ParkedQueues, Record, is_own_record};
use rdkafka::consumer::BaseConsumer;

use crate::config::Config;
use crate::native::Connected;
use crate::topics::{TopicAdmin, ends};

use super::super::aggregates;
use super::super::client::{ANSWER, Quiet, cannot_read, consumer, settings};
use super::super::failure::Failure;
use super::super::terminal::note;

/// The stream of one aggregate.
pub(super) struct Stream {
    /// The aggregate's name.
    pub(super) aggregate: &'static str,
    /// The stream's topic.
    pub(super) topic: &'static str,
    /// Where control records go.
    pub(super) inbox: String,
    /// Whether the inbox exists.
    pub(super) has_inbox: bool,
    pub(super) parts: Vec<Part>,
}

/// One partition of a stream.
pub(super) struct Part {
    pub(super) number: i32,
    /// The next offset to read.
    pub(super) next: i64,
    /// Where the partition ended when the command was started.
    pub(super) end: i64,
    reader: StreamReader,
    /// What is parked there, as far as it was read.
    pub(super) queues: ParkedQueues,
}

/// A parked key: which stream, which of its partitions, which key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct At {
    pub(super) stream: usize,
    pub(super) part: usize,
    pub(super) key: String,
}

/// All streams that a command looks at.
pub(super) struct Streams<'a> {
    pub(super) service: &'a Service,
    pub(super) config: &'a Config,
    pub(super) consumer: Arc<Connected<BaseConsumer<Quiet>>>,
    pub(super) streams: Vec<Stream>,
}

impl<'a> Streams<'a> {
    /// Finds the streams; `queues` is what each partition starts with.
    pub(super) fn open(
        service: &'a Service,
        config: &'a Config,
        aggregate: Option<&str>,
        queues: &ParkedQueues,
    ) -> Result<Self, Failure> {
        let mut streams = wanted(service, aggregate)?;
        let names: Vec<String> = streams
            .iter()
            .flat_map(|stream| [stream.topic.to_owned(), stream.inbox.clone()])
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let admin = TopicAdmin::new(config).map_err(|error| settings(&error))?;
        let topics = admin.describe(&names)?;
        let consumer = consumer(config)?;
        let missing = |stream: &Stream| !topics.contains_key(stream.topic);
        for stream in streams.iter().filter(|stream| missing(stream)) {
            let (name, topic) = (service.name(), stream.topic);
            let text = format!(
                "the brokers at {} have no topic `{topic}`, the stream of {name}.{}: the service creates it when it starts, and so does `{name} topics`",
                config.bootstrap, stream.aggregate
            );
            if streams.iter().all(missing) {
                return Err(Failure::run(text));
            }
            note(&text);
        }
        streams.retain(|stream| !missing(stream));
        for stream in &mut streams {
            stream.has_inbox = topics.contains_key(&stream.inbox);
            let partitions = topics.get(stream.topic).map_or(0, |topic| topic.partitions);
            for number in 0..partitions {
                let (next, end) = ends(&consumer, stream.topic, number, ANSWER)
                    .map_err(|error| cannot_read(stream.topic, &error))?;
                stream.parts.push(Part {
                    number,
                    next,
                    end,
                    reader: StreamReader::from_start(),
                    queues: queues.clone(),
                });
            }
        }
        Ok(Streams {
            service,
            config,
            consumer: Arc::new(consumer),
            streams,
        })
    }

    /// Where a message of the client belongs.
    pub(super) fn find(&self, topic: &str, partition: i32) -> Option<(usize, usize)> {
        let stream = self.streams.iter().position(|known| known.topic == topic)?;
        let part = usize::try_from(partition).ok()?;
        (part < self.streams[stream].parts.len()).then_some((stream, part))
    }

    /// Takes up the next record of a partition. Gives the key whose queue it changed.
    pub(super) fn take(
        &mut self,
        (stream, part): (usize, usize),
        record: &Record<'_>,
    ) -> Result<Option<(At, ParkedChange)>, Failure> {
        let topic = self.streams[stream].topic;
        let known = &mut self.streams[stream].parts[part];
        let broken = |problem: &dyn std::fmt::Display| {
            Failure::run(format!(
                "{topic}[{}]@{}: {problem}. A newer version may have written it: use that version's binary",
                known.number, record.offset
            ))
        };
        let verdict = known.reader.read(record.offset, &record.headers);
        let verdict = verdict.map_err(|error| broken(&error))?;
        let event_type = record.headers.event_type.unwrap_or_default();
        if !matches!(verdict, kolo_core::stream::Verdict::Valid(_)) || !is_own_record(event_type) {
            known.next = record.offset + 1;
            return Ok(None);
        }
        let key = record.key.unwrap_or_default();
        let key = std::str::from_utf8(key).unwrap_or_default();
        let value = record.value.unwrap_or_default();
        let change = known
            .queues
            .fold(event_type, key, value, record.timestamp)
            .map_err(|error| broken(&format!("this is no {event_type}: {error}")))?;
        known.next = record.offset + 1;
        if change == ParkedChange::Nothing {
            return Ok(None);
        }
        let at = At {
            stream,
            part,
            key: key.to_owned(),
        };
        Ok(Some((at, change)))
    }

    pub(super) fn part(&self, at: &At) -> &Part {
        &self.streams[at.stream].parts[at.part]
    }

    /// `service.aggregate`
    pub(super) fn aggregate(&self, at: &At) -> String {
        let aggregate = self.streams[at.stream].aggregate;
        format!("{}.{aggregate}", self.service.name())
    }
}

fn wanted(service: &Service, aggregate: Option<&str>) -> Result<Vec<Stream>, Failure> {
    let all = aggregates::wanted(service, aggregate)?.into_iter();
    let streams = all.map(|participant| {
        let known = participant.description();
        Stream {
            aggregate: known.aggregate,
            topic: known.stream,
            inbox: service.inbox(known.aggregate),
            has_inbox: false,
            parts: Vec::new(),
        }
    });
    Ok(streams.collect())
}
