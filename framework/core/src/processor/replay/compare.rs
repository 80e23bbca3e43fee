//! Compare: what was recorded, beside what is said today.

use crate::event::OwnEvents;
use crate::id::{CorrelationId, EventId};
use crate::state::State;
use crate::wire::{Record, read_rest};

use super::super::draft::Draft;
use super::judge::Today;
use super::{Finding, Said};

/// A recorded answer, whole: its first record holds the rest.
pub(super) struct Answer {
    pub(super) records: Vec<Recorded>,
    pub(super) correlation: Option<CorrelationId>,
}

/// One record of it.
#[derive(Clone)]
pub(super) struct Recorded {
    pub(super) event_type: String,
    pub(super) id: EventId,
    pub(super) value: Vec<u8>,
}

impl Answer {
    /// Whether its first record is of this type.
    pub(super) fn is(&self, event_type: &str) -> bool {
        self.records
            .first()
            .is_some_and(|first| first.event_type == event_type)
    }

    pub(super) fn of(record: &Record<'_>, correlation: Option<CorrelationId>) -> Self {
        let headers = &record.headers;
        let first = Recorded {
            event_type: headers.event_type.unwrap_or_default().to_owned(),
            id: crate::wire::event_id(headers.id.unwrap_or_default()),
            value: record.value.unwrap_or_default().to_vec(),
        };
        let rest = headers.rest.and_then(read_rest).unwrap_or_default();
        let rest = rest.into_iter().map(|event| Recorded {
            event_type: event.event_type.to_owned(),
            id: event.id,
            value: event.value.to_vec(),
        });
        Answer {
            records: std::iter::once(first).chain(rest).collect(),
            correlation,
        }
    }
}

/// How what was recorded and what is said today compare.
pub(super) fn compare<S: State>(recorded: &[Recorded], today: &Today, draft: &Draft) -> Finding {
    if today.failure.is_some() {
        return Finding::Undecidable;
    }
    match (recorded.is_empty(), draft.items.is_empty()) {
        (true, true) => return Finding::Same,
        (true, false) => return Finding::Missing,
        (false, true) => return Finding::Extra,
        (false, false) => {}
    }
    let same = recorded.len() == draft.items.len()
        && recorded
            .iter()
            .zip(draft.records())
            .all(|(then, (event_type, id, value))| {
                then.event_type == event_type
                    && then.id == id
                    && (then.value == value || is_same_event::<S>(event_type, &then.value, value))
            });
    if same {
        Finding::Same
    } else {
        Finding::Different
    }
}

/// An older version of the schema may have written the same event in other bytes.
fn is_same_event<S: State>(event_type: &str, then: &[u8], today: &[u8]) -> bool {
    let read = |value| S::Event::decode(event_type, value).and_then(Result::ok);
    matches!((read(then), read(today)), (Some(then), Some(today)) if then == today)
}

pub(super) fn recorded_said<S: State>(recorded: &[Recorded]) -> Vec<Said> {
    recorded
        .iter()
        .map(|record| said::<S>(&record.event_type, record.id, &record.value))
        .collect()
}

pub(super) fn draft_said<S: State>(draft: &Draft) -> Vec<Said> {
    draft
        .records()
        .map(|(event_type, id, value)| said::<S>(event_type, id, value))
        .collect()
}

fn said<S: State>(event_type: &str, id: EventId, value: &[u8]) -> Said {
    let event = S::Event::decode(event_type, value).and_then(Result::ok);
    Said {
        event_type: event_type.to_owned(),
        id,
        text: event.map_or_else(
            || String::from_utf8_lossy(value).into_owned(),
            |event| format!("{event:?}"),
        ),
    }
}
