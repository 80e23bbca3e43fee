//! Events as JSON: what the command line shows and takes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::path::Path;

use kolo_avro::codec::{Meaning, frame, ids};
use kolo_avro::dynamic::{DynamicError, SchemaSet, SchemaVersion};
use kolo_avro_tests::kinds::{Color, Everything};
use kolo_core::Event;
use serde_json::{Value, json};

fn set() -> SchemaSet {
    SchemaSet::load(env!("CARGO_MANIFEST_DIR")).unwrap()
}

fn sample(event: &str, version: u32) -> (Vec<u8>, Value) {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("published/{event}/{version}.bin"));
    let json = std::fs::read_to_string(file.with_extension("json")).unwrap();
    (
        std::fs::read(file).unwrap(),
        serde_json::from_str(&json).unwrap(),
    )
}

/// The problems of an input, a line each.
fn problems(event: &str, change: impl FnOnce(&mut Value)) -> String {
    let (_, mut json) = sample("kinds/Everything", 1);
    change(&mut json);
    let error = set().event(event).unwrap().encode(&json).unwrap_err();
    assert!(matches!(error, DynamicError::Input(_)), "{error}");
    error.to_string()
}

#[test]
fn golden_samples_are_what_their_json_says() {
    let set = set().revealed();
    for (event, version) in [
        ("kinds/Everything", 1),
        ("shop/OrderPlaced", 1),
        ("evolving/Shipment", 1),
        ("evolving/Shipment", 2),
        ("evolving/Shipment", 3),
    ] {
        let (bytes, json) = sample(event, version);
        assert_eq!(set.decode(&bytes).unwrap().json, json, "{event} {version}");
    }
}

#[test]
fn json_becomes_the_bytes_of_generated_code() {
    let (bytes, json) = sample("kinds/Everything", 1);
    let encoded = set().event("Everything").unwrap().encode(&json).unwrap();
    assert_eq!(encoded.value, bytes);
    assert_eq!(encoded.name, "kolo.test.kinds.Everything");
    assert_eq!(encoded.topic, "kinds");
    let event = Everything::decode(&encoded.value).unwrap();
    assert_eq!(encoded.key, event.id.to_string());
    assert_eq!(encoded.saga.as_deref(), event.saga().as_deref());
    assert_eq!(event.color, Color::Blue);
}

#[test]
fn a_value_is_found_by_its_fingerprint() {
    let set = set();
    let versions = [
        (1, SchemaVersion::Published(1)),
        (2, SchemaVersion::Working),
        (3, SchemaVersion::Published(3)),
    ];
    for (number, version) in versions {
        let decoded = set.decode(&sample("evolving/Shipment", number).0).unwrap();
        assert_eq!(
            (decoded.event.as_str(), decoded.version),
            ("kolo.test.evolving.Shipment", version)
        );
    }
    let (order, _) = sample("shop/OrderPlaced", 1);
    assert!(
        set.decode_named("kolo.test.shop.OrderPlaced", &order)
            .is_ok()
    );
    let other = set
        .decode_named("kolo.test.kinds.Everything", &order)
        .unwrap_err();
    assert_eq!(
        other.to_string(),
        "the record is called kolo.test.kinds.Everything, but its value was written with a schema of kolo.test.shop.OrderPlaced"
    );
}

/// A version that the folder does not have is shown as the registry has it, by its own schema.
#[test]
fn a_value_is_found_by_what_a_registry_says_of_its_id() {
    let set = set();
    let event = "kolo.test.kinds.Newer";
    let text = format!(
        r#"{{"type": "record", "name": "{event}", "fields": [{{"name": "a", "type": "int"}}]}}"#
    );
    ids::learn(40_001, Meaning::schema(99, event, &text));
    let value = [frame::registry_frame(40_001).as_slice(), &[6]].concat();
    for _ in 0..2 {
        let decoded = set.decode(&value).unwrap();
        assert_eq!(decoded.event, event);
        assert_eq!(decoded.version, SchemaVersion::Registered(40_001));
        assert_eq!(decoded.json, json!({"a": 3}));
    }
    let without_end = text.replace("\"int\"", &format!("\"{event}\""));
    ids::learn(40_002, Meaning::schema(98, event, &without_end));
    let value = [frame::registry_frame(40_002).as_slice(), &[6]].concat();
    let error = set.decode(&value).unwrap_err().to_string();
    assert!(
        error.contains("40002") && error.contains("contains itself"),
        "{error}"
    );
}

#[test]
fn what_cannot_be_read_says_why() {
    let set = set();
    let unframed = set.decode(&[1, 0, 0, 0, 1]).unwrap_err().to_string();
    assert!(
        unframed.contains("it starts with 01 00 00 00 01"),
        "{unframed}"
    );
    let by_id = set.decode(&[0, 0, 0, 0, 7, 2]).unwrap_err().to_string();
    assert!(by_id.contains("the id 7"), "{by_id}");
    assert!(by_id.contains("KOLO_REGISTRY_URL"), "{by_id}");
    let unknown = set
        .decode(&[0xC3, 1, 1, 0, 0, 0, 0, 0, 0, 0])
        .unwrap_err()
        .to_string();
    assert!(
        unknown.contains("unknown schema version 0000000000000001"),
        "{unknown}"
    );
    let (order, _) = sample("shop/OrderPlaced", 1);
    let cut = set
        .decode(&order[..order.len() - 1])
        .unwrap_err()
        .to_string();
    assert!(
        cut.starts_with("kolo.test.shop.OrderPlaced: malformed at byte"),
        "{cut}"
    );
    assert!(cut.contains("field `note`"), "{cut}");
}

