//! What is answered when something is wrong: `application/problem+json` (RFC 9457), whatever it is.

use std::fmt;

use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use kolo::{Behind, PublishError};
use serde::Serialize;
use shop_schemas::order::OrderId;

use super::answer::{Lag, Of};

/// The media type.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct FieldError {
    /// Which, as a JSON pointer into the body; empty for the body itself.
    pub(super) pointer: String,
    pub(super) detail: String,
}

/// What it means to send a request again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// Under its key it is the same one.
    SameKey,
    /// It is the same one without a key, too.
    SameRequest,
    /// It would be another order.
    AnotherOrder,
}

/// A problem, as it is answered. Boxed, since almost every answer is none.
pub(super) struct Problem(Box<Content>);

#[derive(Serialize)]
struct Content {
    /// What kind of problem it is, for programs; `about:blank` where the status says it all.
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<OrderId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    behind: Option<Lag>,
    #[serde(skip)]
    retry_after_seconds: Option<u32>,
    #[serde(skip)]
    headers: HeaderMap,
}

impl Problem {
    fn new(status: StatusCode, kind: &str, title: &'static str, detail: impl Into<String>) -> Self {
        Problem(Box::new(Content {
            kind: format!("urn:shop:problem:{kind}"),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            order_id: None,
            errors: Vec::new(),
            behind: None,
            retry_after_seconds: None,
            headers: HeaderMap::new(),
        }))
    }

    /// The order that it is about.
    pub(super) fn about(mut self, order_id: OrderId) -> Self {
        self.0.order_id = Some(order_id);
        self
    }

    fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after_seconds = Some(seconds);
        self
    }

    pub(super) fn invalid_key(detail: &str) -> Self {
        let title = "The header Idempotency-Key cannot be used";
        Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid-idempotency-key",
            title,
            detail,
        )
    }

    pub(super) fn invalid_query(detail: String) -> Self {
        let title = "The query cannot be understood";
        Problem::new(StatusCode::BAD_REQUEST, "invalid-query", title, detail)
    }

    pub(super) fn invalid_order_id(text: &str) -> Self {
        let detail = format!("`{text}` is not a UUID; the answer to `POST /orders` says it");
        let title = "This is no order id";
        Problem::new(StatusCode::BAD_REQUEST, "invalid-order-id", title, detail)
    }

    pub(super) fn invalid_json(detail: String) -> Self {
        let title = "The body is not JSON";
        Problem::new(StatusCode::BAD_REQUEST, "invalid-json", title, detail)
    }

    pub(super) fn slow_body() -> Self {
        let detail = "the body did not arrive in time; nothing was done";
        let title = "The body did not arrive";
        Problem::new(StatusCode::REQUEST_TIMEOUT, "slow-body", title, detail)
    }

    pub(super) fn invalid_order(errors: Vec<FieldError>) -> Self {
        let title = "The order cannot be taken as it is";
        let count = errors.len();
        let detail = match count {
            1 => "one field is wrong; `errors` says which".to_owned(),
            _ => format!("{count} fields are wrong; `errors` says which"),
        };
        let mut problem = Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid-order",
            title,
            detail,
        );
        problem.0.errors = errors;
        problem
    }

    pub(super) fn key_reused(order_id: OrderId) -> Self {
        let detail = "this Idempotency-Key stands for another order, which stays as it is; send a new order under a new key";
        let title = "The Idempotency-Key was used for something else";
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Problem::new(status, "idempotency-key-reused", title, detail).about(order_id)
    }

    pub(super) fn unknown_order(order_id: OrderId) -> Self {
        let detail = "nothing was decided about an order with this id when it was asked. One that another instance has just accepted may follow: ask with `?wait=2s`";
        let title = "There is no such order";
        Problem::new(StatusCode::NOT_FOUND, "unknown-order", title, detail).about(order_id)
    }

    pub(super) fn behind(order_id: OrderId, behind: Behind) -> Self {
        let detail = "what is known here is behind, and nothing of this order is in it: whether there is one cannot be said now";
        let title = "Not known yet";
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "behind", title, detail);
        let mut problem = problem.about(order_id).retry_after(2);
        problem.0.behind = Some(behind.into());
        problem
    }

    pub(super) fn too_many_waiting(order_id: OrderId) -> Self {
        let detail = "as many requests as may wait for an outcome do already; without `wait` it is answered at once";
        let title = "Too many wait";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let problem = Problem::new(status, "too-many-waiting", title, detail);
        problem.about(order_id).retry_after(1)
    }

    pub(super) fn unreadable(order_id: OrderId) -> Self {
        let detail = "what was decided about this order cannot be read by this instance; its log says why. Another one, or a newer build, may know";
        let title = "The order cannot be read";
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Problem::new(status, "unreadable-order", title, detail).about(order_id)
    }

    /// What the client is told when its event was not acknowledged. The reasons are for the log.
    pub(super) fn not_published(order_id: OrderId, error: &PublishError, again: Again) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        if !error.may_be_published() {
            let detail = "it was not accepted, and nothing was done; send it again later";
            let problem = Problem::new(status, "not-accepted", "Not accepted now", detail);
            return problem.about(order_id).retry_after(5);
        }
        let detail = match again {
            Again::SameKey => {
                "it may have been accepted all the same, or be accepted yet. Send it again with the same Idempotency-Key: it is the same request then, however often it arrives"
            }
            Again::SameRequest => {
                "it may have been accepted all the same, or be accepted yet. Send it again: it is the same request, however often it arrives"
            }
            Again::AnotherOrder => {
                "it may have been accepted all the same, or be accepted yet. Without an Idempotency-Key another request would be another order: ask for this order's id first"
            }
        };
        let title = "Not known whether it was accepted";
        let problem = Problem::new(status, "not-acknowledged", title, detail);
        problem.about(order_id).retry_after(5)
    }

    /// An answer that has a status and no more: of the router, or of the body's reader.
    pub(super) fn of_status(status: StatusCode, headers: HeaderMap) -> Self {
        let detail = match status {
            StatusCode::NOT_FOUND => {
                "there is nothing at this path; /openapi.json says what there is"
            }
            StatusCode::METHOD_NOT_ALLOWED => {
                "this path has other methods; the header Allow says which"
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                "the body of an order is `Content-Type: application/json`"
            }
            StatusCode::PAYLOAD_TOO_LARGE => "a body has at most 65536 bytes",
            _ => "the request cannot be handled",
        };
        let title = status.canonical_reason().unwrap_or("Problem");
        let mut problem = Problem::new(status, "", title, detail);
        problem.0.kind = "about:blank".into();
        problem.0.headers = headers;
        problem
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.status, self.0.kind)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let content = *self.0;
        let status = StatusCode::from_u16(content.status);
        // Nothing of it can fail to be written.
        let body = serde_json::to_vec(&content).unwrap_or_default();
        let mut response =
            (status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), body).into_response();
        let headers = response.headers_mut();
        headers.extend(content.headers);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = content.retry_after_seconds {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if let Some(order_id) = content.order_id {
            response.extensions_mut().insert(Of(order_id));
        }
        response
    }
}
