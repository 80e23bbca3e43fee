//! The checker gives Java's verdict, with Java's reason and place, on every recorded pair of schemas.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use kolo_avro::compat::{check, meaning, trouble};
use kolo_avro::schema::Document;
use serde_json::Value;

#[test]
fn every_verdict_is_javas() {
    let pairs = include_str!("data/avro-compat.jsonl");
    let mut wrong = Vec::new();
    let mut seen = 0;
    for line in pairs.lines() {
        seen += 1;
        let pair: Value = serde_json::from_str(line).unwrap();
        let parse = |side: &str| {
            Document::from_json(&pair[side])
                .unwrap_or_else(|error| panic!("{}: {error}", pair["name"]))
        };
        let found = check(&parse("reader"), &parse("writer"));
        let verdict = if found.is_empty() {
            "compatible"
        } else {
            "incompatible"
        };
        let detail: Vec<String> = found
            .iter()
            .map(|found| format!("{}@{}", found.rule.name(), found.location))
            .collect();
        if pair["java"] != verdict || pair["java_detail"] != detail.join("; ") {
            wrong.push(format!(
                "{}: {verdict} {detail:?}, Java: {} {}",
                pair["name"], pair["java"], pair["java_detail"]
            ));
        }
    }
    assert_eq!(seen, 115);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Records that name the one before them twice, `levels` of them; the innermost holds a `leaf` twice.
fn doubled(levels: usize, leaf: &str) -> Document {
    let level = |level: usize| {
        let inner = match level {
            0 => leaf.to_owned(),
            _ => format!(r#""n.L{}""#, level - 1),
        };
        format!(
            r#"{{"name": "f{level}", "type": {{"type": "record", "name": "n.L{level}", "fields": [{{"name": "a", "type": {inner}}}, {{"name": "b", "type": {inner}}}]}}}}"#
        )
    };
    let fields: Vec<String> = (0..levels).map(level).collect();
    let fields = fields.join(", ");
    Document::parse(&format!(
        r#"{{"type": "record", "name": "n.Root", "fields": [{fields}]}}"#
    ))
    .unwrap()
}

/// 60 levels are 2^60 places: without a memory this would not end.
#[test]
fn a_pair_is_compared_once_however_often_it_is_named() {
    let (int, long, text) = (
        doubled(60, r#""int""#),
        doubled(60, r#""long""#),
        doubled(60, r#""string""#),
    );
    assert_eq!(trouble(&int, &int), None);
    assert_eq!(trouble(&long, &int), None);
    let found = check(&int, &text);
    assert_eq!(found[0].place, "Root.f0.a");
    assert!(found.len() > 1000, "each place is told, up to very many");
    assert!(found.len() < 5000, "{}", found.len());
    // Below a union only the verdict counts.
    let within = |leaf: &str| doubled(60, &format!(r#"["null", "{leaf}"]"#));
    assert_eq!(trouble(&within("long"), &within("int")), None);
    assert!(!check(&within("int"), &within("string")).is_empty());
    // What bytes mean is asked in the same way.
    let logical = |name: &str| {
        doubled(
            60,
            &format!(r#"{{"type": "long", "logicalType": "{name}"}}"#),
        )
    };
    let (millis, micros) = (logical("timestamp-millis"), logical("timestamp-micros"));
    assert_eq!(meaning::check(&millis, &millis), []);
    assert_eq!(meaning::check(&millis, &micros).len(), 1000);
}

/// What names one type in several places is told for each of them.
#[test]
fn every_place_is_told() {
    let found = check(&doubled(2, r#""int""#), &doubled(2, r#""string""#));
    let places: Vec<&str> = found.iter().map(|found| found.place.as_str()).collect();
    let inner = ["f1.a.a", "f1.a.b", "f1.b.a", "f1.b.b"];
    let all = ["f0.a", "f0.b"].into_iter().chain(inner);
    let expected: Vec<String> = all.map(|place| format!("Root.{place}")).collect();
    assert_eq!(places, expected);
}

/// Records that contain themselves, and one another: what was found compatible as long as another is, is looked at again
/// when that one is not.
#[test]
fn a_verdict_that_relied_on_another_falls_with_it() {
    // `A` holds `B`s, and `B` holds `A`s; the reader wants a field of `A` that the writer has not.
    let text = |more: &str| {
        format!(
            r#"{{"type": "record", "name": "n.Root", "fields": [
                {{"name": "first", "type": ["null", {{"type": "record", "name": "n.A", "fields": [
                    {{"name": "b", "type": {{"type": "array", "items": {{"type": "record", "name": "n.B", "fields": [
                        {{"name": "a", "type": {{"type": "array", "items": "n.A"}}}}]}}}}}}{more}]}}]}},
                {{"name": "second", "type": ["null", "n.B"]}}]}}"#
        )
    };
    let reader = Document::parse(&text(r#", {"name": "new", "type": "int"}"#)).unwrap();
    let writer = Document::parse(&text("")).unwrap();
    let places: Vec<String> = check(&reader, &writer)
        .into_iter()
        .map(|found| found.location)
        .collect();
    // Both branches are probed, and neither fits.
    assert_eq!(places, ["/fields/0/type/1", "/fields/1/type/1"]);
    assert_eq!(check(&writer, &reader), []);
}
