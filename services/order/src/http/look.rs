//! `GET /orders/{id}`: what is known of an order, and how far that is behind.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use shop_schemas::order::OrderId;

use super::problem::Problem;
use super::view::Known;
use super::{Api, answer, wait};

/// How long it may take to make sure that nothing is known of an order.
const CATCH_UP: Duration = Duration::from_secs(2);

pub(super) async fn look(
    State(api): State<Arc<Api>>,
    Path(order_id): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let order_id = parse(&order_id)?;
    let wait = wait::of(&uri)?;
    let mut known = api.view.get(order_id);
    let is_over = |known: &Known| known.outcome.is_some();
    if let Some(wait) = wait
        && !known.as_ref().is_some_and(is_over)
    {
        let Some(leave) = wait::leave(&api, wait) else {
            return Err(Problem::too_many_waiting(order_id));
        };
        known = leave.outcome(&api, order_id).await;
    }
    if let Some(known) = known {
        return answer::found(&api, order_id, &known);
    }
    if api.accepted.has(order_id) {
        return answer::found(&api, order_id, &Known::default());
    }
    // Whether there is none is said only of all that was there when it was asked.
    let caught_up = api.projection.caught_up(&order_id);
    let caught_up = tokio::time::timeout(CATCH_UP, caught_up).await;
    match (api.view.get(order_id), caught_up) {
        (Some(known), _) => answer::found(&api, order_id, &known),
        (None, Ok(Ok(()))) => Err(Problem::unknown_order(order_id)),
        (None, Ok(Err(_)) | Err(_)) => Err(Problem::behind(order_id, api.projection.behind())),
    }
}

/// The order that a path names.
pub(super) fn parse(text: &str) -> Result<OrderId, Problem> {
    text.parse().map_err(|_| Problem::invalid_order_id(text))
}
