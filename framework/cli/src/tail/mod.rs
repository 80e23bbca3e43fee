//! `kolo tail`: the records of topics, judged, decoded, and merged by time as far as they are there already.
//!
//! Each topic has a consumer of its own, since librdkafka reports the end of a partition without its topic.

mod filter;
mod from;
mod judge;
mod merge;
mod row;

use std::io::{BufWriter, Write};
use std::time::Duration;

use kolo_core::TopicId;
use kolo_kafka::Config;
use kolo_kafka::topics::TopicAdmin;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};

use crate::args::Tail;
use crate::cluster::{Cluster, Reader, Topic, assign, cannot_read, ends, headers, is_fatal};
use crate::failure::Failure;
use crate::owner::{Kind, kind_of};
use crate::schemas::Schemas;
use crate::terminal::{Interrupt, note};

use filter::Filter;
pub(crate) use from::From;
use judge::{Judge, Place, starts};
use merge::Merge;
use row::{Knowledge, Raw, Row};

/// How long an idle round waits for the next record.
const IDLE: Duration = Duration::from_millis(20);
/// Records that one topic may deliver before the others have their turn.
const TURN_RECORDS: usize = 1_000;
/// From so many records on, a person is told what takes the time.
const MANY_RECORDS: i64 = 200_000;

pub(crate) fn run(args: &Tail, config: &Config) -> Result<(), Failure> {
    let schemas = Schemas::load_if_there(args.schemas.schemas.as_deref())?;
    if schemas.is_none() {
        note(
            "there are no schemas in ./schemas/avro, so values are shown as bytes; name their folder with --schemas DIR.",
        );
    }
    let filter = Filter::new(args, schemas.as_ref())?;
    let cluster = Cluster::connect(config)?;
    let mut names: Vec<&str> = Vec::new();
    for name in &args.topics {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let topics = names
        .iter()
        .map(|name| cluster.topic(name))
        .collect::<Result<Vec<_>, _>>()?;
    check_partition(args.partition, &topics)?;
    let kinds = topics
        .iter()
        .map(|topic| kind_of(&cluster.reader, topic))
        .collect::<Result<Vec<_>, _>>()?;
    let ids = topic_ids(&cluster, &topics, kinds.contains(&Kind::Inbox));

    let default = if args.no_follow {
        From::Beginning
    } else {
        From::End
    };
    let from = args.from.unwrap_or(default);
    let mut merge = Merge::default();
    let mut sources = Vec::new();
    for (topic, kind) in topics.iter().zip(&kinds) {
        let is_stream = matches!(kind, Kind::Stream { .. });
        sources.push(Source::open(
            &cluster,
            topic,
            is_stream,
            from,
            args.partition,
            &ids,
            &mut merge,
        )?);
    }
    let knowledge = Knowledge {
        schemas: schemas.as_ref(),
        names: &ids,
    };
    let follow = Follow {
        args,
        filter,
        knowledge,
        shown: 0,
        interrupt: Interrupt::listen()?,
    };
    follow.run(&mut sources, merge)
}

fn check_partition(wanted: Option<i32>, topics: &[&Topic]) -> Result<(), Failure> {
    let Some(wanted) = wanted else { return Ok(()) };
    match topics.iter().find(|topic| {
        topic
            .partitions
            .iter()
            .all(|partition| partition.number != wanted)
    }) {
        None => Ok(()),
        Some(topic) => Err(Failure::input(format!(
            "the topic `{}` has no partition {wanted}: its {} partitions are numbered from 0.",
            topic.name,
            topic.partitions.len()
        ))),
    }
}

/// The ids of the topics that are read, and of all others if copies are to be traced to them.
fn topic_ids(cluster: &Cluster<'_>, topics: &[&Topic], all: bool) -> Vec<(TopicId, String)> {
    let names: Vec<&str> = if all {
        cluster
            .topics
            .iter()
            .filter(|topic| !topic.is_internal())
            .map(|topic| topic.name.as_str())
            .collect()
    } else {
        topics.iter().map(|topic| topic.name.as_str()).collect()
    };
    let described = TopicAdmin::new(cluster.config)
        .map_err(|error| error.to_string())
        .and_then(|admin| admin.describe(&names).map_err(|error| error.to_string()));
    match described {
        Ok(described) => described
            .into_iter()
            .map(|(name, topic)| (topic.id, name))
            .collect(),
        Err(problem) => {
            note(&format!(
                "the topics' ids are not known ({problem}): origins of copies are shown by their id alone."
            ));
            Vec::new()
        }
    }
}

/// One topic that is read.
struct Source {
    topic: String,
    id: Option<TopicId>,
    reader: Reader,
    parts: Vec<Part>,
    /// The complaint that was told last, so that an outage is told once.
    told: Option<String>,
}

/// One partition that is read.
struct Part {
    number: i32,
    /// What comes before is judged and not shown.
    show_from: i64,
    /// The end when the command was started.
    end: i64,
    judge: Judge,
    /// The place in the merge.
    lane: usize,
}

impl Source {
    fn open(
        cluster: &Cluster<'_>,
        topic: &Topic,
        is_stream: bool,
        from: From,
        only: Option<i32>,
        ids: &[(TopicId, String)],
        merge: &mut Merge,
    ) -> Result<Source, Failure> {
        let reader = cluster.another_reader()?;
        let mut places = Vec::new();
        let mut ended = Vec::new();
        for partition in topic
            .partitions
            .iter()
            .filter(|partition| only.is_none_or(|only| only == partition.number))
        {
            let (low, high) = ends(&reader, &topic.name, partition.number)?;
            let from = from.offset(&reader, &topic.name, partition.number, (low, high))?;
            places.push(Place {
                partition: partition.number,
                low,
                from,
            });
            ended.push(high);
        }
        let starts = starts(&reader, &topic.name, is_stream, &places)?;
        let before: i64 = places
            .iter()
            .zip(&starts)
            .map(|(place, start)| place.from - start.read_from)
            .sum();
        if before > MANY_RECORDS {
            note(&format!(
                "{before} records of {} are read first, to learn the fence in force.",
                topic.name
            ));
        }
        assign(
            &reader,
            &topic.name,
            starts
                .iter()
                .map(|start| (start.partition, start.read_from)),
        )?;
        let parts = places
            .iter()
            .zip(&starts)
            .zip(ended)
            .map(|((place, start), end)| Part {
                number: place.partition,
                show_from: place.from,
                end,
                judge: Judge::new(start.knows),
                lane: merge.add(start.read_from >= end),
            });
        let id = ids
            .iter()
            .find(|(_, name)| *name == topic.name)
            .map(|(id, _)| *id);
        Ok(Source {
            topic: topic.name.clone(),
            id,
            parts: parts.collect(),
            reader,
            told: None,
        })
    }

    /// Keeps memory bounded: a partition that is far ahead of the others in time waits for them.
    fn hold_back(&self, merge: &mut Merge) -> Result<(), Failure> {
        for part in &self.parts {
            let Some(pause) = merge.change_of_pace(part.lane) else {
                continue;
            };
            let mut list = rdkafka::TopicPartitionList::new();
            list.add_partition(&self.topic, part.number);
            let changed = if pause {
                self.reader.pause(&list)
            } else {
                self.reader.resume(&list)
            };
            changed.map_err(|error| cannot_read(&self.topic, &error))?;
        }
        Ok(())
    }
}

struct Follow<'a> {
    args: &'a Tail,
    filter: Filter,
    knowledge: Knowledge<'a>,
    shown: u64,
    interrupt: Interrupt,
}

