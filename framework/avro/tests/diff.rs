//! Changes of a schema, in words.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use kolo_avro::diff::changes;
use kolo_avro::schema::Document;

/// The words for the change of one field, whose place is taken away.
fn field(old: &str, new: &str) -> Vec<String> {
    let of = |rest: &str| format!(r#"{{"name": "f", {rest}}}"#);
    record(&of(old), &of(new))
        .into_iter()
        .map(|words| words.strip_prefix("Placed.f: ").unwrap().to_owned())
        .collect()
}

fn record(old: &str, new: &str) -> Vec<String> {
    let of = |fields: &str| {
        let text = format!(
            r#"{{"type": "record", "name": "shop.order.Placed", "topic": "orders", "key": "id", "fields": [
                {{"name": "id", "type": "string"}}, {fields}]}}"#
        );
        Document::parse(&text).unwrap()
    };
    let found = changes(&of(old), &of(new));
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn the_same_schema_has_no_change() {
    let text = r#""type": ["null", {"type": "enum", "name": "E", "symbols": ["A"]}], "default": null, "doc": "d""#;
    assert_eq!(field(text, text), Vec::<String>::new());
}

#[test]
fn types() {
    let types = [
        (r#""int""#, r#""long""#, "type widened from int to long"),
        (r#""long""#, r#""int""#, "type changed from long to int"),
        (r#""int""#, r#"["null", "int"]"#, "null added to the union"),
        (
            r#"["null", "int"]"#,
            r#""int""#,
            "null removed from the union",
        ),
        (
            r#"["null", "int"]"#,
            r#"["int", "null"]"#,
            "branches of the union in another order",
        ),
        (
            r#"["null", "int"]"#,
            r#"["null", "long"]"#,
            "type widened from int to long",
        ),
        (
            r#"{"type": "array", "items": "float"}"#,
            r#"{"type": "array", "items": "double"}"#,
            "type widened from float to double",
        ),
        (
            r#"{"type": "map", "values": "int"}"#,
            r#"{"type": "map", "values": "string"}"#,
            "type changed from int to string",
        ),
        (
            r#""string""#,
            r#"{"type": "string", "logicalType": "uuid"}"#,
            "type changed from string to string (uuid)",
        ),
        (
            r#"{"type": "fixed", "name": "Hash", "size": 16}"#,
            r#"{"type": "fixed", "name": "Hash", "size": 20}"#,
            "size changed from 16 to 20 bytes",
        ),
    ];
    for (old, new, words) in types {
        let of = |kind: &str| format!(r#""type": {kind}"#);
        assert_eq!(field(&of(old), &of(new)), [words], "{old} -> {new}");
    }
}

#[test]
fn a_type_that_is_widened_and_may_be_null_has_both_changes() {
    assert_eq!(
        field(
            r#""type": "int""#,
            r#""type": ["null", "long"], "default": null"#
        ),
        [
            "type widened from int to long",
            "null added to the union",
            "default null added"
        ]
    );
}

#[test]
fn a_renamed_field_is_one_removed_and_one_added() {
    assert_eq!(
        record(
            r#"{"name": "a", "type": "int"}"#,
            r#"{"name": "b", "type": ["null", "int"], "default": null}"#
        ),
        [
            "Placed.a: field removed, an int without a default",
            "Placed.b: field added, a union of null, int with the default null"
        ]
    );
}

#[test]
fn enums() {
    let of =
        |symbols: &str| format!(r#""type": {{"type": "enum", "name": "E", "symbols": {symbols}"#);
    let (old, plain) = (of(r#"["A", "B"], "default": "A"}"#), of(r#"["A", "B"]}"#));
    assert_eq!(
        field(&old, &of(r#"["A", "C"], "default": "A"}"#)),
        ["symbol B removed", "symbol C added"]
    );
    assert_eq!(
        field(&plain, &of(r#"["B", "A"]}"#)),
        ["symbols in another order"]
    );
    assert_eq!(field(&plain, &old), [r#"default "A" added"#]);
}

#[test]
fn nested_records_are_walked_by_their_path() {
    let line = |fields: &str| {
        format!(
            r#"{{"name": "lines", "type": {{"type": "array", "items": {{"type": "record", "name": "Line", "doc": "One.", "fields": [{fields}]}}}}}}"#
        )
    };
    let found = record(
        &line(
            r#"{"name": "sku", "type": "string"}, {"name": "n", "type": "int", "doc": "Pieces."}"#,
        ),
        &line(
            r#"{"name": "n", "type": "long", "default": 1, "doc": "At least 1."}, {"name": "sku", "type": "string", "newtype": "Sku"}"#,
        ),
    );
    assert_eq!(
        found,
        [
            "Placed.lines.n: type widened from int to long",
            "Placed.lines.n: default 1 added",
            "Placed.lines.n: doc changed to: At least 1.",
            "Placed.lines.sku: newtype `Sku` added",
            "Placed.lines: fields in another order",
        ]
    );
}

#[test]
fn defaults_docs_and_properties() {
    let int = |rest: &str| format!(r#""type": "int"{rest}"#);
    assert_eq!(
        field(&int(r#", "default": 1"#), &int(r#", "default": 2"#)),
        ["default changed from 1 to 2"]
    );
    assert_eq!(
        field(&int(r#", "default": 1"#), &int("")),
        ["default 1 removed"]
    );
    assert_eq!(field(&int(r#", "doc": "x""#), &int("")), ["doc removed"]);
    let of = |rest: &str| {
        Document::parse(&format!(
            r#"{{"type": "record", "name": "shop.order.Placed", "key": "id", {rest}, "fields": [{{"name": "id", "type": "string"}}]}}"#
        ))
        .unwrap()
    };
    let old = of(r#""topic": "orders""#);
    let new = of(r#""topic": "placed", "saga": "id", "public": false, "intake": true"#);
    let found = changes(&old, &new);
    let words: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        [
            "Placed: topic changed from `orders` to `placed`",
            "Placed: saga `id` added",
            "Placed: public changed from `true` to `false`",
            "Placed: mark changed from `step` to `intake`",
        ]
    );
    let silent: Vec<bool> = found
        .iter()
        .map(|change| change.what.is_off_the_wire())
        .collect();
    assert_eq!(silent, [false, false, true, true]);
}
