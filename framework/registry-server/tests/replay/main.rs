//! The recorded answers of a real registry, asked again of the embedded one, in the same order.
//!
//! `tests/data/registry-calibration.jsonl` holds what Apicurio answered through its Confluent-compatible interface and,
//! where it is known to differ, what Confluent's registry answers by its source. That is what is expected here; what
//! is another answer on purpose stands in [`DIFFERENCES`], and in a table of docs/registry.md.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking; its helpers are no test functions, which clippy would let pass"
)]

mod expected;
mod meaning;

use std::collections::{BTreeMap, BTreeSet};

use kolo_registry_server::Registry;
use reqwest::{Client, Method};
use serde_json::Value;

use expected::{Expected, Step};

/// Where the embedded registry answers otherwise than the file has it: the step, what the answer is or holds instead, why.
const DIFFERENCES: [(u64, &str, &str); 18] = [
    (2, r#"["AVRO"]"#, "it keeps Avro alone"),
    (
        44,
        r#"{"id":1}"#,
        "Confluent's registry ignores what it does not know in a request",
    ),
    (
        55,
        r#"["d-bad","d-ctype","d-user-value","d-user2-value"]"#,
        "follows from 44: one subject more has the schema",
    ),
    (
        56,
        r#"[{"subject":"d-bad","version":1},{"subject":"d-ctype","version":1},{"subject":"d-user-value","version":1},{"subject":"d-user2-value","version":1}]"#,
        "follows from 44",
    ),
    (
        94,
        r#"{"error_code":40401}"#,
        "Confluent's registry has no level to delete any more",
    ),
    (
        102,
        r#"{"compatibilityLevel":"BACKWARD"}"#,
        "follows from 101: `backward` is a level, and the one that is deleted",
    ),
    (119, "[1,2]", "follows from 118: the version was registered"),
    (
        128,
        r#"{"version":2}"#,
        "follows from 125: the latest version is the one without `doc`",
    ),
    (
        129,
        r#"{"id":8}"#,
        "a schema that is spelt as another one is that schema, and has its id",
    ),
    (
        144,
        r#"[":.ctx:d-ctx","d-a/b c","d-address","d-bad","d-ctype","d-customer","d-meta","d-norm","d-norm2","d-prim","d-user-value","d-user2-value","d-x+y","d-é%","d.topic-d.test.User"]"#,
        "follows from 133: nothing was registered",
    ),
    (
        161,
        "[2,3]",
        "Confluent's registry names the versions that this call deletes",
    ),
    (163, "[]", "the prefix is heeded, as at 58"),
    (164, r#"["d-user-value"]"#, "the prefix is heeded, as at 58"),
    (
        168,
        "[5]",
        "Confluent's registry names the versions that this call deletes",
    ),
    (180, r#"{"error_code":42201}"#, "it keeps Avro alone"),
    (181, r#"{"error_code":40403}"#, "follows from 180"),
    (182, r#"{"error_code":42201}"#, "it keeps Avro alone"),
    (183, r#"{"error_code":40403}"#, "follows from 182"),
];

/// Whether an answer is this one, or has these entries.
fn is_instead(instead: &str, body: &Value) -> bool {
    match serde_json::from_str(instead).unwrap() {
        Value::Object(entries) => entries.iter().all(|(name, value)| body[name] == *value),
        other => other == *body,
    }
}

/// Recorded ids, and the embedded registry's for the same schemas.
#[derive(Default)]
struct Ids {
    ours: BTreeMap<u64, u64>,
    given: BTreeSet<u64>,
}

impl Ids {
    /// The first time a recorded id is met, ours has to be new; later it has to be the same.
    fn agree(&mut self, recorded: u64, ours: u64) -> bool {
        let is_new = self.given.insert(ours);
        match self.ours.get(&recorded) {
            Some(known) => *known == ours,
            None => {
                self.ours.insert(recorded, ours);
                is_new
            }
        }
    }

    /// A path with our id in the place of the recorded one.
    fn in_path(&self, path: &str) -> String {
        let Some(rest) = path.strip_prefix("/schemas/ids/") else {
            return path.to_owned();
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (id, rest) = rest.split_at(end);
        let ours = id.parse().ok().and_then(|id| self.ours.get(&id));
        ours.map_or_else(
            || path.to_owned(),
            |ours| format!("/schemas/ids/{ours}{rest}"),
        )
    }
}

#[tokio::test]
async fn the_recorded_answers_are_given_but_for_the_differences_on_purpose() {
    let registry = Registry::builder().start().await.unwrap();
    let client = Client::new();
    let steps = expected::steps();
    assert_eq!(steps.len(), 184);
    let mut ids = Ids::default();
    let mut wrong = Vec::new();
    for step in &steps {
        let (status, body) = ask(&client, &registry, step, &ids).await;
        let checked = Expected::of(step).check(step, status, &body, &mut ids);
        let listed = DIFFERENCES.iter().find(|(n, ..)| *n == step.n);
        let problem = match (checked, listed) {
            (Ok(()), None) => continue,
            (Err(_), Some((_, instead, _))) if is_instead(instead, &body) => continue,
            (Err(_), Some((_, instead, _))) => format!("{instead} was expected instead"),
            (Err(problem), None) => problem,
            (Ok(()), Some(_)) => "listed as a difference, and is none".to_owned(),
        };
        wrong.push(format!(
            "{} {}: {problem}: {status} {body}",
            step.n, step.step
        ));
    }
    registry.shutdown().await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn ask(client: &Client, registry: &Registry, step: &Step, ids: &Ids) -> (u16, Value) {
    let method = Method::from_bytes(step.method.as_bytes()).unwrap();
    let url = format!("{}{}", registry.url(), ids.in_path(&step.path));
    let mut request = client.request(method, url);
    if let Some(body) = &step.request {
        let media_type = match step.step.as_str() {
            "register text/plain" => "text/plain",
            "register application/json" => "application/json",
            _ => "application/vnd.schemaregistry.v1+json",
        };
        let body = match body.get("_raw") {
            Some(raw) => raw.as_str().unwrap().to_owned(),
            None => body.to_string(),
        };
        request = request.header("content-type", media_type).body(body);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let media_type = &response.headers()["content-type"];
    assert_eq!(
        media_type, "application/vnd.schemaregistry.v1+json",
        "{}",
        step.n
    );
    (status, response.json().await.unwrap())
}

/// The page has the same list, in the same order and words.
#[test]
fn the_page_has_the_differences_of_the_list() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/registry.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once("<!-- differences: begin").unwrap();
    let (table, _) = rest.split_once("<!-- differences: end").unwrap();
    let rows: Vec<&str> = table
        .lines()
        .filter(|line| line.starts_with("| "))
        .skip(1)
        .collect();
    let steps = expected::steps();
    let wanted: Vec<String> = DIFFERENCES
        .iter()
        .map(|(n, instead, why)| {
            let step = steps.iter().find(|step| step.n == *n).unwrap();
            format!("| {n} | {} | `{instead}` | {why} |", step.step)
        })
        .collect();
    assert_eq!(rows, wanted);
}
