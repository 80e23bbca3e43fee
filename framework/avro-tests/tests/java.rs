//! What Java decoded, generated code decodes to the same, or the generator has refused the pair and says why.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;

use kolo_avro::codec::frame::{frame, registry_frame};
use kolo_avro::codec::{Meaning, ids};
use kolo_avro::dynamic::SchemaSet;
use kolo_avro::schema::Document;
use kolo_avro::transcode::Transcoder;
use kolo_core::{DecodeError, Event};
use serde_json::Value;

struct Case {
    name: &'static str,
    outcome: Outcome,
}

enum Outcome {
    /// Decodes a value of the writer's schema, and encodes it with the reader's.
    Generated {
        decode: fn(&[u8]) -> Result<Vec<u8>, DecodeError>,
        /// The same by a build to which the writer's schema was not published.
        alone: fn(&[u8]) -> Result<Vec<u8>, DecodeError>,
        fingerprint: u64,
        folder: &'static str,
    },
    Refused {
        reason: &'static str,
        folder: &'static str,
    },
}

include!(concat!(env!("OUT_DIR"), "/java.rs"));

fn reencoded<E: Event>(value: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut out = Vec::new();
    E::decode(value)?.encode(&mut out);
    Ok(out)
}

/// Pairs that Java calls compatible and that are refused all the same, with a word of the reason.
const REFUSED: &[(&str, &str)] = &[
    ("field renamed with alias", "aliases"),
    ("field alias and type promotion", "aliases"),
    ("record renamed with alias", "aliases"),
    ("record namespace changed with full alias", "aliases"),
    ("record alias relative to own namespace", "aliases"),
    ("enum renamed with alias", "aliases"),
    ("fixed renamed with alias", "aliases"),
    ("recursive with default field added", "contains itself"),
    ("mutually recursive", "contains itself"),
    (
        "union -> non-union, all match",
        "not a union of null and one other type",
    ),
    ("decimal scale differs", "point elsewhere"),
    ("decimal precision shrinks", "more digits"),
    ("bytes -> decimal", "no such number"),
    ("date -> timestamp-millis", "part of a second"),
    ("timestamp-micros -> timestamp-millis", "another time"),
    ("string -> uuid", "no uuid"),
];

