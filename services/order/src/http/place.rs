//! `POST /orders`: publishes an order, once however often it is sent under its key.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use kolo::PublishError;
use serde_json::Value;
use shop_schemas::order::OrderCreated;

use super::accepted::Before;
use super::problem::{Again, Problem};
use super::{Api, answer, body, ids, wait};

/// How long a body may take to arrive.
const BODY: Duration = Duration::from_secs(10);

pub(super) async fn place(
    State(api): State<Arc<Api>>,
    request: Request,
) -> Result<Response, Problem> {
    let wait = wait::of(request.uri())?;
    let headers = request.headers().clone();
    let key = ids::IdempotencyKey::of(&headers)?;
    let json = json(request).await?;
    let order = body::order(&json, ids::order_id(key.as_ref())).map_err(Problem::invalid_order)?;
    let order_id = order.order_id;

    let known = api.view.get(order_id);
    if known
        .as_ref()
        .is_some_and(|known| known.differs_from(&order))
    {
        return Err(Problem::key_reused(order_id));
    }
    let before = api.accepted.begin(&order);
    if before == Before::Other {
        return Err(Problem::key_reused(order_id));
    }
    // What is decided about it tells that it has arrived; so does an acknowledgement. Anything else may be a request that
    // has got lost: it is published again, under the same id.
    let has_arrived = known.is_some_and(|known| known.tells_of_an_order());
    if !has_arrived && before != Before::Acknowledged {
        let published = publish(&api, &order, &headers).await;
        if let Err(error) = &published {
            tracing::warn!("{error}");
            if !error.may_be_published() {
                api.accepted.refused(order_id);
            }
            let again = match key {
                Some(_) => Again::SameKey,
                None => Again::AnotherOrder,
            };
            return Err(Problem::not_published(order_id, error, again));
        }
        api.accepted.acknowledged(order_id);
    }
    let known = match wait.and_then(|wait| wait::leave(&api, wait)) {
        Some(leave) => leave.outcome(&api, order_id).await,
        None => api.view.get(order_id),
    };
    Ok(answer::accepted(&api, order_id, known.as_ref()))
}

async fn publish(api: &Api, order: &OrderCreated, headers: &HeaderMap) -> Result<(), PublishError> {
    let id = ids::created(order.order_id);
    match ids::traceparent(headers) {
        Some(trace) => api.publisher.publish_traced(order, id, trace).await,
        None => api.publisher.publish(order, id).await,
    }
    .map(|_| ())
}

async fn json(request: Request) -> Result<Value, Problem> {
    let content_type = request.headers().get(CONTENT_TYPE);
    let media_type = content_type.and_then(|value| value.to_str().ok());
    let media_type = media_type.unwrap_or_default().split(';').next();
    let is_json = media_type.is_some_and(|name| {
        let name = name.trim().to_ascii_lowercase();
        name == "application/json" || (name.starts_with("application/") && name.ends_with("+json"))
    });
    if !is_json {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Problem::of_status(status, HeaderMap::new()));
    }
    let body = tokio::time::timeout(BODY, Bytes::from_request(request, &())).await;
    let body = body.map_err(|_| Problem::slow_body())?;
    // Too large, or cut off; its own words are of no use to the client.
    let body = body.map_err(|rejection| {
        Problem::of_status(rejection.into_response().status(), HeaderMap::new())
    })?;
    serde_json::from_slice(&body).map_err(|error| Problem::invalid_json(error.to_string()))
}
