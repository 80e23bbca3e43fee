//! `GET /orders/{id}`: what is known, how far behind it is, and nothing that is not decided.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{AT_MOST, Answer, Order, broker, cups, eventually};
use reqwest::Method;

const UNKNOWN: &str = "/orders/0b6f1f5a-9f0e-4f5e-8f0c-0d8f6f0f2a11";

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_told_the_outcome_when_it_is_decided() {
    let broker = broker().await;
    let order = Order::start(&broker).await;
    let id = order.place("key", &cups()).await.order_id().to_owned();
    let path = format!("/orders/{id}?wait=30s");
    let begun = Instant::now();
    let waiting = tokio::spawn(Answer::to(order.request(Method::GET, &path)));
    order
        .until(&id, |known| known.body["opened_at"].is_string())
        .await;
    assert!(!waiting.is_finished(), "nothing is decided");
    order.pay(&id);
    let answer = waiting.await.unwrap();
    assert_eq!((answer.status, answer.is()), (200, "confirmed"));
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "not when its time was over"
    );
    assert!(answer.body["decided_at"].is_string());
    // Who comes later does not wait.
    assert_eq!(order.get(&path).await.is(), "confirmed");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_time_is_over_it_is_pending_and_not_failed() {
    let broker = broker().await;
    let order = Order::start(&broker).await;
    let id = order.place("key", &cups()).await.order_id().to_owned();
    let begun = Instant::now();
    let answer = order.get(&format!("/orders/{id}?wait=1s")).await;
    assert_eq!((answer.status, answer.is()), (200, "pending"));
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_not_there_is_unknown_only_if_all_is_known() {
    let broker = broker().await;
    let order = Order::start(&broker).await;
    for path in [UNKNOWN, &format!("{UNKNOWN}?wait=100ms")] {
        eventually("all is known", async || {
            let answer = order.get(path).await;
            let told = (answer.status, answer.problem());
            if told == (503, "behind") {
                return None;
            }
            assert_eq!(told, (404, "unknown-order"));
            Some(())
        })
        .await;
    }

    let id = order.place("key", &cups()).await.order_id().to_owned();
    order
        .until(&id, |known| known.body["opened_at"].is_string())
        .await;
    broker.stop().unwrap();
    let answer = order.get(UNKNOWN).await;
    assert_eq!((answer.status, answer.problem()), (503, "behind"));
    assert!(answer.retry_after.is_some());
    // What is known is told, with how long ago that was all.
    let stale = eventually("it is behind", async || {
        let answer = order.get(&format!("/orders/{id}")).await;
        (answer.body["behind"]["seconds"].as_f64().unwrap() > 2.0).then_some(answer)
    });
    assert_eq!(stale.await.is(), "pending");
    broker.start_again().unwrap();
    eventually("it is known again that there is none", async || {
        (order.get(UNKNOWN).await.status == 404).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_wait_and_the_others_are_told() {
    let broker = broker().await;
    let order = Order::start(&broker).await;
    let id = order.place("key", &cups()).await.order_id().to_owned();
    let path = format!("/orders/{id}?wait=30s");
    let order = Arc::new(order);
    // Who finds no place, since a look below has it, or is told that it is still pending, comes again.
    let waiting = (0..500).map(|_| {
        let (order, path) = (Arc::clone(&order), path.clone());
        tokio::spawn(async move {
            let until = Instant::now() + 2 * AT_MOST;
            loop {
                let answer = Answer::to(order.request(Method::GET, &path)).await;
                if answer.status == 200 && answer.is() == "confirmed" {
                    return;
                }
                assert!(Instant::now() < until, "not confirmed: {answer:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
    });
    let waiting: Vec<_> = waiting.collect();
    let refused = eventually("there is no place left", async || {
        let answer = order.get(&format!("/orders/{id}?wait=1ms")).await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    assert_eq!(
        (refused.status, refused.problem()),
        (503, "too-many-waiting")
    );
    // An order is taken all the same, and not waited for.
    let mut tries = 0;
    eventually("an order is taken and not waited for", async || {
        tries += 1;
        let begun = Instant::now();
        let key = format!("another-{tries}");
        let placed = order.place_at("/orders?wait=30s", &key, &cups()).await;
        if placed.is_unacknowledged() {
            return None;
        }
        assert_eq!((placed.status, placed.is()), (202, "pending"));
        (begun.elapsed() < Duration::from_secs(20)).then_some(())
    })
    .await;
    order.pay(&id);
    for waited in waiting {
        waited.await.unwrap();
    }
    assert_eq!(
        order.get(&path).await.is(),
        "confirmed",
        "the places are free again"
    );
}
