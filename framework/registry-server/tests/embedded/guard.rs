//! Who is let in, and what goes wrong on request.

use std::time::{Duration, Instant};

use kolo_registry_server::{Fault, Registry};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::client::{get, register, send};

#[tokio::test]
async fn only_who_gives_the_password_or_the_token_is_let_in() {
    let registry = Registry::builder()
        .basic("ada", "pass:word")
        .bearer("t0ken")
        .start()
        .await
        .unwrap();
    let client = Client::new();
    let url = format!("{}/subjects", registry.url());
    let refused = |request: reqwest::RequestBuilder| async move {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401);
        assert!(response.headers().contains_key("www-authenticate"));
        let body: Value = response.json().await.unwrap();
        assert_eq!(body, json!({"error_code": 401, "message": "Unauthorized"}));
    };
    refused(client.get(&url)).await;
    refused(client.get(&url).basic_auth("ada", Some("wrong"))).await;
    refused(client.get(&url).bearer_auth("wrong")).await;
    refused(client.get(&url).header("authorization", "t0ken")).await;
    for request in [
        client.get(&url).basic_auth("ada", Some("pass:word")),
        client.get(&url).bearer_auth("t0ken"),
        client.get(&url).header("authorization", "bearer t0ken"),
    ] {
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn it_fails_delays_and_is_silent_on_request_and_recovers() {
    let registry = Registry::builder().start().await.unwrap();
    let faults = registry.faults();
    faults.set(Fault::Failing);
    let (status, body) = register(&registry, "a", "\"int\"").await;
    assert_eq!((status, &body["error_code"]), (500, &json!(50001)));

    let delay = Duration::from_millis(150);
    faults.set(Fault::Slow(delay));
    let begun = Instant::now();
    assert_eq!(get(&registry, "/subjects").await, (200, json!([])));
    assert!(begun.elapsed() >= delay);

    faults.set(Fault::Silent);
    let patience = Duration::from_millis(200);
    let silent = send(&registry, Method::GET, "/subjects", None);
    assert!(tokio::time::timeout(patience, silent).await.is_err());

    faults.clear();
    assert_eq!(register(&registry, "a", "\"int\"").await.0, 200);
}

#[tokio::test]
async fn what_befalls_one_id_befalls_no_other() {
    let registry = Registry::builder().start().await.unwrap();
    for (subject, schema) in [("a", "\"int\""), ("b", "\"long\"")] {
        assert_eq!(register(&registry, subject, schema).await.0, 200);
    }
    registry.faults().set_for_id(2, Fault::Failing);
    assert_eq!(registry.faults().get(), None);
    for troubled in ["/schemas/ids/2", "/schemas/ids/2/versions"] {
        let (status, body) = get(&registry, troubled).await;
        assert_eq!((status, &body["error_code"]), (500, &json!(50001)));
    }
    for sound in ["/schemas/ids/1", "/subjects", "/subjects/b/versions/1"] {
        assert_eq!(get(&registry, sound).await.0, 200, "{sound}");
    }
    assert_eq!(get(&registry, "/schemas/ids/22").await.0, 404);

    registry.faults().clear();
    assert_eq!(get(&registry, "/schemas/ids/2").await.0, 200);
}

/// A request that is never answered does not keep the registry from ending.
#[tokio::test]
async fn it_ends_beside_a_request_that_is_never_answered() {
    let registry = Registry::builder().start().await.unwrap();
    registry.faults().set(Fault::Silent);
    let url = format!("{}/subjects", registry.url());
    let asking = tokio::spawn(Client::new().get(&url).send());
    registry.shutdown().await;
    assert!(asking.await.unwrap().is_err());
    assert!(Client::new().get(&url).send().await.is_err());
}