impl Follow<'_> {
    fn run(mut self, sources: &mut [Source], mut merge: Merge) -> Result<(), Failure> {
        let mut out = BufWriter::new(anstream::stdout().lock());
        let mut turn = 0;
        loop {
            let mut idle = true;
            for source in sources.iter_mut() {
                for _ in 0..TURN_RECORDS {
                    if !self.poll(source, Duration::ZERO, &mut merge)? {
                        break;
                    }
                    idle = false;
                }
                source.hold_back(&mut merge)?;
            }
            while let Some(text) = merge.next() {
                if self.args.limit.is_some_and(|limit| self.shown >= limit) {
                    break;
                }
                writeln!(out, "{text}")?;
                self.shown += 1;
            }
            let enough = self.args.limit.is_some_and(|limit| self.shown >= limit);
            if enough || self.interrupt.came() || (self.args.no_follow && merge.is_through()) {
                out.flush()?;
                return Ok(());
            }
            if idle {
                out.flush()?;
                turn = (turn + 1) % sources.len().max(1);
                self.poll(&mut sources[turn], IDLE, &mut merge)?;
            }
        }
    }

    /// Takes one event of a source; false if there was none.
    fn poll(
        &self,
        source: &mut Source,
        wait: Duration,
        merge: &mut Merge,
    ) -> Result<bool, Failure> {
        let Source {
            topic,
            id,
            reader,
            parts,
            told,
        } = source;
        match reader.poll(wait) {
            None => return Ok(false),
            Some(Ok(message)) => {
                *told = None;
                if let Some(part) = parts
                    .iter_mut()
                    .find(|part| part.number == message.partition())
                {
                    self.take(&message, topic, *id, part, merge);
                }
            }
            Some(Err(KafkaError::PartitionEOF(number))) => {
                if let Some(part) = parts.iter().find(|part| part.number == number) {
                    merge.caught_up(part.lane);
                }
            }
            Some(Err(error)) if is_fatal(&error) => return Err(cannot_read(topic, &error)),
            Some(Err(error)) => {
                let complaint = reader
                    .context()
                    .complaint()
                    .unwrap_or_else(|| error.to_string());
                if told.is_none() {
                    note(&format!(
                        "{topic}: {complaint}; waiting for the brokers. Ctrl-C ends this."
                    ));
                    *told = Some(complaint);
                }
            }
        }
        Ok(true)
    }

    fn take(
        &self,
        message: &BorrowedMessage<'_>,
        topic: &str,
        id: Option<TopicId>,
        part: &mut Part,
        merge: &mut Merge,
    ) {
        let offset = message.offset();
        let is_new = offset >= part.end;
        if is_new {
            merge.caught_up(part.lane);
        }
        if !(is_new && self.args.no_follow) {
            let headers = headers(message);
            let standing = part.judge.read(offset, &headers, message.payload());
            if offset >= part.show_from {
                let raw = Raw {
                    topic,
                    id,
                    partition: part.number,
                    offset,
                    millis: message.timestamp().to_millis(),
                    key: message.key(),
                    value: message.payload(),
                    headers,
                };
                let row = Row::new(&raw, standing, &part.judge, &self.knowledge);
                if self.filter.lets_through(&row) {
                    let text = if self.args.json {
                        row.json().to_string()
                    } else {
                        row.text(self.args.long)
                    };
                    merge.push(part.lane, row.millis.unwrap_or(0), text);
                }
            }
        }
        if offset + 1 >= part.end {
            merge.caught_up(part.lane);
        }
    }
}
