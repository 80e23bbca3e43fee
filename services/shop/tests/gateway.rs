//! The sandbox gateway as the payment service meets it: over HTTP, with every fault it can inject.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::time::{Duration, Instant};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use shop::gateway::{Faults, Gateway, Statement};

fn start(faults: Faults) -> (Gateway, String) {
    let gateway = Gateway::start("127.0.0.1:0".parse().unwrap(), faults, None).unwrap();
    let url = gateway.url();
    (gateway, url)
}

async fn call(
    client: &Client,
    url: &str,
    key: &str,
    body: &Value,
) -> Result<(StatusCode, Value), reqwest::Error> {
    let answer = client
        .post(url)
        .header("Idempotency-Key", key)
        .json(body)
        .send()
        .await?;
    let status = answer.status();
    Ok((status, answer.json().await?))
}

fn charge(order: &str, customer: &str) -> Value {
    json!({"order_id": order, "customer_id": customer, "amount_cents": 1250, "currency": "EUR"})
}

#[tokio::test]
async fn the_same_key_gets_the_same_answer_and_stands_in_the_ledger_once() {
    let (_gateway, url) = start(Faults::default());
    let (client, charges, refunds) = (
        Client::new(),
        format!("{url}/charges"),
        format!("{url}/refunds"),
    );
    let first = call(&client, &charges, "k1", &charge("o1", "ann"))
        .await
        .unwrap();
    assert_eq!(
        first,
        (StatusCode::OK, json!({"authorization_id": "auth-0"}))
    );
    assert_eq!(
        call(&client, &charges, "k1", &charge("o1", "ann"))
            .await
            .unwrap(),
        first
    );
    let declined = call(&client, &charges, "k2", &charge("o2", "bob-no-funds"))
        .await
        .unwrap();
    assert_eq!(
        declined,
        (
            StatusCode::PAYMENT_REQUIRED,
            json!({"reason": "insufficient funds"})
        )
    );
    assert_eq!(
        call(&client, &charges, "k2", &charge("o2", "bob-no-funds"))
            .await
            .unwrap(),
        declined
    );

    let refund = json!({"order_id": "o1", "authorization_id": "auth-0", "amount_cents": 1250, "currency": "EUR"});
    let refunded = call(&client, &refunds, "k3", &refund).await.unwrap();
    assert_eq!(refunded, (StatusCode::OK, json!({"refund_id": "refund-2"})));
    assert_eq!(
        call(&client, &refunds, "k3", &refund).await.unwrap(),
        refunded
    );

    let ledger: Statement = client
        .get(format!("{url}/ledger"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        (
            ledger.charges.len(),
            ledger.refunds.len(),
            ledger.declines.len()
        ),
        (1, 1, 1)
    );
    assert_eq!(
        (
            ledger.charges[0].amount_cents,
            ledger.charges[0].idempotency_key.as_str()
        ),
        (1250, "k1")
    );
    assert_eq!(
        ledger.calls.into_iter().collect::<Vec<_>>(),
        [("k1".into(), 2), ("k2".into(), 2), ("k3".into(), 2)]
    );
}

#[tokio::test]
async fn repeats_at_the_same_time_charge_once() {
    let (gateway, url) = start(Faults {
        latency_ms: 20,
        ..Faults::default()
    });
    let (client, charges) = (Client::new(), format!("{url}/charges"));
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let (client, charges) = (client.clone(), charges.clone());
            tokio::spawn(async move {
                call(&client, &charges, "k", &charge("o", "ann"))
                    .await
                    .unwrap()
            })
        })
        .collect();
    for answer in calls {
        assert_eq!(
            answer.await.unwrap().1,
            json!({"authorization_id": "auth-0"})
        );
    }
    let statement = gateway.statement();
    assert_eq!((statement.charges.len(), statement.calls["k"]), (1, 20));
}

#[tokio::test]
async fn calls_that_make_no_sense_are_refused_with_the_reason() {
    let (gateway, url) = start(Faults::default());
    let (client, charges, refunds) = (
        Client::new(),
        format!("{url}/charges"),
        format!("{url}/refunds"),
    );
    let without_key = client
        .post(&charges)
        .json(&charge("o", "ann"))
        .send()
        .await
        .unwrap();
    assert_eq!(without_key.status(), StatusCode::BAD_REQUEST);
    assert!(
        without_key
            .text()
            .await
            .unwrap()
            .contains("Idempotency-Key")
    );

    call(&client, &charges, "k", &charge("o1", "ann"))
        .await
        .unwrap();
    let (status, answer) = call(&client, &charges, "k", &charge("o2", "ann"))
        .await
        .unwrap();
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        answer,
        json!({"error": "the key `k` was used for another call"})
    );

    let refund = json!({"order_id": "o1", "authorization_id": "auth-9", "amount_cents": 1, "currency": "EUR"});
    let (status, answer) = call(&client, &refunds, "r", &refund).await.unwrap();
    assert_eq!(
        (status, answer),
        (
            StatusCode::UNPROCESSABLE_ENTITY,
            json!({"error": "there is no charge `auth-9` to refund"})
        )
    );
    let refund = json!({"order_id": "o2", "authorization_id": "auth-0", "amount_cents": 1, "currency": "EUR"});
    assert_eq!(
        call(&client, &refunds, "r", &refund).await.unwrap().0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(gateway.statement().refunds, []);
}

