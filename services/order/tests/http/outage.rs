//! What a client is told while the broker is away, and what comes of it.

use std::time::{Duration, Instant};

use kolo_broker::Broker;
use kolo_broker::faults::{Action, Api, Plan};

use crate::support::{Answer, Order, broker, cups, eventually};

// failure: broker | the broker is gone while clients place orders over HTTP | 503 with Retry-After in bounded time; it
// may have been accepted | sent again with the same Idempotency-Key it is the same order | the client
#[tokio::test(flavor = "multi_thread")]
async fn a_post_ends_in_bounded_time_says_what_is_not_known_and_can_be_sent_again() {
    let broker = broker().await;
    let order = Order::start(&broker).await;
    broker.stop().unwrap();
    let begun = Instant::now();
    let answer = order.place_at("/orders", "key", &cups()).await;
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!((answer.status, answer.problem()), (503, "not-acknowledged"));
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(detail.contains("same Idempotency-Key"), "{detail}");
    assert!(answer.retry_after.is_some());
    let id = answer.order_id().to_owned();
    let answer = order.cancel(&id, "").await;
    assert_eq!((answer.status, answer.problem()), (503, "not-acknowledged"));

    broker.start_again().unwrap();
    let again = eventually("it is accepted", async || {
        let answer = order.place_at("/orders", "key", &cups()).await;
        (answer.status == 202).then_some(answer)
    })
    .await;
    assert_eq!(again.order_id(), id);
    order.pay(&id);
    // The cancellation was not acknowledged, and may have arrived: either end is one.
    order
        .until(&id, |known| known.status == 200 && known.is() != "pending")
        .await;
    assert_eq!(order.count("orders", "OrderCreated").1, 1);
    // A cancellation that came first opens nothing.
    let of = |event: &str| order.count("orders.outcome", event).0;
    assert!(of("OrderOpened") <= 1);
    assert_eq!(of("OrderConfirmed") + of("OrderCancelled"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_that_is_lost_is_noticed_by_nobody() {
    let lost = Plan::new().on(Api::Produce).topic("orders").nth(1);
    let builder = Broker::builder().auto_create_topics(false);
    let broker = builder
        .faults(lost.then(Action::DropAfter))
        .start()
        .await
        .unwrap();
    let order = Order::start(&broker).await;
    let answer = order.place_at("/orders", "key", &cups()).await;
    assert_eq!(answer.status, 202);
    assert_eq!(broker.faults().fired().len(), 1);
    assert_eq!(order.count("orders", "OrderCreated"), (1, 1));
}

// failure: process | an instance is told to stop while clients wait for outcomes | they are answered with what is known:
// pending | they ask another instance | nobody
#[tokio::test(flavor = "multi_thread")]
async fn who_waits_when_it_is_to_stop_is_answered() {
    let broker = broker().await;
    let mut order = Order::start(&broker).await;
    let begun = Instant::now();
    let request = order.request(reqwest::Method::POST, "/orders?wait=30s");
    let waiting = tokio::spawn(Answer::to(request.json(&cups())));
    eventually("it has arrived, and its sender waits", async || {
        (order.count("orders.outcome", "OrderOpened").0 == 1).then_some(())
    })
    .await;
    order.terminate();
    let answer = waiting.await.unwrap();
    assert_eq!((answer.status, answer.is()), (202, "pending"));
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert_eq!(order.exit().await.code(), Some(0));
}
