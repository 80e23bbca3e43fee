//! What may never be seen. All of it is read from the log, by a plain fold that knows no processor.

use std::collections::BTreeSet;

use kolo_core::stream::{StreamReader, Verdict};
use kolo_core::{Event, EventId, Path, Position, TopicId};

use super::domain::{self, Asked, EVERYBODY, FACTS, FIRST, Heard, SECOND, Step};
use super::fold::{Cause, Fold};
use super::history::{History, history};
use super::log::{Log, Stored};
use super::world::{STREAMS, World};

/// What was seen and may never be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// A processor refused what is there.
    #[error("a processor refused what is there: {0}")]
    Surprise(String),
    /// An event id stands twice among the valid records.
    #[error("{0}: an event id stands twice among the valid records")]
    IdTwice(&'static str),
    /// An input, or a request, was answered twice.
    #[error("{0}: an input was answered twice")]
    AnsweredTwice(&'static str),
    /// An answer that nothing caused.
    #[error("{0}: an answer that nothing caused")]
    NoCause(&'static str),
    /// The answer is not what is decided on the valid state.
    #[error("{0}: an answer is not what is decided on the valid state before it")]
    StaleDecision(&'static str),
    /// Another answer stands in the middle of one, or one has no beginning or no end.
    #[error("{0}: an answer is torn")]
    Torn(&'static str),
    /// The answers to one origin are not in its order.
    #[error("{0}: answers are not in the order of their inputs")]
    OutOfOrder(&'static str),
    /// An input was never decided on a valid state.
    #[error("{0}: an input is lost")]
    Lost(&'static str),
    /// A request was never answered.
    #[error("{0}: a request was never answered")]
    Unanswered(&'static str),
    /// The port was called for a request that is not valid.
    #[error("the port was called for a request that is not valid")]
    VoidEffect,
    /// A reader that resumes sees something else than one that reads from the start.
    #[error("{0}: a reader that resumes sees something else than one from the start")]
    ReadersDisagree(&'static str),
    /// The faults have ceased and it never comes to rest with one owner for each stream.
    #[error("the faults have ceased, and there is no rest with one working owner for each stream")]
    NoRest,
}

/// Asks everything, once the world is at rest.
pub(super) fn at_rest(world: &World) -> Result<(), Violation> {
    for stream in STREAMS {
        readers_agree(&world.log, stream)?;
    }
    let first = history(&world.log, FIRST)?;
    let second = history(&world.log, SECOND)?;
    requests(world, &first)?;
    let versions: &[u64] = if world.version == 1 { &[1] } else { &[1, 2] };
    let facts = world
        .log
        .records(FACTS)
        .iter()
        .map(|stored| (stored, stored.key_text(), Position::direct(stored.offset)));
    decided(
        FIRST,
        &first,
        (Path::Direct, world.log.topic(FACTS).id),
        facts,
        versions,
    )?;
    let of_type = |event_type: &'static str| {
        world
            .log
            .valid(FIRST)
            .filter(move |stored| stored.event_type == event_type)
    };
    let origin = world.log.topic(FIRST).id;
    let steps = of_type(Step::TYPE.name)
        .map(|stored| (stored, stored.key_text(), Position::direct(stored.offset)));
    decided(SECOND, &second, (Path::Direct, origin), steps, versions)?;
    let copies = of_type(Heard::TYPE.name).flat_map(|stored| {
        let copy = |key, copy| {
            (
                stored,
                key,
                Position {
                    offset: stored.offset,
                    copy,
                },
            )
        };
        [copy(stored.key_text(), 0), copy(EVERYBODY, 1)]
    });
    decided(SECOND, &second, (Path::Route(1), origin), copies, versions)
}

/// Wherever a reader resumes, with what it kept or at a record that it knows to be valid, it agrees with one from the start.
fn readers_agree(log: &Log, stream: &'static str) -> Result<(), Violation> {
    let records = log.records(stream);
    let read = |mut reader: StreamReader, from: usize| {
        let judge = |stored: &Stored| reader.read(stored.offset, &stored.record().headers).ok();
        records[from..].iter().map(judge).collect::<Vec<_>>()
    };
    let truth = read(StreamReader::from_start(), 0);
    let mut reader = StreamReader::from_start();
    for (at, stored) in records.iter().enumerate() {
        let kept = read(StreamReader::resume(reader.cursor()), at) == truth[at..];
        let is_valid = matches!(truth[at], Some(Verdict::Valid(_)));
        let known = !is_valid || read(StreamReader::at_valid(), at) == truth[at..];
        if !kept || !known {
            return Err(Violation::ReadersDisagree(stream));
        }
        let _ = reader.read(stored.offset, &stored.record().headers);
    }
    Ok(())
}

/// Every valid request was answered, and the port was asked for no other.
fn requests(world: &World, first: &History) -> Result<(), Violation> {
    let requests = world
        .log
        .valid(FIRST)
        .filter(|stored| stored.event_type == Asked::TYPE.name);
    let requests: BTreeSet<EventId> = requests.map(|stored| stored.id).collect();
    let answered: BTreeSet<EventId> = first
        .answers
        .iter()
        .filter(|answer| answer.place.is_none())
        .map(|answer| answer.cause)
        .collect();
    if requests != answered {
        return Err(Violation::Unanswered(FIRST));
    }
    let asked: BTreeSet<EventId> = world.port.ledger.keys().copied().collect();
    if asked == requests {
        Ok(())
    } else {
        Err(Violation::VoidEffect)
    }
}

/// Each input of an origin is answered, or its id is, or nothing is decided for it on a state between the answers to its
/// neighbours.
fn decided<'a>(
    stream: &'static str,
    history: &History,
    (path, topic): (Path, TopicId),
    inputs: impl Iterator<Item = (&'a Stored, &'a str, Position)>,
    versions: &[u64],
) -> Result<(), Violation> {
    let answer_at = |position: Position| {
        history
            .answers
            .iter()
            .find(|answer| answer.place == Some((path, topic, position)))
    };
    let mut floor = 0;
    for (input, key, position) in inputs {
        if let Some(answer) = answer_at(position) {
            floor = floor.max(answer.from);
            continue;
        }
        if history
            .answers
            .iter()
            .any(|answer| answer.cause == input.id && answer.key == key)
        {
            continue;
        }
        let later = history.answers.iter().filter(|answer| {
            answer.place.is_some_and(|(its_path, its_topic, its)| {
                its_path == path && its_topic == topic && its > position
            })
        });
        let ceiling = later
            .map(|answer| answer.from)
            .min()
            .unwrap_or(history.states.len() - 1);
        let cause = Cause::Input {
            event_type: input.event_type,
            key,
            value: &input.value,
        };
        let says_nothing = |at: &usize| {
            let fresh = Fold::new(stream);
            let state = history.states[*at].get(key).unwrap_or(&fresh);
            versions.iter().any(|&version| {
                state
                    .decide(&cause, version)
                    .is_some_and(|said| said.is_empty())
            })
        };
        floor = (floor..=ceiling)
            .find(says_nothing)
            .ok_or(Violation::Lost(stream))?;
    }
    Ok(())
}

/// The log as text, for a person who looks at a failure.
pub(super) fn show(world: &World) -> Vec<String> {
    let mut lines = Vec::new();
    for topic in [FACTS, FIRST, SECOND, domain::INBOX] {
        let mut reader = StreamReader::from_start();
        lines.push(format!("{topic}:"));
        for stored in world.log.records(topic) {
            let verdict = reader.read(stored.offset, &stored.record().headers);
            let verdict = match verdict {
                Ok(Verdict::Void(why)) => format!("void {why:?}"),
                _ => String::new(),
            };
            let value = String::from_utf8_lossy(&stored.value);
            let stamp = stored.stamp.as_deref().unwrap_or_default();
            let stamp: Vec<&str> = stamp.split(' ').skip(3).collect();
            let id = stored.id.to_string();
            let what = format!(
                "{:4} {} {} {value}",
                stored.offset,
                &id[..8],
                stored.event_type
            );
            lines.push(format!("{what} [{}] {verdict}", stamp.join(" ")));
        }
    }
    for (at, owner) in world.owners.iter().enumerate() {
        lines.push(format!("owner {at} of {}: {:?}", owner.stream, owner.phase));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::domain::Told;
    use super::*;

    #[test]
    fn the_simulated_service_reads_and_routes_what_the_harness_believes() {
        let declared: Vec<_> = domain::service(1)
            .aggregates()
            .iter()
            .map(|participant| participant.description())
            .collect();
        assert_eq!(declared[0].direct_topics(), [FACTS]);
        assert_eq!(declared[1].direct_topics(), [FIRST]);
        assert_eq!(declared[1].routed_topics(), [FIRST]);
        assert_eq!((declared[0].stream, declared[1].stream), (FIRST, SECOND));
        assert_eq!(domain::service(1).inbox("second"), domain::INBOX);
        assert_eq!(Told::TYPE.topic, FACTS);
    }
}
