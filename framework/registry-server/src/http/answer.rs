//! Answers: JSON of Confluent's media type, also where something is refused.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use crate::fact::{Content, Reference};
use crate::refusal::Refusal;
use crate::state::Found;

pub(super) const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

pub(super) type Answer = Result<Response, Refusal>;

pub(super) fn answer<T: Serialize>(of: &T) -> Answer {
    let text = serde_json::to_string(of)
        .map_err(|error| Refusal::with(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    raw(text)
}

/// A text that is JSON already.
pub(super) fn raw(json: String) -> Answer {
    Ok(with_type(StatusCode::OK, json))
}

fn with_type(status: StatusCode, json: String) -> Response {
    let media_type = HeaderValue::from_static(MEDIA_TYPE);
    (status, [(CONTENT_TYPE, media_type)], Body::from(json)).into_response()
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({"error_code": self.code, "message": self.message});
        with_type(self.status, body.to_string())
    }
}

/// What axum itself refuses, such as an unknown path, is answered as Confluent's registry would.
pub(super) async fn in_json(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let is_ours = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|media_type| media_type == MEDIA_TYPE);
    if is_ours || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let allowed = response.headers().get(ALLOW).cloned();
    let mut refused = Refusal::http(status).into_response();
    if let Some(allowed) = allowed {
        refused.headers_mut().insert(ALLOW, allowed);
    }
    refused
}

/// A version of a subject, as a client sees it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VersionAnswer<'a> {
    subject: &'a str,
    version: u32,
    id: u32,
    #[serde(flatten)]
    content: ContentAnswer<'a>,
}

/// A schema, as a client sees it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContentAnswer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    schema_type: Option<&'a str>,
    #[serde(skip_serializing_if = "<[Reference]>::is_empty")]
    references: &'a [Reference],
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_set: Option<&'a serde_json::Value>,
    pub(super) schema: &'a str,
}

impl<'a> ContentAnswer<'a> {
    pub(super) fn new(content: &'a Content) -> Self {
        ContentAnswer {
            schema_type: content.schema_type.as_deref(),
            references: &content.references,
            metadata: content.metadata.as_ref(),
            rule_set: content.rule_set.as_ref(),
            schema: &content.schema,
        }
    }
}

impl<'a> VersionAnswer<'a> {
    pub(super) fn new(found: &'a Found) -> Self {
        VersionAnswer {
            subject: &found.subject,
            version: found.version,
            id: found.id,
            content: ContentAnswer::new(&found.content),
        }
    }
}
