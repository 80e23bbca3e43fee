//! What programs read.

use std::io::{BufWriter, Write};

use kolo_core::wire::{HeaderValue, Queued};
use serde::Serializer;
use serde::ser::SerializeSeq;
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::sensitive::Sensitive;
use super::super::terminal::time;
use super::select::Found;
use super::streams::Streams;

/// Writes one JSON array, value by value.
pub(in crate::command) fn print_all(values: impl Iterator<Item = Value>) -> Result<(), Failure> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut serializer = serde_json::Serializer::pretty(&mut out);
    let mut list = serializer.serialize_seq(None)?;
    for value in values {
        list.serialize_element(&value)?;
    }
    list.end()?;
    writeln!(out)?;
    Ok(out.flush()?)
}

/// Writes one JSON object.
pub(in crate::command) fn print_one(value: &Value) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    Ok(writeln!(out)?)
}

impl Streams<'_> {
    /// A key, with the record that it is parked for.
    pub(super) fn key_json(&self, found: &Found<'_>) -> Value {
        json!({
            "aggregate": self.aggregate(&found.at),
            "partition": self.part(&found.at).number,
            "key": found.at.key,
            "records": found.records,
            "fingerprint": found.first.parked.failure.fingerprint(),
            "first": record_json(found.first),
        })
    }
}

/// A parked record, without its bytes.
pub(in crate::command) fn record_json(queued: &Queued) -> Value {
    let parked = &queued.parked;
    let place = parked.place.as_ref();
    json!({
        "id": parked.id,
        "kind": parked.kind,
        "type": parked.event_type,
        "place": place.map(|place| json!({
            "topic": place.topic, "topic_id": place.id, "partition": place.partition, "offset": place.offset,
        })),
        "at": time(parked.at),
        "class": parked.failure.class,
        "function": parked.failure.function,
        "message": parked.failure.message,
        "attempts": parked.attempts,
        "parked_at": time(queued.since),
        "tried_at": time(queued.tried),
        "too_large": parked.too_large,
    })
}

/// A parked record, whole but for what is sensitive: of that, how many bytes it has.
pub(super) fn whole_json(queued: &Queued, sensitive: &Sensitive) -> Value {
    let mut value = record_json(queued);
    let headers = queued.parked.headers.iter().map(|(name, value)| {
        let value = match value {
            _ if sensitive.hides_header(name) => {
                json!({ "hidden_bytes": value.bytes().map(<[u8]>::len) })
            }
            HeaderValue::Text(text) => json!(text),
            HeaderValue::Bytes { .. } => json!({ "hex": value.bytes().map(hex) }),
        };
        json!([name, value])
    });
    value["headers"] = headers.collect();
    value["value"] = match queued.parked.value.as_deref() {
        None => Value::Null,
        Some(bytes) if sensitive.hides_value(queued.parked.event_type.as_deref()) => {
            json!({ "hidden_bytes": bytes.len() })
        }
        Some(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => json!(text),
            Err(_) => json!({ "hex": hex(bytes) }),
        },
    };
    value
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
