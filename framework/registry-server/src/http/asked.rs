//! What a request asks for: options behind the `?`, bodies, and versions in the path.

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::refusal::Refusal;
use crate::state::{Found, State};

/// What a request may weigh.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// What Confluent's registry takes for JSON.
const JSON_TYPES: [&str; 4] = [
    "application/vnd.schemaregistry.v1+json",
    "application/vnd.schemaregistry+json",
    "application/json",
    "application/octet-stream",
];

/// The options of a request; those that are not known are ignored.
#[derive(Debug, Default)]
pub(super) struct Options(Vec<(String, String)>);

impl Options {
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.text(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl<S: Sync> FromRequestParts<S> for Options {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        Query::try_from_uri(&parts.uri)
            .map(|Query(options)| Options(options))
            .map_err(|error| Refusal::with(StatusCode::BAD_REQUEST, error.body_text()))
    }
}

/// The body of a request.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Refusal> {
        let media_type = request.headers().get(CONTENT_TYPE);
        if let Some(media_type) = media_type {
            let name = media_type.to_str().unwrap_or_default();
            let name = name.split(';').next().unwrap_or_default().trim();
            if !JSON_TYPES
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name))
            {
                return Err(Refusal::http(StatusCode::UNSUPPORTED_MEDIA_TYPE));
            }
        }
        let bytes = to_bytes(request.into_body(), MAX_BODY_BYTES)
            .await
            .map_err(|_| {
                Refusal::with(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    format!("the request has more than {MAX_BODY_BYTES} bytes, or was cut off"),
                )
            })?;
        if bytes.is_empty() {
            return Err(Refusal::invalid_schema("the request has no body"));
        }
        serde_json::from_slice(&bytes).map(Body).map_err(|error| {
            let problem = format!("the body is not the JSON that is wanted: {error}");
            if error.is_data() {
                Refusal::invalid_schema(problem)
            } else {
                Refusal::with(StatusCode::BAD_REQUEST, problem)
            }
        })
    }
}

/// A version as a path names it: `None` is the latest.
pub(super) fn version(text: &str) -> Result<Option<u32>, Refusal> {
    if text == "latest" || text == "-1" {
        return Ok(None);
    }
    match text.parse::<i32>().map(u32::try_from) {
        Ok(Ok(version)) if version > 0 => Ok(Some(version)),
        _ => Err(Refusal::invalid_version(text)),
    }
}

/// The version of a subject that a path names.
pub(super) fn find(
    state: &State,
    subject: &str,
    version: Option<u32>,
    deleted: bool,
) -> Result<Found, Refusal> {
    let mut known = state.versions_of(subject, deleted)?;
    match version {
        None => known.pop().ok_or_else(|| Refusal::no_subject(subject)),
        Some(version) => known
            .into_iter()
            .find(|found| found.version == version)
            .ok_or_else(|| Refusal::no_version(version)),
    }
}
