//! Schemas by id.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::json;

use super::Shared;
use super::answer::{Answer, ContentAnswer, VersionAnswer, answer, raw};
use super::asked::Options;
use crate::refusal::Refusal;
use crate::schema;
use crate::state::{self, Found};

pub(super) async fn types() -> Answer {
    answer(&json!(["AVRO"]))
}

/// All versions, or the latest of each subject.
pub(super) async fn list(State(ledger): State<Shared>, options: Options) -> Answer {
    let prefix = options.text("subjectPrefix").unwrap_or_default();
    let deleted = options.is_set("deleted");
    let found: Vec<Found> = ledger.read(|state| {
        let all = state
            .all()
            .filter(|found| found.subject.starts_with(prefix));
        all.filter(|found| deleted || !found.deleted).collect()
    });
    let latest = |index: usize| {
        let next = found.get(index + 1);
        next.is_none_or(|next| next.subject != found[index].subject)
    };
    let wanted = |index: &usize| !options.is_set("latestOnly") || latest(*index);
    let indices = (0..found.len()).filter(wanted);
    let answers: Vec<_> = indices
        .map(|index| VersionAnswer::new(&found[index]))
        .collect();
    answer(&answers)
}

pub(super) async fn by_id(
    State(ledger): State<Shared>,
    Path(id): Path<String>,
    options: Options,
) -> Answer {
    let id = number(&id)?;
    ledger.read(|state| {
        let found = find(state, id)?;
        let text = formatted(state, &found, &options)?;
        let mut content = ContentAnswer::new(&found.content);
        content.schema = text.as_deref().unwrap_or(content.schema);
        answer(&content)
    })
}

/// The schema itself, and nothing around it.
pub(super) async fn text(
    State(ledger): State<Shared>,
    Path(id): Path<String>,
    options: Options,
) -> Answer {
    let id = number(&id)?;
    ledger.read(|state| {
        let found = find(state, id)?;
        let text = formatted(state, &found, &options)?;
        raw(text.unwrap_or_else(|| found.content.schema.clone()))
    })
}

pub(super) async fn subjects(
    State(ledger): State<Shared>,
    Path(id): Path<String>,
    options: Options,
) -> Answer {
    let mut subjects: Vec<String> = uses(&ledger, &id, &options)?
        .into_iter()
        .map(|found| found.subject)
        .collect();
    subjects.dedup();
    answer(&subjects)
}

#[derive(Serialize)]
struct Use {
    subject: String,
    version: u32,
}

pub(super) async fn versions(
    State(ledger): State<Shared>,
    Path(id): Path<String>,
    options: Options,
) -> Answer {
    let uses: Vec<Use> = uses(&ledger, &id, &options)?
        .into_iter()
        .map(|found| Use {
            subject: found.subject,
            version: found.version,
        })
        .collect();
    answer(&uses)
}

/// The versions that have this id.
fn uses(ledger: &Shared, id: &str, options: &Options) -> Result<Vec<Found>, Refusal> {
    let id = number(id)?;
    let deleted = options.is_set("deleted");
    ledger.read(|state| {
        find(state, id)?;
        let all = state.all().filter(|found| found.id == id);
        Ok(all.filter(|found| deleted || !found.deleted).collect())
    })
}

/// The text in the format that is asked for, where that is another than the one that is stored.
fn formatted(
    state: &state::State,
    found: &Found,
    options: &Options,
) -> Result<Option<String>, Refusal> {
    if options.text("format") != Some("resolved") || found.content.schema_type.is_some() {
        return Ok(None);
    }
    let others = state.referenced(&found.content.references)?;
    schema::resolved(&found.content.schema, &others)
        .map(Some)
        .map_err(Refusal::invalid_schema)
}

fn find(state: &state::State, id: u32) -> Result<Found, Refusal> {
    state.by_id(id).ok_or_else(|| Refusal::no_id(id))
}

fn number(id: &str) -> Result<u32, Refusal> {
    id.parse().map_err(|_| Refusal::http(StatusCode::NOT_FOUND))
}
