//! Levels and modes.

use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::json;

use super::Shared;
use super::answer::{Answer, answer};
use super::asked::{Body, Options};
use crate::change;
use crate::level::{Level, Mode};
use crate::refusal::Refusal;

#[derive(Deserialize)]
pub(super) struct LevelRequest {
    compatibility: Option<String>,
    normalize: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct ModeRequest {
    mode: String,
}

fn level_answer(level: Level) -> Answer {
    answer(&json!({"compatibilityLevel": level.name()}))
}

fn mode_answer(mode: Mode) -> Answer {
    answer(&json!({"mode": mode.name()}))
}

pub(super) async fn level(State(ledger): State<Shared>) -> Answer {
    level_answer(ledger.read(|state| state.level(None)).unwrap_or_default())
}

pub(super) async fn level_of(
    State(ledger): State<Shared>,
    Path(subject): Path<String>,
    options: Options,
) -> Answer {
    if options.is_set("defaultToGlobal") {
        return level_answer(ledger.read(|state| state.level_for(&subject)));
    }
    let level = ledger.read(|state| state.level(Some(&subject)));
    level_answer(level.ok_or_else(|| Refusal::no_level(&subject))?)
}

pub(super) async fn set_level(
    State(ledger): State<Shared>,
    Body(request): Body<LevelRequest>,
) -> Answer {
    put_level(&ledger, None, request).await
}

pub(super) async fn set_level_of(
    State(ledger): State<Shared>,
    Path(subject): Path<String>,
    Body(request): Body<LevelRequest>,
) -> Answer {
    put_level(&ledger, Some(subject), request).await
}

async fn put_level(ledger: &Shared, subject: Option<String>, request: LevelRequest) -> Answer {
    if request.normalize == Some(true) {
        let message = "\"normalize\" cannot be set: this registry always writes schemas in one way";
        return Err(Refusal::invalid_level(message));
    }
    let name = request
        .compatibility
        .ok_or_else(|| Refusal::invalid_level("the request has no \"compatibility\""))?;
    let answered = json!({"compatibility": name});
    ledger
        .change(move |_| change::set_level(subject.as_deref(), &name))
        .await?;
    answer(&answered)
}

pub(super) async fn delete_level(State(ledger): State<Shared>) -> Answer {
    let was = ledger.change(|state| change::delete_level(state, None));
    level_answer(was.await?)
}

pub(super) async fn delete_level_of(
    State(ledger): State<Shared>,
    Path(subject): Path<String>,
) -> Answer {
    let was = ledger.change(move |state| change::delete_level(state, Some(&subject)));
    level_answer(was.await?)
}

pub(super) async fn mode(State(ledger): State<Shared>) -> Answer {
    mode_answer(ledger.read(|state| state.mode(None)).unwrap_or_default())
}

pub(super) async fn mode_of(
    State(ledger): State<Shared>,
    Path(subject): Path<String>,
    options: Options,
) -> Answer {
    if options.is_set("defaultToGlobal") {
        return mode_answer(ledger.read(|state| state.mode_for(&subject)));
    }
    let mode = ledger.read(|state| state.mode(Some(&subject)));
    mode_answer(mode.ok_or_else(|| Refusal::no_mode(&subject))?)
}

pub(super) async fn set_mode(
    State(ledger): State<Shared>,
    Body(request): Body<ModeRequest>,
) -> Answer {
    put_mode(&ledger, None, request).await
}

pub(super) async fn set_mode_of(
    State(ledger): State<Shared>,
    Path(subject): Path<String>,
    Body(request): Body<ModeRequest>,
) -> Answer {
    put_mode(&ledger, Some(subject), request).await
}

async fn put_mode(ledger: &Shared, subject: Option<String>, request: ModeRequest) -> Answer {
    let answered = json!({"mode": request.mode});
    ledger
        .change(move |_| change::set_mode(subject.as_deref(), &request.mode))
        .await?;
    answer(&answered)
}

pub(super) async fn delete_mode_of(
    State(ledger): State<Shared>,
    Path(subject): Path<String>,
) -> Answer {
    let was = ledger.change(move |state| change::delete_mode(state, &subject));
    mode_answer(was.await?)
}
