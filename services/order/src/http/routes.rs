//! Paths, and what all answers have in common: whatever is wrong is a problem, and each request has a line in the log.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::HeaderMap;
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::Api;
use super::answer::Of;
use super::cancel::cancel;
use super::look::look;
use super::place::place;
use super::problem::{MEDIA_TYPE, Problem};

/// The most bytes that a body may have. A hundred lines take a tenth of it.
const BODY_BYTES: usize = 64 * 1024;

const ORDERS: &str = "/orders";
const ORDER: &str = "/orders/{id}";
const CANCEL: &str = "/orders/{id}/cancel";
const DESCRIPTION: &str = "/openapi.json";

pub(super) fn router(api: Arc<Api>) -> Router {
    Router::new()
        .route(ORDERS, post(place))
        .route(ORDER, get(look))
        .route(CANCEL, post(cancel))
        .route(DESCRIPTION, get(description))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(from_fn(problems_and_log))
        .with_state(api)
}

async fn description() -> Response {
    let json = "application/json";
    ([(CONTENT_TYPE, json)], include_str!("openapi.json")).into_response()
}

async fn problems_and_log(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let response = as_problem(next.run(request).await);
    let order_id = response.extensions().get::<Of>();
    tracing::info!(
        %method,
        path,
        status = response.status().as_u16(),
        ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        order_id = order_id.map(|Of(order_id)| tracing::field::display(order_id)),
        "answered"
    );
    response
}

/// What the router refuses by itself has a status and no words.
fn as_problem(response: Response) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let content_type = response.headers().get(CONTENT_TYPE);
    if !is_error || content_type.is_some_and(|known| known == MEDIA_TYPE) {
        return response;
    }
    let mut kept = HeaderMap::new();
    if let Some(allow) = response.headers().get(ALLOW) {
        kept.insert(ALLOW, allow.clone());
    }
    Problem::of_status(status, kept).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_description_has_the_paths_that_there_are() {
        let description: Value = serde_json::from_str(include_str!("openapi.json")).unwrap();
        let paths = description["paths"].as_object().unwrap();
        let mut described: Vec<&str> = paths.keys().map(String::as_str).collect();
        described.sort_unstable();
        let mut routed = [ORDERS, ORDER, CANCEL, DESCRIPTION];
        routed.sort_unstable();
        assert_eq!(described, routed);
    }
}
