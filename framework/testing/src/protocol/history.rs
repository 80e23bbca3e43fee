//! The valid part of a stream, each answer of which is decided again by a fold that knows no processor.

use std::collections::BTreeMap;

use kolo_core::stream::Verdict;
use kolo_core::wire::{FENCE, Fence, MARKER, Source};
use kolo_core::{EventId, Origin, Path, Position, TopicId};

use super::domain::{self, FIRST};
use super::fold::{self, Cause, Fold};
use crate::simulation::{Seen, judged};

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

/// Reads the valid part of a stream, each answer decided on the state before it.
pub(super) fn history(seen: &Seen<'_>, stream: &'static str) -> Result<History, String> {
    let mut origins: Vec<Origin> = Vec::new();
    let mut history = History {
        answers: Vec::new(),
        states: vec![BTreeMap::new()],
    };
    // What the open answer still has to say.
    let mut open: Vec<(&'static str, Vec<u8>)> = Vec::new();
    for (offset, stored, verdict) in judged(seen.partition(stream, 0)) {
        let stamp = match verdict {
            Some(Verdict::Fence(_)) => {
                let fence: Result<Fence, _> = serde_json::from_slice(stored.value());
                origins = fence.map(|fence| fence.origins).unwrap_or_default();
                continue;
            }
            Some(Verdict::Valid(stamp)) if !matches!(stored.event_type, FENCE | MARKER) => stamp,
            _ => continue,
        };
        let stale = || format!("{stream} {offset}: not what is decided on the valid state before");
        let key = stored.key_text().to_owned();
        let mut states = history.states.last().cloned().unwrap_or_default();
        let state = states
            .entry(key.clone())
            .or_insert_with(|| Fold::new(stream));
        if stamp.index == 1 {
            let cause = stamp.causation.ok_or_else(stale)?;
            let place = place(stamp.source, &origins);
            let version = fold::version_of(stored.value());
            let said = with_cause(seen, stream, &key, cause, place.is_none(), |cause| {
                state.decide(cause, version)
            });
            open = said.flatten().ok_or_else(stale)?;
            if open.len() != usize::from(stamp.count) {
                return Err(stale());
            }
            history.answers.push(Answer {
                key,
                cause,
                place,
                from: history.states.len() - 1,
            });
        }
        if open.is_empty() {
            return Err(stale());
        }
        let (event_type, value) = open.remove(0);
        if event_type != stored.event_type
            || *value != *stored.value()
            || !state.evolve(stored.event_type, stored.value())
        {
            return Err(stale());
        }
        history.states.push(states);
    }
    Ok(history)
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
    seen: &Seen<'_>,
    stream: &str,
    key: &str,
    id: EventId,
    is_request: bool,
    then: impl FnOnce(&Cause<'_>) -> T,
) -> Option<T> {
    if is_request {
        let mut valid = seen.valid_of(stream);
        let request = valid.find(|valid| valid.stored.id == id)?;
        return Some(then(&Cause::Request {
            value: request.stored.value(),
            reply: domain::reply_to(request.stored.value())?,
        }));
    }
    if stream == FIRST {
        // It may have stood in a topic that was deleted since.
        let (event_type, value) = seen.published(id)?;
        return Some(then(&Cause::Input {
            event_type,
            key,
            value,
        }));
    }
    let mut valid = seen.valid_of(FIRST);
    let input = valid.find(|valid| valid.stored.id == id)?;
    Some(then(&Cause::Input {
        event_type: input.stored.event_type,
        key,
        value: input.stored.value(),
    }))
}