#[test]
fn java_decodes_the_same() {
    let refused: BTreeSet<&str> = REFUSED.iter().map(|(name, _)| *name).collect();
    let mut decoded = 0;
    let mut wrong = Vec::new();
    let lines = include_str!("../../avro/tests/data/avro-decode.jsonl");
    for line in lines.lines() {
        let java: Value = serde_json::from_str(line).unwrap();
        let name = java["name"].as_str().unwrap();
        let case = CASES.iter().find(|case| case.name == name).unwrap();
        match &case.outcome {
            Outcome::Refused { reason, .. } if java["checker"]["java"] == "incompatible" => {
                if !["_MISMATCH", "MISSING_"]
                    .iter()
                    .any(|rule| reason.contains(rule))
                    && !reason.contains("aliases")
                    && !reason.contains("union of null")
                {
                    wrong.push(format!(
                        "{name}: refused without a rule of Java's: {reason}"
                    ));
                }
            }
            Outcome::Refused { reason, .. } => {
                let expected = REFUSED.iter().find(|(refused, _)| *refused == name);
                if !expected.is_some_and(|(_, word)| reason.contains(word)) {
                    wrong.push(format!("{name}: refused: {reason}"));
                }
            }
            Outcome::Generated { .. } if refused.contains(name) => {
                wrong.push(format!("{name}: not refused any more"));
            }
            Outcome::Generated {
                decode,
                fingerprint,
                folder,
                ..
            } => {
                let body: Vec<u8> = serde_json::from_value(java["bytes"].clone()).unwrap();
                let mut value = frame(*fingerprint).to_vec();
                value.extend_from_slice(&[2, b'k']);
                value.extend_from_slice(&body);
                let x = decode(&value).map(|bytes| {
                    SchemaSet::load(folder)
                        .unwrap()
                        .decode(&bytes)
                        .unwrap()
                        .json["x"]
                        .clone()
                });
                let said = java["decode"]["java"].as_str().unwrap();
                decoded += 1;
                if !same(said, &x, &body) {
                    wrong.push(format!("{name}: Java says {said}, here {x:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(decoded >= 30, "only {decoded} cases were decoded");
}

fn text(folder: &str, file: &str) -> String {
    std::fs::read_to_string(format!("{folder}/{file}")).unwrap()
}

/// What a build reads of a version that it hears of from a registry alone is what the build reads that was made with it.
#[test]
fn what_is_resolved_is_what_generated_code_reads() {
    let mut compared = 0;
    let lines = include_str!("../../avro/tests/data/avro-decode.jsonl");
    for (id, line) in (20_000..).zip(lines.lines()) {
        let java: Value = serde_json::from_str(line).unwrap();
        let name = java["name"].as_str().unwrap();
        let case = CASES.iter().find(|case| case.name == name).unwrap();
        let Outcome::Generated {
            decode,
            alone,
            fingerprint,
            folder,
        } = &case.outcome
        else {
            continue;
        };
        let writer = text(folder, "published/case/Case/1.avsc");
        ids::learn(id, Meaning::schema(*fingerprint, "kolo.case.Case", &writer));
        let mut body: Vec<u8> = vec![2, b'k'];
        body.extend(serde_json::from_value::<Vec<u8>>(java["bytes"].clone()).unwrap());
        let by_id = [registry_frame(id).as_slice(), &body].concat();
        let by_print = [frame(*fingerprint).as_slice(), &body].concat();
        let (resolved, generated) = (alone(&by_id), decode(&by_print));
        assert_eq!(resolved.is_ok(), generated.is_ok(), "{name}: {resolved:?}");
        if let (Ok(resolved), Ok(generated)) = (resolved, generated) {
            assert_eq!(resolved, generated, "{name}");
            compared += 1;
        }
        // Without a registry nothing is known of the version, unless it is the build's own.
        let unknown = alone(&by_print).err();
        let same = alone(&by_print) == decode(&by_print);
        assert!(
            same || matches!(unknown, Some(DecodeError::UnknownVersion { .. })),
            "{name}: {unknown:?}"
        );
    }
    assert!(compared >= 30, "only {compared} cases were compared");
}

#[test]
fn what_the_generator_refuses_is_not_resolved() {
    let mut refused = 0;
    for case in CASES {
        let Outcome::Refused { folder, .. } = &case.outcome else {
            continue;
        };
        let reader = Document::parse(&text(folder, "avro/case/Case.avsc"));
        let writer = Document::parse(&text(folder, "published/case/Case/1.avsc"));
        let (Ok(reader), Ok(writer)) = (reader, writer) else {
            continue;
        };
        // A schema that cannot be generated is no reader.
        if reader.check_supported().is_ok() {
            let planned = Transcoder::new(&reader, &writer);
            assert!(planned.is_err(), "{}", case.name);
            refused += 1;
        }
    }
    assert!(refused >= 15, "only {refused} cases were refused");
}

/// Whether Java's text and ours mean the same.
fn same(java: &str, ours: &Result<Value, DecodeError>, body: &[u8]) -> bool {
    let Some(java) = java.strip_prefix("ok ") else {
        return ours.is_err();
    };
    let Ok(ours) = ours else { return false };
    if let Ok(json) = serde_json::from_str::<Value>(java)
        && json == *ours
    {
        return true;
    }
    match (java, ours) {
        // Java prints a buffer, not what is in it: the bytes of all these cases follow their length.
        (buffer, Value::String(text)) if buffer.starts_with("java.nio.HeapByteBuffer") => {
            base64(&body[1..]) == *text || decimal(&body[1..]) == *text
        }
        (list, Value::String(text)) if list.starts_with('[') => {
            serde_json::from_str::<Vec<u8>>(list).is_ok_and(|bytes| base64(&bytes) == *text)
        }
        ("{k=1}", map) => *map == serde_json::json!({"k": 1}),
        (text, Value::String(ours)) => text == ours,
        _ => false,
    }
}

/// The recorded decimals have a scale of 2.
fn decimal(bytes: &[u8]) -> String {
    let unscaled = bytes.iter().fold(0i64, |n, byte| n << 8 | i64::from(*byte));
    format!("{}.{:02}", unscaled / 100, unscaled % 100)
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk
            .iter()
            .fold(0u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let index = bits >> (18 - 6 * digit) & 63;
            text.push(if digit <= chunk.len() {
                char::from(DIGITS[index as usize])
            } else {
                '='
            });
        }
    }
    text
}
