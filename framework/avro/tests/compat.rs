//! The checker gives Java's verdict, with Java's reason and place, on every recorded pair of schemas.

use kolo_avro::compat::check;
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
