//! The valid part of a stream, judged by a plain fold that knows no processor.

use std::collections::{BTreeMap, BTreeSet};

use kolo_core::stream::{StreamReader, Verdict};
use kolo_core::wire::{FENCE, Fence, MARKER, Source};
use kolo_core::{EventId, Origin, Path, Position, TopicId};

use super::domain::{FACTS, FIRST};
use super::fold::{self, Cause, Fold};
use super::invariants::Violation;
use super::log::{Log, Stored};
use super::port;

/// One whole answer among the valid records.
pub(super) struct Answer {
    pub(super) key: String,
    pub(super) cause: EventId,
    /// The origin and the position of the input; `None` for the answer to a request.
    pub(super) place: Option<(Path, TopicId, Position)>,
    /// How many valid events stand before it.
    pub(super) from: usize,
}

/// The valid part of one stream.
pub(super) struct History {
    pub(super) answers: Vec<Answer>,
    /// The state of each key after that many valid events.
    pub(super) states: Vec<BTreeMap<String, Fold>>,
}

/// Reads the valid part of a stream: whole answers, each id once, each decided on the state before it, in order.
pub(super) fn history(log: &Log, stream: &'static str) -> Result<History, Violation> {
    let mut reader = StreamReader::from_start();
    let mut origins: Vec<Origin> = Vec::new();
    let mut history = History {
        answers: Vec::new(),
        states: vec![BTreeMap::new()],
    };
    let mut ids = BTreeSet::new();
    let mut answered = BTreeSet::new();
    let mut last = BTreeMap::new();
    // What the open answer still has to say, with its cause.
    let mut open: Vec<(&'static str, Vec<u8>)> = Vec::new();
    for stored in log.records(stream) {
        let stamp = match reader.read(stored.offset, &stored.record().headers) {
            Ok(Verdict::Fence(_)) => {
                let fence: Result<Fence, _> = serde_json::from_slice(&stored.value);
                origins = fence.map(|fence| fence.origins).unwrap_or_default();
                continue;
            }
            Ok(Verdict::Valid(stamp)) if !matches!(stored.event_type, FENCE | MARKER) => stamp,
            _ => continue,
        };
        if !ids.insert(stored.id) {
            return Err(Violation::IdTwice(stream));
        }
        let key = stored.key_text().to_owned();
        let mut states = history.states.last().cloned().unwrap_or_default();
        let state = states
            .entry(key.clone())
            .or_insert_with(|| Fold::new(stream));
        if stamp.index == 1 {
            if !open.is_empty() {
                return Err(Violation::Torn(stream));
            }
            let cause = stamp.causation.ok_or(Violation::NoCause(stream))?;
            let place = place(stamp.source, &origins);
            if let Some((path, topic, position)) = place
                && last
                    .insert((path_number(path), topic), position)
                    .is_some_and(|before| before >= position)
            {
                return Err(Violation::OutOfOrder(stream));
            }
            if !answered.insert((key.clone(), cause)) {
                return Err(Violation::AnsweredTwice(stream));
            }
            let version = fold::version_of(&stored.value);
            let said = with_cause(log, stream, &key, cause, place.is_none(), |cause| {
                state.decide(cause, version)
            });
            open = said.flatten().ok_or(Violation::NoCause(stream))?;
            if open.len() != usize::from(stamp.count) {
                return Err(Violation::StaleDecision(stream));
            }
            history.answers.push(Answer {
                key,
                cause,
                place,
                from: history.states.len() - 1,
            });
        } else if open.is_empty() || open.len() != usize::from(stamp.count - stamp.index) + 1 {
            return Err(Violation::Torn(stream));
        }
        let (event_type, value) = open.remove(0);
        if event_type != stored.event_type
            || value != stored.value
            || !state.evolve(stored.event_type, &stored.value)
        {
            return Err(Violation::StaleDecision(stream));
        }
        history.states.push(states);
    }
    if open.is_empty() {
        Ok(history)
    } else {
        Err(Violation::Torn(stream))
    }
}

fn path_number(path: Path) -> u32 {
    match path {
        Path::Direct => 0,
        Path::Route(version) => version,
    }
}

fn place(source: Source, origins: &[Origin]) -> Option<(Path, TopicId, Position)> {
    match source {
        Source::Input {
            origin, position, ..
        } => origins
            .get(usize::from(origin))
            .map(|origin| (origin.path, origin.id, position)),
        Source::Copy {
            path,
            topic,
            position,
            ..
        } => Some((path, topic, position)),
        Source::None | Source::Deadline(_) | Source::Parked => None,
    }
}

/// Finds what an answer names as its cause.
fn with_cause<T>(
    log: &Log,
    stream: &str,
    key: &str,
    id: EventId,
    is_request: bool,
    then: impl FnOnce(&Cause<'_>) -> T,
) -> Option<T> {
    let of_id = |stored: &&Stored| stored.id == id;
    if is_request {
        let request = log.valid(stream).find(of_id)?;
        return Some(then(&Cause::Request {
            value: &request.value,
            reply: port::reply(id),
        }));
    }
    let input = if stream == FIRST {
        log.records(FACTS).iter().chain(&log.deleted).find(of_id)?
    } else {
        log.valid(FIRST).find(of_id)?
    };
    Some(then(&Cause::Input {
        event_type: input.event_type,
        key,
        value: &input.value,
    }))
}
