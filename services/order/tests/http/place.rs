//! `POST /orders`: the same key is the same order, whatever happens in between.

use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Order, broker, cups};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_is_the_same_order_at_once_and_after_a_crash_and_at_another_instance() {
    let broker = broker().await;
    let order = Order::start(&broker).await;
    let first = order.place("key-1", &cups()).await;
    let id = first.order_id().to_owned();
    assert_eq!((first.status, first.is()), (202, "pending"));
    assert_eq!(first.location, Some(format!("/orders/{id}")));
    // Right after it was accepted nothing may be decided: it is pending, and not unknown.
    let look = order.get(&format!("/orders/{id}")).await;
    assert_eq!((look.status, look.is()), (200, "pending"));

    let (again, other) = (
        order.place("key-1", &cups()).await,
        order.place("key-2", &cups()).await,
    );
    assert_eq!((again.status, again.order_id()), (202, id.as_str()));
    assert_ne!(other.order_id(), id);
    let opened = order
        .until(&id, |known| known.body["opened_at"].is_string())
        .await;
    order
        .until(other.order_id(), |known| {
            known.body["opened_at"].is_string()
        })
        .await;

    order.kill();
    let order = Order::start(&broker).await;
    let again = order.place("key-1", &cups()).await;
    assert_eq!((again.status, again.order_id()), (202, id.as_str()));
    let known = order
        .until(&id, |known| known.body["opened_at"].is_string())
        .await;
    let facts = |answer: &Answer| {
        [
            "customer_id",
            "total_cents",
            "currency",
            "opened_at",
            "answer_by",
        ]
        .map(|name| answer.body[name].clone())
    };
    assert_eq!(
        facts(&known),
        facts(&opened),
        "the view was built anew from the stream"
    );

    let instance = Order::start(&broker).await;
    let again = instance.place("key-1", &cups()).await;
    assert_eq!(again.order_id(), id);
    instance
        .until(&id, |known| known.body["opened_at"].is_string())
        .await;
    assert_eq!(order.count("orders.outcome", "OrderOpened"), (2, 2));
    let (_, ids) = order.count("orders", "OrderCreated");
    assert_eq!(
        ids, 2,
        "however often it was sent, it is one event for each order"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_stands_for_another_order_is_refused_as_far_as_it_is_known() {
    let broker = broker().await;
    let order = Order::start(&broker).await;
    let id = order.place("key", &cups()).await.order_id().to_owned();
    let mut other_lines = cups();
    other_lines["lines"] = json!([{"sku": "pot", "quantity": 1, "unit_price_cents": 900}]);
    let mut dearer = cups();
    dearer["lines"][0]["unit_price_cents"] = 451.into();
    let reused = |answer: &Answer| {
        assert_eq!(
            (answer.status, answer.problem()),
            (422, "idempotency-key-reused")
        );
        assert_eq!(answer.order_id(), id);
    };
    reused(&order.place("key", &other_lines).await);
    reused(&order.place("key", &dearer).await);
    order
        .until(&id, |known| known.body["opened_at"].is_string())
        .await;
    order.kill();

    // Another process knows what the order was opened with, and its lines are not part of that.
    let order = Order::start(&broker).await;
    order
        .until(&id, |known| known.body["opened_at"].is_string())
        .await;
    reused(&order.place("key", &dearer).await);
    let unnoticed = order.place("key", &other_lines).await;
    assert_eq!((unnoticed.status, unnoticed.order_id()), (202, id.as_str()));
    assert_eq!(
        order.count("orders", "OrderCreated"),
        (1, 1),
        "and it changes nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_each_request_is_an_order() {
    let broker = broker().await;
    let order = Order::start(&broker).await;
    let place = || Answer::to(order.request(Method::POST, "/orders").json(&cups()));
    let (first, second) = (place().await, place().await);
    assert_eq!((first.status, second.status), (202, 202));
    assert_ne!(first.order_id(), second.order_id());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_may_wait_for_the_outcome() {
    let broker = broker().await;
    let order = Order::start(&broker).await;
    // Nobody answers, so it is cancelled when its time is over.
    let mut hurried = cups();
    hurried["answer_within_seconds"] = 1.into();
    let over = order.place_at("/orders?wait=30s", "key", &hurried).await;
    assert_eq!((over.status, over.is()), (200, "cancelled"));
    assert_eq!(over.body["reason"], "not answered in time");
    let again = order.place("key", &hurried).await;
    assert_eq!(
        (again.status, again.is()),
        (200, "cancelled"),
        "the same request has the same answer"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_request_is_a_problem_that_says_it() {
    let broker = broker().await;
    let order = Order::start(&broker).await;
    let post = || order.request(Method::POST, "/orders");
    let json = |body: &str| {
        post()
            .header("content-type", "application/json")
            .body(body.to_owned())
    };
    let large = format!("{:?}", "x".repeat(70_000));
    let wrong = [
        (json("{"), 400, "invalid-json"),
        (json(""), 400, "invalid-json"),
        (json("[]"), 422, "invalid-order"),
        (json(&large), 413, "about:blank"),
        (post().body("{}"), 415, "about:blank"),
        (
            post().header("content-type", "text/plain").body("{}"),
            415,
            "about:blank",
        ),
        (
            post().header("Idempotency-Key", "a b").json(&cups()),
            400,
            "invalid-idempotency-key",
        ),
        (
            order
                .request(Method::POST, "/orders?wait=soon")
                .json(&cups()),
            400,
            "invalid-query",
        ),
        (
            order.request(Method::POST, "/orders/4711/cancel"),
            400,
            "invalid-order-id",
        ),
        (
            order.request(Method::GET, "/orders/4711"),
            400,
            "invalid-order-id",
        ),
        (
            order.request(Method::GET, "/orders/%ff"),
            400,
            "about:blank",
        ),
        (order.request(Method::DELETE, "/orders"), 405, "about:blank"),
    ];
    for (request, status, problem) in wrong {
        let answer = Answer::to(request).await;
        assert_eq!(
            (answer.status, answer.problem()),
            (status, problem),
            "{answer:?}"
        );
        assert_eq!(answer.body["status"], status);
    }
    let answer = Answer::to(json(r#"{"lines": [{"quantity": 0}], "order_id": "mine"}"#)).await;
    let errors = answer.body["errors"].as_array().unwrap().iter();
    let mut pointers: Vec<&str> = errors
        .map(|error| error["pointer"].as_str().unwrap())
        .collect();
    pointers.sort_unstable();
    assert_eq!(
        pointers,
        [
            "/currency",
            "/customer_id",
            "/lines/0/quantity",
            "/lines/0/sku",
            "/lines/0/unit_price_cents",
            "/order_id",
        ]
    );
    assert_eq!(order.count("orders", "OrderCreated"), (0, 0));
}
