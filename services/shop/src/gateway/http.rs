//! The sandbox's HTTP interface.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header::CONNECTION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;

use super::Shared;
use super::faults::{Fate, Faults};
use super::ledger::{Charge, Decline, Entry, Refund, Statement};
use crate::run::NO_FUNDS;

/// The header that makes a repeated call recognisable.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// What a declined charge is answered with.
const DECLINED: &str = "insufficient funds";

pub(super) fn router(shared: Arc<Shared>) -> axum::Router {
    axum::Router::new()
        .route("/charges", post(charge))
        .route("/refunds", post(refund))
        .route("/ledger", get(ledger))
        .route("/faults", get(faults).put(set_faults))
        .with_state(shared)
}

/// The body of `POST /charges`.
#[derive(Debug, Deserialize)]
struct ChargeOrder {
    order_id: String,
    customer_id: String,
    amount_cents: i64,
    currency: String,
}

/// The body of `POST /refunds`.
#[derive(Debug, Deserialize)]
struct RefundOrder {
    order_id: String,
    authorization_id: String,
    amount_cents: i64,
    currency: String,
}

/// A call that cannot be carried out, and never could: whoever sent it must send another.
fn refused(status: StatusCode, problem: impl Into<String>) -> Response {
    (status, Json(json!({ "error": problem.into() }))).into_response()
}

async fn charge(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Json(order): Json<ChargeOrder>,
) -> Response {
    shared
        .answer(
            &headers,
            order.amount_cents,
            |key, number, _| {
                Ok(if order.customer_id.ends_with(NO_FUNDS) {
                    Entry::Decline(Decline {
                        idempotency_key: key.to_owned(),
                        order_id: order.order_id.clone(),
                        customer_id: order.customer_id.clone(),
                        amount_cents: order.amount_cents,
                        currency: order.currency.clone(),
                        reason: DECLINED.to_owned(),
                    })
                } else {
                    Entry::Charge(Charge {
                        idempotency_key: key.to_owned(),
                        order_id: order.order_id.clone(),
                        customer_id: order.customer_id.clone(),
                        amount_cents: order.amount_cents,
                        currency: order.currency.clone(),
                        authorization_id: format!("auth-{number}"),
                    })
                })
            },
            |entry| {
                let (known, order) = match entry {
                    Entry::Charge(known) => (
                        (&known.order_id, known.amount_cents, &known.currency),
                        &order,
                    ),
                    Entry::Decline(known) => (
                        (&known.order_id, known.amount_cents, &known.currency),
                        &order,
                    ),
                    Entry::Refund(_) => return false,
                };
                known == (&order.order_id, order.amount_cents, &order.currency)
            },
        )
        .await
}

async fn refund(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Json(order): Json<RefundOrder>,
) -> Response {
    shared
        .answer(
            &headers,
            order.amount_cents,
            |key, number, charge| {
                let Some(charge) = charge(&order.authorization_id) else {
                    return Err(format!(
                        "there is no charge `{}` to refund",
                        order.authorization_id
                    ));
                };
                if charge.order_id != order.order_id || charge.currency != order.currency {
                    return Err(format!(
                        "the charge `{}` is of order {} in {}, not of order {} in {}",
                        charge.authorization_id,
                        charge.order_id,
                        charge.currency,
                        order.order_id,
                        order.currency
                    ));
                }
                Ok(Entry::Refund(Refund {
                    idempotency_key: key.to_owned(),
                    order_id: order.order_id.clone(),
                    authorization_id: order.authorization_id.clone(),
                    amount_cents: order.amount_cents,
                    currency: order.currency.clone(),
                    refund_id: format!("refund-{number}"),
                }))
            },
            |entry| {
                matches!(entry, Entry::Refund(known)
        if (&known.order_id, &known.authorization_id, known.amount_cents, &known.currency)
            == (&order.order_id, &order.authorization_id, order.amount_cents, &order.currency))
            },
        )
        .await
}

