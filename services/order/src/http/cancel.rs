//! `POST /orders/{id}/cancel`: says that the customer wants the order cancelled. Whether it is, the order decides.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use shop_schemas::order::CancelRequested;

use super::problem::{Again, Problem};
use super::{Api, answer, ids, look, wait};

pub(super) async fn cancel(
    State(api): State<Arc<Api>>,
    Path(order_id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let order_id = look::parse(&order_id)?;
    let wait = wait::of(&uri)?;
    let key = ids::IdempotencyKey::of(&headers)?;
    let known = api.view.get(order_id);
    // An outcome is final: there is nothing to ask for any more, and it is told as it is.
    if let Some(known) = known.filter(|known| known.outcome.is_some()) {
        return Ok(answer::accepted(&api, order_id, Some(&known)));
    }
    let (event, id) = (
        CancelRequested { order_id },
        ids::cancelled(order_id, key.as_ref()),
    );
    let published = match ids::traceparent(&headers) {
        Some(trace) => api.publisher.publish_traced(&event, id, trace).await,
        None => api.publisher.publish(&event, id).await,
    };
    if let Err(error) = published {
        tracing::warn!("{error}");
        let again = match key {
            Some(_) => Again::SameKey,
            None => Again::SameRequest,
        };
        return Err(Problem::not_published(order_id, &error, again));
    }
    let known = match wait.and_then(|wait| wait::leave(&api, wait)) {
        Some(leave) => leave.outcome(&api, order_id).await,
        None => api.view.get(order_id),
    };
    Ok(answer::accepted(&api, order_id, known.as_ref()))
}
