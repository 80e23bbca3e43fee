//! What a step's answer has to be.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Ids;
use super::meaning::meaning;

/// The codes whose messages are the same in both registries. The others are told in each registry's own words.
const SAME_WORDS: [u64; 3] = [40401, 40402, 42203];

/// One question and its recorded answers.
#[derive(Deserialize)]
pub(crate) struct Step {
    pub(crate) n: u64,
    pub(crate) step: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) request: Option<Value>,
    status: u16,
    body: Value,
    confluent_not_run: Option<Confluent>,
}

#[derive(Deserialize)]
struct Confluent {
    status: u16,
    body: Value,
}

pub(crate) fn steps() -> Vec<Step> {
    include_str!("../data/registry-calibration.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What is expected.
pub(crate) enum Expected {
    /// This answer.
    Body(u16, Value),
    /// An error with this code and, where it stands there, this message.
    Error(u16, u64, Option<String>),
    /// An id that no schema has had.
    NewId,
    /// These entries, whatever else stands beside them.
    With(Value),
    /// An incompatibility, and what is wrong.
    Messages,
    /// Texts under these names.
    Texts(&'static [&'static str]),
    /// One version an entry, of these subjects and versions.
    Versions(&'static [(&'static str, u64)]),
}

impl Expected {
    pub(crate) fn of(step: &Step) -> Expected {
        if let Some(read) = Expected::read(step.n) {
            return read;
        }
        let (status, body, is_confluents) = match &step.confluent_not_run {
            Some(confluent) => (confluent.status, confluent.body.clone(), true),
            None => (step.status, step.body.clone(), false),
        };
        if status >= 400 {
            // Apicurio says nothing where HTTP says it all; Confluent's registry repeats the status.
            let code = body["error_code"].as_u64().unwrap_or(status.into());
            let said = body["message"].as_str().map(str::to_owned);
            let counts = is_confluents || SAME_WORDS.contains(&code);
            return Expected::Error(status, code, said.filter(|_| counts));
        }
        Expected::Body(status, without_normalize(body))
    }

    /// Where the file says in words what Confluent's registry answers.
    fn read(n: u64) -> Option<Expected> {
        Some(match n {
            6 => Expected::Texts(&["version", "commitId"]),
            // At this point nothing was set: the global level is the default.
            11 => Expected::Body(200, json!({"compatibilityLevel": "BACKWARD"})),
            34 | 35 | 89 => Expected::Error(409, 409, None),
            72 => Expected::Versions(&[
                ("d-user-value", 1),
                ("d-user-value", 2),
                ("d-user2-value", 1),
            ]),
            73 => Expected::Versions(&[("d-user-value", 2), ("d-user2-value", 1)]),
            77 | 78 => Expected::Messages,
            118 | 125 | 131 | 172 => Expected::NewId,
            132 => Expected::With(json!({
                "subject": "d-meta", "version": 1,
                "metadata": {"properties": {"owner": "x"}, "tags": {"a": ["b"]}},
            })),
            _ => return None,
        })
    }

    pub(crate) fn check(
        &self,
        step: &Step,
        status: u16,
        body: &Value,
        ids: &mut Ids,
    ) -> Result<(), String> {
        let ensure = |holds: bool, wanted: String| if holds { Ok(()) } else { Err(wanted) };
        match self {
            Expected::Body(wanted_status, wanted) => {
                let same = same(step, wanted, body, ids);
                ensure(
                    same && status == *wanted_status,
                    format!("wanted {wanted_status} {wanted}"),
                )
            }
            Expected::Error(wanted_status, code, message) => {
                let said = body["message"].as_str().unwrap_or_default();
                let same = status == *wanted_status
                    && body["error_code"] == *code
                    && !said.is_empty()
                    && message.as_ref().is_none_or(|message| message == said);
                ensure(same, format!("wanted {wanted_status}, {code}, {message:?}"))
            }
            Expected::NewId => {
                let is_new = body["id"].as_u64().is_some_and(|id| ids.given.insert(id));
                ensure(is_new && status == 200, "wanted a new id".to_owned())
            }
            Expected::With(entries) => {
                let mut entries = entries.as_object().unwrap().iter();
                ensure(
                    entries.all(|(name, value)| body[name] == *value),
                    format!("wanted {self}"),
                )
            }
            Expected::Messages => {
                let messages = body["messages"].as_array();
                let told = messages
                    .is_some_and(|list| !list.is_empty() && list.iter().all(Value::is_string));
                ensure(
                    told && body["is_compatible"] == false,
                    "wanted messages".to_owned(),
                )
            }
            Expected::Texts(names) => {
                let mut names = names.iter();
                ensure(
                    status == 200 && names.all(|name| body[name].is_string()),
                    format!("wanted {self}"),
                )
            }
            Expected::Versions(versions) => {
                let list = body.as_array().cloned().unwrap_or_default();
                let found: Vec<_> = list
                    .iter()
                    .filter(|entry| entry["id"].is_u64() && entry["schema"].is_string())
                    .map(|entry| {
                        (
                            entry["subject"].as_str().unwrap(),
                            entry["version"].as_u64().unwrap(),
                        )
                    })
                    .collect();
                ensure(found == *versions, format!("wanted {self}"))
            }
        }
    }
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Expected::With(entries) => write!(f, "{entries}"),
            Expected::Texts(names) => write!(f, "texts {names:?}"),
            Expected::Versions(versions) => write!(f, "versions {versions:?}"),
            _ => Ok(()),
        }
    }
}

/// Equal but for the numbers of ids and the spelling of schemas.
fn same(step: &Step, wanted: &Value, body: &Value, ids: &mut Ids) -> bool {
    let (mut wanted, mut body) = (wanted.clone(), body.clone());
    if step.path.ends_with("/referencedby") {
        let numbers = |list: &Value| {
            list.as_array()
                .map(|list| list.iter().filter_map(Value::as_u64).collect())
        };
        let (wanted, body): (Option<Vec<u64>>, Option<Vec<u64>>) =
            (numbers(&wanted), numbers(&body));
        let (wanted, body) = (wanted.unwrap_or_default(), body.unwrap_or_default());
        return wanted.len() == body.len()
            && wanted.iter().zip(&body).all(|(w, b)| ids.agree(*w, *b));
    }
    if let Some(recorded) = wanted["id"].as_u64() {
        let agreed = body["id"]
            .as_u64()
            .is_some_and(|ours| ids.agree(recorded, ours));
        if !agreed {
            return false;
        }
        wanted["id"] = body["id"].clone();
    }
    for side in [&mut wanted, &mut body] {
        if let Some(schema) = side.get_mut("schema")
            && let Some(text) = schema.as_str()
            && let Ok(parsed) = serde_json::from_str(text)
        {
            *schema = meaning(&parsed, "");
        }
    }
    wanted == body
}

/// Apicurio adds it to what it was told; the file has Confluent's answer without it at 13.
fn without_normalize(mut body: Value) -> Value {
    if let Some(object) = body.as_object_mut() {
        object.remove("normalize");
    }
    body
}
