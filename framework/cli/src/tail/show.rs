//! A record as it is shown: a line for people, or everything as JSON for programs.

use std::fmt::Write as _;

use jiff::Timestamp;
use kolo_core::stream::Void;
use kolo_core::wire::{Source, is_own_record};
use serde_json::{Map, Value, json};

use super::row::{Body, Row};
use crate::judge::Standing;
use crate::terminal::{DIM, EVENT, KEY, PLACE, WRONG, harmless, paint};

/// What stands where something sensitive is, or may be.
pub(super) const HIDDEN: &str = "(hidden)";

impl Row {
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
                let bytes = match hex.as_deref() {
                    None => HIDDEN,
                    Some("") => "(empty)",
                    Some(hex) => hex,
                };
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
            Standing::Fence | Standing::Valid(_) | Standing::Unfenced(_) => None,
            Standing::Void(why) => Some(format!("VOID ({})", void(*why))),
            Standing::Unknown(why) => Some(format!("UNKNOWN ({why})")),
        }
    }

    fn details(&self) -> String {
        let mut details = Vec::new();
        let mut say = |name: &str, value: Option<String>| {
            details.extend(value.map(|value| format!("{name} {value}")));
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
            Standing::Valid(_) => ("valid", None),
            Standing::Unfenced(_) => ("unfenced", None),
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
                put("undecodable", Some(json!({ "reason": reason, "hex": hex })));
            }
        }
        Value::Object(object)
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
pub(crate) fn time(millis: Option<i64>) -> String {
    match millis.and_then(|millis| Timestamp::from_millisecond(millis).ok()) {
        Some(time) => format!("{time:.3}"),
        None => "-".to_owned(),
    }
}
