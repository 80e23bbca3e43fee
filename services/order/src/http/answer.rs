//! What is answered about an order.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use kolo::{Behind, Timestamp};
use serde::Serialize;
use shop_schemas::order::OrderId;

use super::Api;
use super::problem::Problem;
use super::view::{Known, Outcome};

/// Marks a response with the order that it is about, for the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Of(pub(super) OrderId);

/// How far an order has come. There is no word for a failure that is not decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    /// Nothing is decided, or nothing known of it.
    Pending,
    Confirmed,
    Cancelled,
}

/// How far what is known here is behind.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Lag {
    /// Records that are there, and not taken up yet.
    records: u64,
    /// Everything is known that was there so many seconds ago; null as long as the view is built for the first time.
    seconds: Option<f64>,
}

impl From<Behind> for Lag {
    fn from(behind: Behind) -> Self {
        let millis = |age: std::time::Duration| (age.as_secs_f64() * 1e3).round() / 1e3;
        Lag {
            records: behind.records,
            seconds: behind.age.map(millis),
        }
    }
}

#[derive(Serialize)]
struct Order<'a> {
    order_id: OrderId,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// Something about it could not be decided, and waits for an operator. It has not failed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    held: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_cents: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opened_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_at: Option<String>,
    behind: Lag,
}

/// The answer to who looks at an order.
pub(super) fn found(api: &Api, order_id: OrderId, known: &Known) -> Result<Response, Problem> {
    if known.is_unreadable && known.outcome.is_none() {
        return Err(Problem::unreadable(order_id));
    }
    Ok(told(api, order_id, known, StatusCode::OK))
}

/// The answer to who wants something of an order: accepted, and over or not.
pub(super) fn accepted(api: &Api, order_id: OrderId, known: Option<&Known>) -> Response {
    let nothing = Known::default();
    let known = known.unwrap_or(&nothing);
    let status = match known.outcome {
        Some(_) => StatusCode::OK,
        None => StatusCode::ACCEPTED,
    };
    let mut response = told(api, order_id, known, status);
    if let Ok(location) = format!("/orders/{order_id}").parse() {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

fn told(api: &Api, order_id: OrderId, known: &Known, code: StatusCode) -> Response {
    let opened = known.opened.as_ref();
    let outcome = known.outcome.as_ref();
    let order = Order {
        order_id,
        status: match outcome {
            None => Status::Pending,
            Some(Outcome::Confirmed { .. }) => Status::Confirmed,
            Some(Outcome::Cancelled { .. }) => Status::Cancelled,
        },
        reason: match outcome {
            Some(Outcome::Cancelled { reason, .. }) => Some(reason),
            _ => None,
        },
        held: !known.parked.is_empty(),
        customer_id: opened.map(|opened| &*opened.customer_id),
        total_cents: opened.map(|opened| opened.total_cents),
        currency: opened.map(|opened| &*opened.currency),
        opened_at: opened.and_then(|opened| time(opened.at)),
        answer_by: opened.and_then(|opened| opened.answer_by).and_then(time),
        decided_at: outcome.and_then(|outcome| time(outcome.at())),
        behind: api.projection.behind().into(),
    };
    let mut response = (code, Json(order)).into_response();
    response.extensions_mut().insert(Of(order_id));
    response
}

/// RFC 3339 in UTC, to the millisecond.
fn time(at: Timestamp) -> Option<String> {
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).ok()?;
    Some(format!("{at:.3}"))
}
