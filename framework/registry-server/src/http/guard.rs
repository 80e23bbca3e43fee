//! What stands before every route: who asks, and what is to go wrong.

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::faults::{Fault, Faults};
use crate::refusal::Refusal;

/// Who may ask, and what befalls requests. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Guard {
    /// The values of the header `Authorization` that are let in; none lets everybody in.
    accepted: Vec<String>,
    pub(crate) faults: Faults,
}

impl Guard {
    pub(crate) fn accept_basic(&mut self, user: &str, password: &str) {
        let pair = STANDARD.encode(format!("{user}:{password}"));
        self.accepted.push(format!("Basic {pair}"));
    }

    pub(crate) fn accept_bearer(&mut self, token: &str) {
        self.accepted.push(format!("Bearer {token}"));
    }

    fn lets_in(&self, headers: &HeaderMap) -> bool {
        let given = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let same =
            |given: &str, accepted: &str| match (given.split_once(' '), accepted.split_once(' ')) {
                (Some((scheme, given)), Some((accepted_scheme, accepted))) => {
                    scheme.eq_ignore_ascii_case(accepted_scheme) && given.trim() == accepted
                }
                _ => false,
            };
        self.accepted.is_empty()
            || given.is_some_and(|given| self.accepted.iter().any(|accepted| same(given, accepted)))
    }
}

pub(super) async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    match guard.faults.of(request.uri().path()) {
        None => {}
        Some(Fault::Failing) => {
            let failing = Refusal::store("the registry was told to fail");
            return failing.into_response();
        }
        Some(Fault::Slow(delay)) => tokio::time::sleep(delay).await,
        // Until the client closes the connection, or the registry ends.
        Some(Fault::Silent) => std::future::pending().await,
    }
    if !guard.lets_in(request.headers()) {
        let mut refused = Refusal::with(StatusCode::UNAUTHORIZED, "Unauthorized").into_response();
        let challenge = HeaderValue::from_static("Basic realm=\"schema registry\"");
        refused.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        return refused;
    }
    next.run(request).await
}
