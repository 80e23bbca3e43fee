//! The routes that Confluent's clients call.

mod answer;
mod asked;
mod compatibility;
mod guard;
mod schemas;
mod settings;
mod subjects;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use serde_json::json;

use self::answer::{Answer, answer};
use crate::ledger::Ledger;

pub(crate) use self::guard::Guard;

/// What every handler needs.
pub(crate) type Shared = Arc<Ledger>;

pub(crate) fn router(ledger: Shared, guard: Guard) -> Router {
    Router::new()
        .route("/", get(root).post(root))
        .route("/contexts", get(contexts))
        .route("/v1/metadata/id", get(cluster))
        .route("/v1/metadata/version", get(version))
        .route("/schemas", get(schemas::list))
        .route("/schemas/types", get(schemas::types))
        .route("/schemas/ids/{id}", get(schemas::by_id))
        .route("/schemas/ids/{id}/schema", get(schemas::text))
        .route("/schemas/ids/{id}/subjects", get(schemas::subjects))
        .route("/schemas/ids/{id}/versions", get(schemas::versions))
        .route("/subjects", get(subjects::list))
        .route(
            "/subjects/{subject}",
            post(subjects::look_up).delete(subjects::delete),
        )
        .route(
            "/subjects/{subject}/versions",
            get(subjects::versions).post(subjects::register),
        )
        .route(
            "/subjects/{subject}/versions/{version}",
            get(subjects::version).delete(subjects::delete_version),
        )
        .route(
            "/subjects/{subject}/versions/{version}/schema",
            get(subjects::text),
        )
        .route(
            "/subjects/{subject}/versions/{version}/referencedby",
            get(subjects::referenced_by),
        )
        .route(
            "/compatibility/subjects/{subject}/versions",
            post(compatibility::with_all),
        )
        .route(
            "/compatibility/subjects/{subject}/versions/{version}",
            post(compatibility::with_one),
        )
        .route(
            "/config",
            get(settings::level)
                .put(settings::set_level)
                .delete(settings::delete_level),
        )
        .route(
            "/config/{subject}",
            get(settings::level_of)
                .put(settings::set_level_of)
                .delete(settings::delete_level_of),
        )
        .route("/mode", get(settings::mode).put(settings::set_mode))
        .route(
            "/mode/{subject}",
            get(settings::mode_of)
                .put(settings::set_mode_of)
                .delete(settings::delete_mode_of),
        )
        .with_state(ledger)
        .layer(from_fn_with_state(guard, guard::guard))
        .layer(from_fn(answer::in_json))
}

async fn root() -> Answer {
    answer(&json!({}))
}

/// The default one: a subject's name is never taken apart.
async fn contexts() -> Answer {
    answer(&json!(["."]))
}

async fn cluster() -> Answer {
    answer(&json!({"id": "", "scope": {}}))
}

async fn version() -> Answer {
    answer(&json!({"version": format!("kolo-{}", env!("CARGO_PKG_VERSION")), "commitId": ""}))
}
