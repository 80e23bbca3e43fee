//! One record, understood: its value decoded, its saga derived, its origin named.

use std::fmt::Write as _;

use kolo_core::wire::{
    Headers, KOLO_REST, PARKED, Source, Stamp, UNROUTED, event_id, is_own_record,
};
use kolo_core::{CorrelationId, EventId, TopicId};
use serde_json::Value;

use super::show::{HIDDEN, time};
use crate::judge::{Judge, Standing};
use crate::schemas::Schemas;

/// What is needed to understand a record.
pub(super) struct Knowledge<'a> {
    pub(super) schemas: Option<&'a Schemas>,
    /// The names of topics by their ids, for copies in an inbox.
    pub(super) names: &'a [(TopicId, String)],
}

/// A record as it was read.
pub(super) struct Raw<'a> {
    pub(super) topic: &'a str,
    pub(super) id: Option<TopicId>,
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) millis: Option<i64>,
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
    pub(super) headers: Headers<'a>,
}

/// What the value holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Body {
    Nothing,
    Json(Value),
    /// `hex` is none where something sensitive may be in it.
    Undecodable {
        reason: String,
        hex: Option<String>,
    },
}

/// A record, understood.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) millis: Option<i64>,
    pub(super) key: Option<String>,
    pub(super) event: Option<String>,
    pub(super) id: Option<String>,
    pub(super) correlation: Option<CorrelationId>,
    pub(super) causation: Option<EventId>,
    pub(super) standing: Standing,
    pub(super) stamp: Option<Stamp>,
    /// The input that it answers or is a copy of, in words.
    pub(super) source: Option<String>,
    pub(super) body: Body,
}

impl Row {
    pub(super) fn new(
        raw: &Raw<'_>,
        standing: Standing,
        judge: &Judge,
        knowledge: &Knowledge<'_>,
    ) -> Self {
        let stamp = raw.headers.stamp.and_then(|text| Stamp::read(text).ok());
        let (event, body) = body(raw, knowledge.schemas);
        let own = event.as_deref().is_some_and(is_own_record);
        let id = match raw.headers.id {
            Some(id) => Some(id.to_owned()),
            None if own => None,
            None => raw
                .id
                .map(|topic| EventId::of_place(topic, raw.partition, raw.offset).to_string()),
        };
        let correlation = match (&stamp, &body) {
            (Some(stamp), _) => stamp.correlation,
            // As an aggregate derives it when it takes the event in.
            (None, Body::Json(json)) if !own => {
                let saga = event
                    .as_deref()
                    .and_then(|event| knowledge.schemas?.saga(event, json));
                saga.map(CorrelationId::of_saga).or_else(|| {
                    id.as_deref()
                        .map(|id| CorrelationId::of_event(event_id(id)))
                })
            }
            _ => None,
        };
        Row {
            topic: raw.topic.to_owned(),
            partition: raw.partition,
            offset: raw.offset,
            millis: raw.millis,
            key: raw.key.map(|key| {
                String::from_utf8(key.to_vec()).unwrap_or_else(|_| format!("0x{}", hex(key)))
            }),
            event,
            id,
            correlation,
            causation: stamp.and_then(|stamp| stamp.causation),
            standing,
            stamp,
            source: stamp.and_then(|stamp| source(&stamp, judge, knowledge)),
            body,
        }
    }
}

fn body(raw: &Raw<'_>, schemas: Option<&Schemas>) -> (Option<String>, Body) {
    let event = raw.headers.event_type.map(str::to_owned);
    let Some(value) = raw.value else {
        return (event, Body::Nothing);
    };
    let may_show = |event: Option<&str>| schemas.is_none_or(|known| known.may_show_bytes(event));
    let is_shown = may_show(event.as_deref());
    let undecodable = |reason: String| Body::Undecodable {
        reason,
        hex: is_shown.then(|| hex(value)),
    };
    if let Some(own) = event.as_deref().filter(|name| is_own_record(name)) {
        let body = match serde_json::from_slice(value) {
            Ok(json) if [PARKED, UNROUTED].contains(&own) => Body::Json(parked(json, may_show)),
            Ok(json) => Body::Json(json),
            Err(error) => undecodable(format!("this is not JSON: {error}")),
        };
        return (event, body);
    }
    let Some(schemas) = schemas else {
        return (
            event,
            undecodable("there are no schemas: name their folder with --schemas DIR".to_owned()),
        );
    };
    match schemas.decode(event.as_deref(), value) {
        Ok((name, json)) => (Some(name), Body::Json(json)),
        Err(error) => (event, undecodable(error.to_string())),
    }
}

/// What is parked holds the value that it was, and in its headers those of the answer that it was part of.
fn parked(mut json: Value, may_show: impl Fn(Option<&str>) -> bool) -> Value {
    if may_show(json["event_type"].as_str()) {
        return json;
    }
    if let Some(value) = json.get_mut("value") {
        *value = HIDDEN.into();
    }
    let headers = json.get_mut("headers").and_then(Value::as_array_mut);
    for header in headers.into_iter().flatten() {
        if header[0] == KOLO_REST {
            header[1] = HIDDEN.into();
        }
    }
    json
}

fn source(stamp: &Stamp, judge: &Judge, knowledge: &Knowledge<'_>) -> Option<String> {
    match stamp.source {
        Source::None => None,
        Source::Deadline(due) => Some(format!("the deadline of {}", time(Some(due.as_millis())))),
        Source::Parked => Some("what was parked".to_owned()),
        Source::Input {
            origin,
            partition,
            position,
        } => {
            let topic = judge
                .origin(origin)
                .map_or_else(|| format!("origin {origin}"), |origin| origin.topic.clone());
            let copy = if position.copy > 0 {
                format!(", copy {}", position.copy)
            } else {
                String::new()
            };
            Some(format!(
                "answers {topic}[{partition}]@{}{copy}",
                position.offset
            ))
        }
        Source::Copy {
            path,
            topic,
            partition,
            position,
            ..
        } => {
            let name = knowledge.names.iter().find(|(id, _)| *id == topic);
            let topic = name.map_or_else(|| format!("topic {topic}"), |(_, name)| name.clone());
            Some(format!(
                "copy {} of {topic}[{partition}]@{} by {path}",
                position.copy, position.offset
            ))
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
