//! `replay ahead`: what will be decided next, and whether others have seen it decided otherwise.
//!
//! The real processor takes the partitions over, in memory: it restores the stream and decides the inputs behind it, and
//! what it would append is kept here. Then inboxes and streams are read for what others have seen of the aggregate: copies
//! of its events, and events that name one of them as their cause.

//!
//! | file | idea |
//! |---|---|
//! | `future.rs` | a stream taken over in memory |
//! | `show.rs` | what is said of it |

mod future;
mod show;

use std::collections::HashMap;

use kolo_core::stream::{StreamReader, Verdict};
use kolo_core::wire::{self, Fence, Source};
use kolo_core::{EventId, Service};
use rdkafka::consumer::Consumer;
use serde_json::json;

use crate::config::Config;

use super::super::client::{ANSWER, cannot_read, consumer};
use super::super::failure::Failure;
use super::super::parked::print_one;
use super::super::print;
use super::super::reading::Reading;
use super::super::terminal::{MANY, note, progress};
use super::args::Ahead;
use super::layout::layouts;

use future::Future;

/// What others have seen, and is not so.
struct Conflict {
    topic: String,
    partition: i32,
    offset: i64,
    key: String,
    id: EventId,
    seen: Seen,
}

/// How it was seen.
enum Seen {
    /// A copy of it: its type and its value.
    Copy(String, Box<[u8]>),
    /// The cause of another event, which is of this type.
    Cause(String),
}

pub(super) fn run(service: &Service, config: &Config, args: &Ahead) -> Result<(), Failure> {
    let mut futures = Vec::new();
    for (participant, setup) in layouts(service, config, args.aggregate.as_deref())? {
        futures.push(Future::of(config, participant, &setup)?);
    }
    for (topic, partitions) in seen_topics(config, args)? {
        let mut reading = Reading::new(config, &topic)?;
        for partition in 0..partitions {
            reading.begin(partition)?;
            scan(&mut reading, &topic, partition, &mut futures)?;
        }
    }
    if args.json {
        let all = futures.iter().map(|future| future.json(service));
        print_one(&json!({ "aggregates": all.collect::<Vec<_>>() }))?;
    } else {
        let texts = futures.iter().map(|future| future.text(service));
        print(&texts.collect::<String>())?;
    }
    if futures.iter().all(|future| future.conflicts.is_empty()) {
        Ok(())
    } else {
        Err(Failure::Differs)
    }
}

/// The topics in which others have seen events, with their partition counts.
fn seen_topics(config: &Config, args: &Ahead) -> Result<Vec<(String, i32)>, Failure> {
    let metadata = consumer(config)?.fetch_metadata(None, ANSWER);
    let metadata = metadata.map_err(|error| cannot_read("(all)", &error))?;
    let all = metadata.topics().iter().map(|topic| {
        let partitions = i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX);
        (topic.name().to_owned(), partitions)
    });
    if args.seen.is_empty() {
        return Ok(all.filter(|(name, _)| name.ends_with(".inbox")).collect());
    }
    let all: HashMap<String, i32> = all.collect();
    let wanted = args.seen.iter().map(|name| match all.get(name) {
        Some(partitions) => Ok((name.clone(), *partitions)),
        None => Err(Failure::input(format!(
            "the brokers at {} have no topic `{name}`",
            config.bootstrap
        ))),
    });
    wanted.collect()
}

/// Reads one partition of a topic in which others have seen events.
fn scan(
    reading: &mut Reading,
    topic: &str,
    partition: i32,
    futures: &mut [Future<'_>],
) -> Result<(), Failure> {
    let mut reader = StreamReader::from_start();
    let mut origins = Vec::new();
    let bar = progress(reading.left(), MANY, "records looked at");
    reading.each(&mut |record| {
        bar.inc(1);
        let headers = &record.headers;
        let event_type = headers.event_type.unwrap_or_default();
        let key = String::from_utf8_lossy(record.key.unwrap_or_default());
        let conflict = |future: &mut Future<'_>, id, seen| {
            future.conflicts.push(Conflict {
                topic: topic.to_owned(),
                partition,
                offset: record.offset,
                key: key.clone().into_owned(),
                id,
                seen,
            });
        };
        match reader.read(record.offset, headers) {
            Ok(Verdict::Fence(_)) => {
                let fence = serde_json::from_slice(record.value.unwrap_or_default());
                origins = fence.map_or_else(|_| Vec::new(), |fence: Fence| fence.origins);
            }
            // A routed copy.
            Ok(Verdict::Unfenced(Some(stamp))) if matches!(stamp.source, Source::Copy { .. }) => {
                let id = wire::event_id(headers.id.unwrap_or_default());
                let value = record.value.unwrap_or_default();
                for future in &mut *futures {
                    if future.contradicts(id, stamp.correlation, event_type, value) {
                        let seen = Seen::Copy(event_type.to_owned(), value.into());
                        conflict(future, id, seen);
                    }
                }
            }
            // An event of another aggregate, which names its cause.
            Ok(Verdict::Valid(stamp)) if stamp.index == 1 => {
                if let (Source::Input { origin, .. }, Some(cause)) = (stamp.source, stamp.causation)
                    && let Some(origin) = origins.get(usize::from(origin))
                {
                    for future in &mut *futures {
                        let is_own = future.description.stream == origin.topic;
                        if is_own && future.is_missed(cause, stamp.correlation) {
                            conflict(future, cause, Seen::Cause(event_type.to_owned()));
                        }
                    }
                }
            }
            Ok(_) => {}
            Err(error) => note(&format!("{topic}[{partition}]@{}: {error}", record.offset)),
        }
        Ok(true)
    })?;
    bar.finish_and_clear();
    Ok(())
}
