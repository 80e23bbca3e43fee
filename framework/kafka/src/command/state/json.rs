//! What programs read of a key.

use kolo_core::processor::{Inspected, InspectedState};
use serde_json::{Value, json};

use super::super::parked::json::record_json;
use super::super::terminal::time;
use super::at::At;
use super::history::{History, Told};

pub(super) fn of(history: &History, key: &str, at: At) -> Value {
    let mut value = json!({
        "aggregate": history.aggregate.name,
        "topic": history.aggregate.description.stream,
        "partition": history.partition,
        "key": key,
        "at": match at {
            At::Now => Value::Null,
            At::Offset(offset) => json!({ "offset": offset }),
            At::Time(at) => json!({ "time": time(at) }),
        },
        "later": history.later.map(|(offset, at)| json!({ "offset": offset, "time": time(at) })),
        "events": history.events.iter().map(event).collect::<Vec<_>>(),
    });
    if let (Some(known), Some(fields)) = (&history.known, value.as_object_mut()) {
        fields.extend(inspected(known));
    }
    value
}

fn event(told: &Told) -> Value {
    json!({
        "offset": told.offset,
        "at": time(told.at),
        "type": told.event_type,
        "id": told.id,
        "text": told.text,
        "saga": told.correlation,
        "cause": told.causation,
    })
}

/// The state as it writes itself; null where it has no such form.
pub(super) fn state(state: Option<&InspectedState>) -> Value {
    let json = state.and_then(|state| state.json.as_deref().ok());
    let parsed = json.map(serde_json::from_str);
    parsed.and_then(Result::ok).unwrap_or_default()
}

fn inspected(known: &Inspected) -> Vec<(String, Value)> {
    let sagas = known.barrier.iter().map(|saga| {
        json!({
            "saga": saga.correlation,
            "done": saga.done.iter().map(|(step, id)| json!({ "step": step, "id": id })).collect::<Vec<_>>(),
            "barred": saga.barred,
            "waiting": saga.waiting.iter().map(|(step, by)| json!({ "step": step, "by": by })).collect::<Vec<_>>(),
            "past_pivot": saga.is_past_pivot,
        })
    });
    let deadline = known.deadline.as_ref().map(|deadline| {
        json!({
            "due": time(deadline.due),
            "cause": deadline.cause,
            "saga": deadline.correlation,
            "answered": deadline.is_answered,
        })
    });
    let pending = known.pending.iter().map(|request| {
        json!({
            "id": request.id,
            "type": request.request,
            "port": request.port,
            "saga": request.correlation,
            "since": time(request.since),
            "parked": request.is_parked,
        })
    });
    let no_state = match &known.state {
        None => Some("`.snapshots(version)` is not declared"),
        Some(state) => state.json.as_ref().err().map(String::as_str),
    };
    let torn = known
        .torn
        .map(|(found, count)| json!({ "records": found, "of": count }));
    [
        ("state", state(known.state.as_ref())),
        ("no_state", json!(no_state)),
        ("unfinished", json!(torn)),
        ("barrier", sagas.collect()),
        ("deadline", json!(deadline)),
        ("pending", pending.collect()),
        ("parked", known.parked.iter().map(record_json).collect()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