#[tokio::test]
async fn an_injected_error_does_nothing_and_the_repeat_is_carried_out() {
    let (gateway, url) = start(Faults {
        error_rate: 1.0,
        ..Faults::default()
    });
    let (client, charges) = (Client::new(), format!("{url}/charges"));
    let (status, _) = call(&client, &charges, "k", &charge("o", "ann"))
        .await
        .unwrap();
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(gateway.statement().charges, []);
    gateway.set_faults(Faults::default()).unwrap();
    assert_eq!(
        call(&client, &charges, "k", &charge("o", "ann"))
            .await
            .unwrap()
            .0,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_timeout_after_the_charge_leaves_it_charged_and_the_repeat_is_told_so() {
    let (gateway, url) = start(Faults::default());
    let charges = format!("{url}/charges");
    let client = Client::new();
    let set = client
        .put(format!("{url}/faults"))
        .body(r#"{"timeout_after_charge_rate": 1.0}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(set.status(), StatusCode::NO_CONTENT);

    let waiting = tokio::spawn({
        let charges = charges.clone();
        async move { call(&Client::new(), &charges, "k", &charge("o", "ann")).await }
    });
    let begun = Instant::now();
    while gateway.statement().charges.is_empty() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "the charge never happened"
        );
        tokio::task::yield_now().await;
    }
    assert!(!waiting.is_finished());
    waiting.abort();

    client
        .put(format!("{url}/faults"))
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(
        call(&client, &charges, "k", &charge("o", "ann"))
            .await
            .unwrap()
            .1,
        json!({"authorization_id": "auth-0"})
    );
    assert_eq!(gateway.statement().charges.len(), 1);
}

#[tokio::test]
async fn connections_are_refused_for_a_while_and_open_ones_are_cut() {
    let (gateway, url) = start(Faults {
        timeout_after_charge_rate: 1.0,
        ..Faults::default()
    });
    let charges = format!("{url}/charges");
    let cut = tokio::spawn({
        let charges = charges.clone();
        async move { call(&Client::new(), &charges, "k", &charge("o", "ann")).await }
    });
    let begun = Instant::now();
    while gateway.statement().charges.is_empty() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "the charge never happened"
        );
        tokio::task::yield_now().await;
    }
    let client = Client::new();
    let (begun, refuses) = (Instant::now(), Duration::from_secs(3));
    let answer = client
        .put(format!("{url}/faults"))
        .body(format!(r#"{{"refuse_ms": {}}}"#, refuses.as_millis()))
        .send()
        .await
        .unwrap();
    assert_eq!(
        answer.status(),
        StatusCode::NO_CONTENT,
        "the call that asks for it is answered"
    );
    assert!(cut.await.unwrap().is_err(), "an open connection is cut");

    let refused = call(&client, &charges, "k", &charge("o", "ann"))
        .await
        .unwrap_err();
    assert!(refused.is_connect(), "{refused:?}");
    let answer = loop {
        match call(&client, &charges, "k", &charge("o", "ann")).await {
            Ok(answer) => break answer,
            Err(error) => assert!(
                error.is_connect() && begun.elapsed() < Duration::from_secs(60),
                "{error:?}"
            ),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(
        answer,
        (StatusCode::OK, json!({"authorization_id": "auth-0"}))
    );
    assert!(
        begun.elapsed() >= refuses,
        "it refused for less than it was told to"
    );
}

#[tokio::test]
async fn faults_that_make_no_sense_are_refused_and_change_nothing() {
    let faults = Faults {
        latency_ms: 1,
        seed: Some(3),
        ..Faults::default()
    };
    let (_gateway, url) = start(faults);
    let client = Client::new();
    for (body, wanted) in [
        (r#"{"error_rate": 2}"#, "error_rate is 2"),
        (r#"{"eror_rate": 1}"#, "eror_rate"),
        ("", "EOF"),
    ] {
        let answer = client
            .put(format!("{url}/faults"))
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        let text = answer.text().await.unwrap();
        assert!(text.contains(wanted), "{text}");
    }
    let kept: Faults = client
        .get(format!("{url}/faults"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(kept, faults);
}
