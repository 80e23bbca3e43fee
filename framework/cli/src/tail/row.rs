//! One record as it is shown: everything that is known of it, as text for people or JSON for programs.

use std::fmt::Write as _;

use jiff::Timestamp;
use kolo_core::stream::Void;
use kolo_core::wire::{Headers, Source, Stamp, event_id, is_own_record};
use kolo_core::{CorrelationId, EventId, TopicId};
use serde_json::{Map, Value, json};

use super::judge::{Judge, Standing};
use crate::schemas::Schemas;
use crate::terminal::{DIM, EVENT, KEY, PLACE, WRONG, harmless, paint};

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
    Undecodable { reason: String, hex: String },
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

    pub(super) fn is_own(&self) -> bool {
        self.event.as_deref().is_some_and(is_own_record)
    }

    /// One line, and a second one if it is asked for.
    pub(super) fn text(&self, long: bool) -> String {
        let mut line = String::new();
        let place = format!("{}[{}]@{}", self.topic, self.partition, self.offset);
        let _ = write!(
            line,
            "{} {}",
            paint(DIM, time(self.millis)),
            paint(PLACE, harmless(&place))
        );
        if let Some(mark) = self.mark() {
            let _ = write!(line, " {}", paint(WRONG, harmless(&mark)));
        }
        let event = self
            .event
            .as_deref()
            .map_or("(no type)", |name| name.rsplit('.').next().unwrap_or(name));
        let quiet = self.is_own() || matches!(self.standing, Standing::Void(_));
        let event = if self.is_own() {
            self.event.as_deref().unwrap_or(event)
        } else {
            event
        };
        let _ = write!(
            line,
            " {}",
            paint(if quiet { DIM } else { EVENT }, harmless(event))
        );
        if let Some(key) = &self.key {
            let _ = write!(
                line,
                " {}",
                paint(if quiet { DIM } else { KEY }, harmless(key))
            );
        }
        let body = match &self.body {
            Body::Nothing => "(no value)".to_owned(),
            Body::Json(json) => harmless(&json.to_string()),
            Body::Undecodable { reason, hex } => {
                let bytes = if hex.is_empty() { "(empty)" } else { hex };
                format!(
                    "{} {}; the bytes: {bytes}",
                    paint(WRONG, "undecodable:"),
                    harmless(reason)
                )
            }
        };
        let _ = write!(line, " {}", if quiet { paint(DIM, body) } else { body });
        if let Some(source) = self.source.as_deref().filter(|_| self.is_copy()) {
            let _ = write!(line, " {}", paint(DIM, format!("({source})")));
        }
        if long {
            let _ = write!(line, "\n    {}", paint(DIM, harmless(&self.details())));
        }
        line
    }

    fn is_copy(&self) -> bool {
        self.stamp
            .is_some_and(|stamp| matches!(stamp.source, Source::Copy { .. }))
    }

    /// What sets the record apart, if anything.
    fn mark(&self) -> Option<String> {
        match &self.standing {
            Standing::Fence | Standing::Valid | Standing::Unfenced => None,
            Standing::Void(why) => Some(format!("VOID ({})", void(*why))),
            Standing::Unknown(why) => Some(format!("UNKNOWN ({why})")),
        }
    }

    fn details(&self) -> String {
        let mut details = Vec::new();
        let mut say = |name: &str, value: Option<String>| {
            details.extend(value.map(|value| format!("{name} {value}")))
        };
        say("id", self.id.clone());
        say("saga", self.correlation.map(|id| id.to_string()));
        say("cause", self.causation.map(|id| id.to_string()));
        say(
            "epoch",
            self.stamp
                .and_then(|stamp| stamp.writer)
                .map(|writer| writer.to_string()),
        );
        let several = self.stamp.filter(|stamp| stamp.count > 1);
        say(
            "part",
            several.map(|stamp| format!("{} of {}", stamp.index, stamp.count)),
        );
        details.extend(self.source.clone().filter(|_| !self.is_copy()));
        if details.is_empty() {
            "no headers of kolo".to_owned()
        } else {
            details.join(", ")
        }
    }

    /// Everything.
    pub(super) fn json(&self) -> Value {
        let (standing, reason) = match &self.standing {
            Standing::Fence => ("fence", None),
            Standing::Valid => ("valid", None),
            Standing::Unfenced => ("unfenced", None),
            Standing::Void(why) => ("void", Some(void(*why).to_owned())),
            Standing::Unknown(why) => ("unknown", Some(why.clone())),
        };
        let mut object = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                object.insert(name.to_owned(), value);
            }
        };
        put("topic", Some(json!(self.topic)));
        put("partition", Some(json!(self.partition)));
        put("offset", Some(json!(self.offset)));
        put("timestamp", self.millis.map(|_| json!(time(self.millis))));
        put("key", Some(json!(self.key)));
        put("type", Some(json!(self.event)));
        put("id", self.id.as_ref().map(|id| json!(id)));
        put("correlation", self.correlation.map(|id| json!(id)));
        put("causation", self.causation.map(|id| json!(id)));
        put("standing", Some(json!(standing)));
        put("reason", reason.map(Value::String));
        if let Some(writer) = self.stamp.and_then(|stamp| stamp.writer) {
            put("epoch", writer.epoch.map(|epoch| json!(epoch)));
            put("nonce", Some(json!(format!("{:016x}", writer.nonce))));
            put("number", Some(json!(writer.number)));
        }
        put("source", self.source.as_ref().map(|source| json!(source)));
        put(
            "part",
            self.stamp
                .filter(|stamp| stamp.count > 1)
                .map(|stamp| json!([stamp.index, stamp.count])),
        );
        match &self.body {
            Body::Nothing => put("value", Some(Value::Null)),
            Body::Json(json) => put("value", Some(json.clone())),
            Body::Undecodable { reason, hex } => {
                put("undecodable", Some(json!({ "reason": reason, "hex": hex })))
            }
        }
        Value::Object(object)
    }
}

fn body(raw: &Raw<'_>, schemas: Option<&Schemas>) -> (Option<String>, Body) {
    let event = raw.headers.event_type.map(str::to_owned);
    let Some(value) = raw.value else {
        return (event, Body::Nothing);
    };
    let undecodable = |reason: String| Body::Undecodable {
        reason,
        hex: hex(value),
    };
    if event.as_deref().is_some_and(is_own_record) {
        let json = serde_json::from_slice(value);
        return (
            event,
            json.map_or_else(
                |error| undecodable(format!("this is not JSON: {error}")),
                Body::Json,
            ),
        );
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

fn source(stamp: &Stamp, judge: &Judge, knowledge: &Knowledge<'_>) -> Option<String> {
    match stamp.source {
        Source::None => None,
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

fn void(why: Void) -> &'static str {
    match why {
        Void::Replaced => "its writer had been replaced",
        Void::OutOfTurn => "its number is out of turn: resent, or behind a hole",
        Void::Foreign => "no owner of this stream wrote it",
    }
}

/// RFC 3339 in UTC, to the millisecond.
fn time(millis: Option<i64>) -> String {
    match millis.and_then(|millis| Timestamp::from_millisecond(millis).ok()) {
        Some(time) => format!("{time:.3}"),
        None => "-".to_owned(),
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
