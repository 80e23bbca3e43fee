//! `POST /orders/{id}/cancel`: the order decides, and its decision is told.

use crate::support::{Order, broker, cups};

#[tokio::test(flavor = "multi_thread")]
async fn one_that_has_not_ended_is_cancelled() {
    let broker = broker().await;
    let order = Order::start(&broker).await;
    let id = order.place("key", &cups()).await.order_id().to_owned();
    let over = order.cancel(&id, "?wait=30s").await;
    assert_eq!((over.status, over.is()), (200, "cancelled"));
    assert_eq!(over.body["reason"], "cancelled by the customer");
    // Again, it is what it was; and a payment that comes too late changes nothing.
    order.pay(&id);
    assert_eq!(
        order.cancel(&id, "").await.body["decided_at"],
        over.body["decided_at"]
    );
    assert_eq!(order.count("orders", "CancelRequested"), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_confirmed_stays_so_and_that_is_said() {
    let broker = broker().await;
    let order = Order::start(&broker).await;
    let id = order.place("key", &cups()).await.order_id().to_owned();
    order.pay(&id);
    order.until(&id, |known| known.is() == "confirmed").await;
    let late = order.cancel(&id, "?wait=1s").await;
    assert_eq!((late.status, late.is()), (200, "confirmed"));
    assert_eq!(
        order.count("orders", "CancelRequested"),
        (0, 0),
        "there was nothing to ask for"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_waiting_nothing_is_claimed_and_one_that_is_not_there_yet_is_cancelled_too() {
    let broker = broker().await;
    let order = Order::start(&broker).await;
    let id = "0b6f1f5a-9f0e-4f5e-8f0c-0d8f6f0f2a11";
    let accepted = order.cancel(id, "").await;
    assert!(matches!(
        (accepted.status, accepted.is()),
        (202, "pending") | (200, "cancelled")
    ));
    let over = order
        .until(id, |known| known.status == 200 && known.is() == "cancelled")
        .await;
    assert!(over.body.get("opened_at").is_none(), "it was never opened");
}
