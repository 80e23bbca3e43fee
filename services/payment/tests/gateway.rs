//! The adapter against a real HTTP server: what goes out, which replies are definitive, and that nothing else is.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use kolo::{Adapter, AdapterError, Call, CorrelationId, EventId};
use payment::{Charge, Charged, HttpGateway, Refund, Refunded};
use serde_json::{Value, json};
use shop_schemas::order::{CustomerId, OrderId};
use shop_schemas::payment::{AuthorizationId, PaymentRequested, RefundRequested};
use tokio::net::TcpListener;
use uuid::Uuid;

const ORDER: OrderId = OrderId(Uuid::from_u128(1));
const KEY: EventId = EventId(Uuid::from_u128(2));

/// What the server saw: path, idempotency key and body.
type Seen = Arc<Mutex<Vec<(String, String, Value)>>>;

/// A server that answers every request with this.
async fn server(status: StatusCode, reply: &'static str) -> (HttpGateway, Seen) {
    let seen = Seen::default();
    let sees = Arc::clone(&seen);
    let answer = move |uri: Uri, headers: HeaderMap, body: Bytes| {
        let key = headers
            .get("Idempotency-Key")
            .map(|key| key.to_str().unwrap().to_owned());
        let body = serde_json::from_slice(&body).unwrap();
        sees.lock()
            .unwrap()
            .push((uri.path().to_owned(), key.unwrap_or_default(), body));
        std::future::ready((status, [(header::LOCATION, "/elsewhere")], reply))
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = gateway(listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    (gateway, seen)
}

fn gateway(at: SocketAddr) -> HttpGateway {
    HttpGateway::new(&format!("http://{at}")).unwrap()
}

async fn charge(gateway: &HttpGateway) -> Result<Charged, AdapterError> {
    let request = PaymentRequested {
        order_id: ORDER,
        customer_id: CustomerId("c-1".into()),
        amount_cents: 900,
        currency: "EUR".into(),
    };
    Adapter::<Charge>::call(gateway, call(&request)).await
}

async fn refund(gateway: &HttpGateway) -> Result<Refunded, AdapterError> {
    let request = RefundRequested {
        order_id: ORDER,
        amount_cents: 900,
        currency: "EUR".into(),
        authorization_id: AuthorizationId("a-1".into()),
    };
    Adapter::<Refund>::call(gateway, call(&request)).await
}

fn call<Q>(request: &Q) -> Call<'_, Q> {
    let correlation = CorrelationId::of_saga("1");
    Call {
        request,
        idempotency_key: KEY,
        correlation,
        key: "1",
        attempt: 1,
        traceparent: None,
    }
}

#[tokio::test]
async fn a_charge_is_authorized_or_declined_in_the_gateway_s_words() {
    let (gateway, seen) = server(StatusCode::OK, r#"{"authorization_id": "a-1"}"#).await;
    let authorized = Charged::Authorized(AuthorizationId("a-1".into()));
    assert_eq!(charge(&gateway).await.unwrap(), authorized);
    let body = json!({
        "order_id": ORDER.to_string(),
        "customer_id": "c-1",
        "amount_cents": 900,
        "currency": "EUR",
    });
    assert_eq!(
        *seen.lock().unwrap(),
        [("/charges".to_owned(), KEY.to_string(), body)]
    );

    let (gateway, _) = server(StatusCode::PAYMENT_REQUIRED, r#"{"reason": "no funds"}"#).await;
    assert_eq!(
        charge(&gateway).await.unwrap(),
        Charged::Declined("no funds".into())
    );
}

#[tokio::test]
async fn a_refund_names_the_charge_that_it_gives_back() {
    let (gateway, seen) = server(StatusCode::OK, r#"{"refund_id": "r-1"}"#).await;
    assert_eq!(refund(&gateway).await.unwrap(), Refunded);
    let body = json!({
        "order_id": ORDER.to_string(),
        "authorization_id": "a-1",
        "amount_cents": 900,
        "currency": "EUR",
    });
    assert_eq!(
        *seen.lock().unwrap(),
        [("/refunds".to_owned(), KEY.to_string(), body)]
    );
}

// failure: outside | the gateway answers with nonsense | a retryable failure with the status and the body's
// beginning | nothing is taken for a refusal | nobody
#[tokio::test]
async fn whatever_else_is_answered_says_nothing_about_the_money() {
    let answers = [
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            "out of order",
            "500 Internal Server Error",
        ),
        (StatusCode::REQUEST_TIMEOUT, "", "408 Request Timeout"),
        (StatusCode::TOO_EARLY, "", "425 Too Early"),
        (StatusCode::UNAUTHORIZED, "who?", "401 Unauthorized"),
        (StatusCode::FORBIDDEN, "no", "403 Forbidden"),
        (StatusCode::NOT_FOUND, "", "404 Not Found"),
        (StatusCode::CONFLICT, "still at it", "409 Conflict"),
        (StatusCode::TOO_MANY_REQUESTS, "", "429 Too Many Requests"),
        (
            StatusCode::CREATED,
            r#"{"authorization_id": "a-1"}"#,
            "201 Created",
        ),
        (StatusCode::TEMPORARY_REDIRECT, "", "307 Temporary Redirect"),
        (StatusCode::OK, "", "200 OK"),
        (StatusCode::OK, r#"{"status": "fine"}"#, "200 OK"),
    ];
    for (status, body, named) in answers {
        let (gateway, seen) = server(status, body).await;
        for (path, failed) in [
            ("/charges", charge(&gateway).await.map(drop)),
            ("/refunds", refund(&gateway).await.map(drop)),
        ] {
            let failed = failed.unwrap_err();
            assert!(!failed.is_terminal(), "{failed}");
            let error = failed.to_string();
            assert!(error.contains(named) && error.contains(path), "{error}");
            assert!(error.contains(body) || status == StatusCode::OK, "{error}");
        }
        assert_eq!(
            seen.lock().unwrap().len(),
            2,
            "each call is made once: {status}"
        );
    }
    // Declined in words that cannot be read may be anything but a decline.
    let (gateway, _) = server(StatusCode::PAYMENT_REQUIRED, "no").await;
    let error = charge(&gateway).await.unwrap_err();
    assert!(
        error.to_string().contains("402 Payment Required"),
        "{error}"
    );
    assert!(!error.is_terminal());
}

#[tokio::test]
async fn what_the_gateway_will_never_carry_out_is_not_asked_again() {
    for status in [StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY] {
        let (gateway, _) = server(status, "unknown currency").await;
        for error in [
            charge(&gateway).await.unwrap_err(),
            refund(&gateway).await.unwrap_err(),
        ] {
            assert!(error.is_terminal(), "{error}");
            assert!(error.to_string().contains("unknown currency"), "{error}");
        }
    }
    // A refund cannot be declined: a gateway that says so has not understood it.
    let (gateway, _) = server(StatusCode::PAYMENT_REQUIRED, r#"{"reason": "no"}"#).await;
    assert!(refund(&gateway).await.unwrap_err().is_terminal());
}

#[tokio::test]
async fn a_gateway_that_is_silent_hangs_up_or_is_not_there_says_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = gateway(listener.local_addr().unwrap());
    let impatient = gateway.clone().with_timeout(Duration::from_millis(50));
    let silent = charge(&impatient).await.unwrap_err().to_string();
    assert!(
        silent.contains("/charges") && silent.contains("timed out"),
        "{silent}"
    );

    let hangs_up = tokio::spawn(async move {
        // The call that gave up waits to be accepted before the one that is hung up on.
        for _ in 0..2 {
            drop(listener.accept().await.unwrap());
        }
    });
    let hung_up = charge(&gateway).await.unwrap_err().to_string();
    assert!(
        hung_up.contains("/charges") && !hung_up.contains("timed out"),
        "{hung_up}"
    );

    hangs_up.await.unwrap();
    let refused = charge(&gateway).await.unwrap_err().to_string();
    assert!(
        refused.contains("/charges") && refused.contains("Connection refused"),
        "{refused}"
    );
}

#[tokio::test]
async fn the_calls_stand_below_the_path_of_the_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let answer = |uri: Uri| std::future::ready(uri.path().to_owned());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    for path in ["sandbox/v1", "sandbox/v1/"] {
        let gateway = HttpGateway::new(&format!("http://{at}/{path}")).unwrap();
        let error = charge(&gateway).await.unwrap_err().to_string();
        assert!(error.starts_with("POST /sandbox/v1/charges: "), "{error}");
    }
}

#[test]
fn an_address_that_is_none_is_refused_with_the_variable_s_name() {
    for url in [
        "127.0.0.1:9400",
        "https://pay.example",
        "",
        "ftp://pay.example",
    ] {
        let error = HttpGateway::new(url).expect_err(url).to_string();
        assert!(error.starts_with("GATEWAY_URL is not"), "{error}");
        assert!(error.contains("http://127.0.0.1:9400"), "{error}");
    }
}
