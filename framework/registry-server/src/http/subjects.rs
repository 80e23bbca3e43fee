//! Subjects and their versions.

use axum::extract::{Path, State};
use serde::Serialize;

use super::Shared;
use super::answer::{Answer, VersionAnswer, answer, raw};
use super::asked::{Body, Options, find, version as parse};
use crate::change::{self, Submission};
use crate::refusal::Refusal;
use crate::state::Found;

pub(super) async fn list(State(ledger): State<Shared>, options: Options) -> Answer {
    let prefix = options.text("subjectPrefix").unwrap_or_default();
    let (deleted, only) = (options.is_set("deleted"), options.is_set("deletedOnly"));
    let subjects = ledger.read(|state| {
        let mut names: Vec<String> = state
            .all()
            .filter(|found| deleted || only || !found.deleted)
            .map(|found| found.subject)
            .filter(|subject| subject.starts_with(prefix))
            .collect();
        names.dedup();
        if only {
            names.retain(|subject| state.latest(subject).is_none());
        }
        names
    });
    answer(&subjects)
}

pub(super) async fn look_up(
    State(ledger): State<Shared>,
    Path(subject): Path<String>,
    options: Options,
    Body(submission): Body<Submission>,
) -> Answer {
    let deleted = options.is_set("deleted");
    ledger.read(|state| {
        state.versions_of(&subject, deleted)?;
        let draft = submission.read(state)?;
        let found = state
            .version_with(&subject, &draft.content, deleted)
            .ok_or_else(Refusal::no_schema)?;
        answer(&VersionAnswer::new(&found))
    })
}

pub(super) async fn delete(
    State(ledger): State<Shared>,
    Path(subject): Path<String>,
    options: Options,
) -> Answer {
    let permanent = options.is_set("permanent");
    let deleted = ledger
        .change(move |state| change::delete_subject(state, &subject, permanent))
        .await?;
    answer(&deleted)
}

pub(super) async fn versions(
    State(ledger): State<Shared>,
    Path(subject): Path<String>,
    options: Options,
) -> Answer {
    let found = ledger.read(|state| state.versions_of(&subject, options.is_set("deleted")))?;
    let versions: Vec<u32> = found.iter().map(|found| found.version).collect();
    answer(&versions)
}

#[derive(Serialize)]
struct Registered {
    id: u32,
}

/// `?normalize` changes nothing: properties are always sorted, and names always as short as they can be.
pub(super) async fn register(
    State(ledger): State<Shared>,
    Path(subject): Path<String>,
    Body(submission): Body<Submission>,
) -> Answer {
    let id = ledger
        .change(move |state| change::register(state, &subject, &submission))
        .await?;
    answer(&Registered { id })
}

/// The version that a request asks for.
fn asked_for(
    ledger: &Shared,
    subject: &str,
    version: &str,
    options: &Options,
) -> Result<Found, Refusal> {
    let version = parse(version)?;
    let deleted = options.is_set("deleted");
    ledger.read(|state| find(state, subject, version, deleted))
}

pub(super) async fn version(
    State(ledger): State<Shared>,
    Path((subject, version)): Path<(String, String)>,
    options: Options,
) -> Answer {
    let found = asked_for(&ledger, &subject, &version, &options)?;
    answer(&VersionAnswer::new(&found))
}

pub(super) async fn text(
    State(ledger): State<Shared>,
    Path((subject, version)): Path<(String, String)>,
    options: Options,
) -> Answer {
    let found = asked_for(&ledger, &subject, &version, &options)?;
    raw(found.content.schema.clone())
}

pub(super) async fn referenced_by(
    State(ledger): State<Shared>,
    Path((subject, version)): Path<(String, String)>,
) -> Answer {
    let version = parse(&version)?;
    let ids = ledger.read(|state| {
        let found = find(state, &subject, version, true)?;
        Ok(state.referenced_by(&subject, found.version))
    })?;
    answer(&ids)
}

pub(super) async fn delete_version(
    State(ledger): State<Shared>,
    Path((subject, version)): Path<(String, String)>,
    options: Options,
) -> Answer {
    let version = parse(&version)?;
    let permanent = options.is_set("permanent");
    let deleted = ledger
        .change(move |state| change::delete_version(state, &subject, version, permanent))
        .await?;
    answer(&deleted)
}