#[test]
fn events_are_found_by_name() {
    let set = set();
    assert_eq!(
        set.event("kolo.test.kinds.Everything").unwrap().topic(),
        "kinds"
    );
    let everything = set.event("Everything").unwrap();
    assert_eq!(
        (
            everything.key_field(),
            everything.saga_field(),
            everything.is_public()
        ),
        ("id", Some("text"), true)
    );
    let hint = set.event("everything").unwrap_err().to_string();
    assert_eq!(
        hint,
        "there is no event `everything` among the schemas; did you mean Everything?"
    );
    let all = set.event("Nonsense").unwrap_err().to_string();
    assert!(all.contains("kolo.test.shop.OrderPlaced"), "{all}");
    assert_eq!(set.events().count(), 4);
}

/// Each kind of wrong input, with the message for it.
#[test]
fn wrong_input_is_named_with_its_place() {
    let wrong = |field: &str, value: Value| problems("Everything", |json| json[field] = value);
    let cases = [
        (
            wrong("small", json!("three")),
            "Everything.small: expected an int (a whole number of 32 bits), found \"three\"",
        ),
        (
            wrong("small", json!(1_i64 << 31)),
            "Everything.small: expected an int (a whole number of 32 bits), found 2147483648",
        ),
        (
            wrong("small", json!(1.5)),
            "Everything.small: expected an int (a whole number of 32 bits), found 1.5",
        ),
        (
            wrong("big", Value::Null),
            "Everything.big: expected a long (a whole number of 64 bits), found null",
        ),
        (
            wrong("flag", json!(1)),
            "Everything.flag: expected true or false, found 1",
        ),
        (
            wrong("id", json!("4711")),
            "Everything.id: expected a uuid as text (36 characters with hyphens), found \"4711\"",
        ),
        (
            wrong("color", json!("PINK")),
            "Everything.color: expected one of RED, DARK_GREEN, blue, found \"PINK\"",
        ),
        (
            wrong("blob", json!("not base64!")),
            "Everything.blob: expected bytes in base64, found \"not base64!\"",
        ),
        (
            wrong("hash", json!("AAAA")),
            "Everything.hash: expected 16 byte(s) in base64, found \"AAAA\"",
        ),
        (
            wrong("price", json!("12.345")),
            "Everything.price: expected a decimal as text, of at most 9 digits, 2 of them behind the point, found \"12.345\"",
        ),
        (
            wrong("price", json!(12.34)),
            "Everything.price: expected a decimal as text, of at most 9 digits, 2 of them behind the point, found 12.34",
        ),
        (
            wrong("day", json!("31.1.2026")),
            "Everything.day: expected a date as \"2026-01-31\" or in days since 1970-01-01, found \"31.1.2026\"",
        ),
        (
            wrong("millis", json!("2026-01-31T12:00:00.0001Z")),
            "Everything.millis: expected a time as \"2026-01-31T12:00:00.000Z\" (no finer) or in milliseconds since 1970, found \"2026-01-31T12:00:00.0001Z\"",
        ),
        (
            wrong("address", json!([])),
            "Everything.address: expected an object (kolo.test.kinds.Address), found []",
        ),
        (
            wrong("grid", json!([[1], [2, "x"]])),
            "Everything.grid[1][1]: expected a long (a whole number of 64 bits), found \"x\"",
        ),
        (
            wrong("counts", json!({"a b": true})),
            "Everything.counts[\"a b\"]: expected a long (a whole number of 64 bits), found true",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let text = problems("Everything", |json| {
        let object = json.as_object_mut().unwrap();
        object.remove("text");
        object.insert("txet".to_owned(), json!("x"));
        object["addresses"][0]["at"]["x"] = json!("far");
    });
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[0].starts_with("Everything.txet: there is no such field; the fields of kolo.test.kinds.Everything are: id, flag"), "{text}");
    assert_eq!(
        lines[1],
        "Everything.text: this field is missing; expected a string"
    );
    assert_eq!(
        lines[2],
        "Everything.addresses[0].at.x: expected a double (a number), found \"far\""
    );
}

#[test]
fn times_may_be_written_for_people() {
    let (_, mut json) = sample("kinds/Everything", 1);
    json["day"] = json!("1969-12-31");
    json["millis"] = json!("2026-01-31T13:00:00.250+01:00");
    json["micros"] = json!("2026-01-31T12:00:00.000001Z");
    let set = set();
    let encoded = set.event("Everything").unwrap().encode(&json).unwrap();
    let read = set.decode(&encoded.value).unwrap().json;
    assert_eq!(read["day"], json!(-1));
    assert_eq!(read["millis"], json!(1_769_860_800_250_i64));
    assert_eq!(read["micros"], json!(1_769_860_800_000_001_i64));
}

#[test]
fn fields_with_a_default_may_be_left_out() {
    let set = set();
    let (_, mut json) = sample("evolving/Shipment", 2);
    let object = json.as_object_mut().unwrap();
    object.retain(|field, _| !field.starts_with("new_"));
    let encoded = set.event("Shipment").unwrap().encode(&json).unwrap();
    let read = set.decode(&encoded.value).unwrap().json;
    assert_eq!(read["new_bytes"], json!("/wE="));
    assert_eq!(read["new_decimal"], json!("2.55"));
    assert_eq!(read["new_null"], Value::Null);
    assert_eq!(read["new_some"], json!("some"));
    assert_eq!(read["new_record"], json!({"n": 4, "t": "deep"}));
}
