//! The payment gateway over HTTP: the adapter of both ports.
//!
//! | call | definitive replies |
//! |---|---|
//! | `POST /charges` with `order_id`, `customer_id`, `amount_cents`, `currency` | 200 `authorization_id`; 402 `reason` |
//! | `POST /refunds` with `order_id`, `authorization_id`, `amount_cents`, `currency` | 200 `refund_id` |
//!
//! Bodies are JSON. The header `Idempotency-Key` is the id of the event that asks, the same in every attempt.
//!
//! 400 and 422 are terminal, and so is 402 to a refund: the gateway has understood the call, did not carry it out, and never
//! will as it is. Whatever else comes (another status, also one that a wrong credential or path gets, a body that is not what the
//! table says, a refused connection, a timeout) says nothing about whether the money moved: the call is made again with
//! the same key.

use std::time::Duration;

use kolo::{Adapter, AdapterError, Call, EventId};
use reqwest::{Client, Response, StatusCode, Url, redirect};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shop_schemas::payment::{AuthorizationId, PaymentRequested, RefundRequested};

use crate::{Charge, Charged, Refund, Refunded};

/// The environment variable with the gateway's address.
const GATEWAY_URL: &str = "GATEWAY_URL";
/// Where the sandbox gateway listens.
const DEFAULT_URL: &str = "http://127.0.0.1:9400";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Less than the limit that the effects' policy sets, so that the log names the path that was too slow.
const CALL_TIMEOUT: Duration = Duration::from_secs(4);

/// The gateway at one address. Clones share their connections.
#[derive(Debug, Clone)]
pub struct HttpGateway {
    client: Client,
    timeout: Duration,
    charges: Url,
    refunds: Url,
}

/// An address at which no gateway can be called.
#[derive(Debug, thiserror::Error)]
#[error(
    "{GATEWAY_URL} is not the address of a payment gateway: {0}; write it as in `{DEFAULT_URL}`"
)]
pub struct GatewayUrlError(String);

impl HttpGateway {
    /// The gateway at `GATEWAY_URL`, or where the sandbox listens if that is not set.
    ///
    /// # Errors
    /// When the address is no http URL.
    pub fn from_env() -> Result<Self, GatewayUrlError> {
        let url = std::env::var_os(GATEWAY_URL).map(|url| url.to_string_lossy().into_owned());
        Self::new(url.as_deref().unwrap_or(DEFAULT_URL))
    }

    /// The gateway at this address.
    ///
    /// # Errors
    /// When the address is no http URL.
    pub fn new(url: &str) -> Result<Self, GatewayUrlError> {
        let base = Url::parse(url).map_err(|problem| GatewayUrlError(problem.to_string()))?;
        if base.scheme() != "http" {
            return Err(GatewayUrlError(format!(
                "its scheme is `{}`, not `http`",
                base.scheme()
            )));
        }
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // A proxy that the environment sets for other programs must not get to see payments.
            .no_proxy()
            // A redirected POST would arrive as a GET without its body.
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|problem| GatewayUrlError(chain(problem)))?;
        let place = |path: &str| {
            let mut url = base.clone();
            url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
            url
        };
        Ok(HttpGateway {
            client,
            timeout: CALL_TIMEOUT,
            charges: place("charges"),
            refunds: place("refunds"),
        })
    }

    /// Waits this long for a whole reply, 4 s unless told. A gateway that takes longer is asked again with the same key.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        HttpGateway { timeout, ..self }
    }

    async fn post(
        &self,
        url: &Url,
        key: EventId,
        body: &impl Serialize,
    ) -> Result<Response, AdapterError> {
        let request = self
            .client
            .post(url.clone())
            .timeout(self.timeout)
            .header("Idempotency-Key", key.to_string())
            .json(body);
        request
            .send()
            .await
            .map_err(|error| AdapterError::new(format!("POST {}: {}", url.path(), chain(error))))
    }
}

#[derive(Serialize)]
struct ChargeBody<'a> {
    order_id: String,
    customer_id: &'a str,
    amount_cents: i64,
    currency: &'a str,
}

#[derive(Serialize)]
struct RefundBody<'a> {
    order_id: String,
    authorization_id: &'a str,
    amount_cents: i64,
    currency: &'a str,
}

#[derive(Deserialize)]
struct AuthorizedBody {
    authorization_id: String,
}

#[derive(Deserialize)]
struct DeclinedBody {
    reason: String,
}

/// What a refund is called there. Nobody asks for it here, but a reply without it is no refund.
#[derive(Deserialize)]
struct RefundedBody {
    #[serde(rename = "refund_id")]
    _refund_id: String,
}

impl Adapter<Charge> for HttpGateway {
    async fn call(&self, call: Call<'_, PaymentRequested>) -> Result<Charged, AdapterError> {
        let asked = call.request;
        let body = ChargeBody {
            order_id: asked.order_id.to_string(),
            customer_id: &asked.customer_id.0,
            amount_cents: asked.amount_cents,
            currency: &asked.currency,
        };
        let response = self
            .post(&self.charges, call.idempotency_key, &body)
            .await?;
        match response.status() {
            StatusCode::OK => {
                let body: AuthorizedBody = read(response).await?;
                Ok(Charged::Authorized(AuthorizationId(body.authorization_id)))
            }
            StatusCode::PAYMENT_REQUIRED => {
                let body: DeclinedBody = read(response).await?;
                Ok(Charged::Declined(body.reason))
            }
            _ => Err(refused(response).await),
        }
    }
}

impl Adapter<Refund> for HttpGateway {
    async fn call(&self, call: Call<'_, RefundRequested>) -> Result<Refunded, AdapterError> {
        let asked = call.request;
        let body = RefundBody {
            order_id: asked.order_id.to_string(),
            authorization_id: &asked.authorization_id.0,
            amount_cents: asked.amount_cents,
            currency: &asked.currency,
        };
        let response = self
            .post(&self.refunds, call.idempotency_key, &body)
            .await?;
        match response.status() {
            StatusCode::OK => read::<RefundedBody>(response).await.map(|_| Refunded),
            _ => Err(refused(response).await),
        }
    }
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T, AdapterError> {
    let (status, path) = (response.status(), response.url().path().to_owned());
    let body = response
        .bytes()
        .await
        .map_err(|error| AdapterError::new(format!("POST {path}: {}", chain(error))))?;
    serde_json::from_slice(&body).map_err(|error| {
        AdapterError::new(format!(
            "POST {path}: status {status} with a body that is not the reply it should be: {error}"
        ))
    })
}

/// Whether the gateway has understood that it cannot carry the call out, now or later.
fn is_terminal(status: StatusCode) -> bool {
    // Not every status of the client's fault: a wrong credential must not park each payment that comes.
    matches!(
        status,
        StatusCode::BAD_REQUEST | StatusCode::PAYMENT_REQUIRED | StatusCode::UNPROCESSABLE_ENTITY
    )
}

/// A status that the table does not list. The start of the body is kept: it often says why.
async fn refused(response: Response) -> AdapterError {
    let (status, path) = (response.status(), response.url().path().to_owned());
    let body = response.bytes().await.unwrap_or_default();
    let text: String = String::from_utf8_lossy(&body).chars().take(200).collect();
    if is_terminal(status) {
        AdapterError::terminal(format!(
            "POST {path}: status {status}, so the gateway will not carry it out: {text}"
        ))
    } else {
        AdapterError::new(format!(
            "POST {path}: status {status}, which says nothing about the money: {text}"
        ))
    }
}

/// An error with its causes, since reqwest's own message is only `error sending request`; without the address, which may
/// hold credentials.
fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |&error| {
        error.source()
    });
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