async fn ledger(State(shared): State<Arc<Shared>>) -> Json<Statement> {
    Json(shared.ledger.lock().statement())
}

async fn faults(State(shared): State<Arc<Shared>>) -> Json<Faults> {
    Json(shared.dice.lock().faults())
}

async fn set_faults(State(shared): State<Arc<Shared>>, body: String) -> Response {
    // Parsed here, so that the answer says what is wrong.
    let set: Faults = match serde_json::from_str(&body) {
        Ok(set) => set,
        Err(error) => return refused(StatusCode::BAD_REQUEST, error.to_string()),
    };
    match shared.set_faults(set) {
        // The connection is closed behind the answer, since a gateway that refuses connections has none.
        Ok(()) => (StatusCode::NO_CONTENT, [(CONNECTION, "close")]).into_response(),
        Err(problem) => refused(StatusCode::BAD_REQUEST, problem),
    }
}

impl Shared {
    /// Answers one call: under a key that is known, what was answered before; under a new one, what `new` makes of it.
    async fn answer(
        &self,
        headers: &HeaderMap,
        amount_cents: i64,
        new: impl FnOnce(&str, usize, &dyn Fn(&str) -> Option<Charge>) -> Result<Entry, String>,
        is_same: impl FnOnce(&Entry) -> bool,
    ) -> Response {
        let Some(key) = headers
            .get(IDEMPOTENCY_KEY)
            .and_then(|key| key.to_str().ok())
            .filter(|key| !key.is_empty())
        else {
            return refused(
                StatusCode::BAD_REQUEST,
                "the header Idempotency-Key is missing: without it a repeated call could not be told from a new one",
            );
        };
        if amount_cents < 1 {
            return refused(
                StatusCode::BAD_REQUEST,
                format!("amount_cents is {amount_cents}; it must be at least 1"),
            );
        }
        let (fate, latency) = {
            let mut dice = self.dice.lock();
            (
                dice.throw(),
                Duration::from_millis(dice.faults().latency_ms),
            )
        };
        let answer = self.carry_out(key, fate, new, is_same);
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        if fate == Fate::Unanswered {
            // Until the caller gives up and closes the connection, which drops this future.
            std::future::pending::<()>().await;
        }
        answer
    }

    fn carry_out(
        &self,
        key: &str,
        fate: Fate,
        new: impl FnOnce(&str, usize, &dyn Fn(&str) -> Option<Charge>) -> Result<Entry, String>,
        is_same: impl FnOnce(&Entry) -> bool,
    ) -> Response {
        let mut ledger = self.ledger.lock();
        let known = ledger.call(key).cloned();
        if fate == Fate::Failed {
            return refused(
                StatusCode::INTERNAL_SERVER_ERROR,
                "an injected failure: nothing was done",
            );
        }
        if let Some(known) = known {
            return if is_same(&known) {
                reply(&known)
            } else {
                refused(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    format!("the key `{key}` was used for another call"),
                )
            };
        }
        match new(key, ledger.len(), &|authorization| {
            ledger.charge(authorization).cloned()
        }) {
            Err(problem) => refused(StatusCode::UNPROCESSABLE_ENTITY, problem),
            Ok(entry) => match ledger.record(entry.clone()) {
                Ok(()) => reply(&entry),
                Err(error) => refused(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    format!("the ledger cannot be written: {error}"),
                ),
            },
        }
    }
}

fn reply(entry: &Entry) -> Response {
    match entry {
        Entry::Charge(charge) => {
            Json(json!({ "authorization_id": charge.authorization_id })).into_response()
        }
        Entry::Refund(refund) => Json(json!({ "refund_id": refund.refund_id })).into_response(),
        Entry::Decline(decline) => (
            StatusCode::PAYMENT_REQUIRED,
            Json(json!({ "reason": decline.reason })),
        )
            .into_response(),
    }
}
