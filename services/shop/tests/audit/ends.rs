//! Every order ends confirmed or cancelled, and not both.

use shop_schemas::order::{CancelRequested, OrderCancelled, OrderConfirmed};

use crate::hand::{Shop, created, one, order};

#[test]
fn books_that_balance_are_clean() {
    let mut shop = Shop::open();
    shop.confirmed(1);
    shop.cancelled(2);
    // Repeats on intake topics are legal and change nothing.
    shop.publish(&created(1));
    // A wish to cancel an order that nobody placed may well end it.
    let wish = shop.publish(&CancelRequested { order_id: order(3) });
    shop.emit(
        &OrderCancelled {
            order_id: order(3),
            reason: "cancelled".into(),
        },
        wish,
    );
    let report = shop.report();
    assert_eq!(shop.violations(), []);
    assert!(report.is_clean());
    assert_eq!(
        (
            report.orders,
            report.confirmed,
            report.cancelled,
            report.pending
        ),
        (2, 1, 1, 0)
    );
    assert_eq!(
        report.captured_cents.into_iter().collect::<Vec<_>>(),
        [("EUR".to_owned(), 500)]
    );
    assert_eq!(report.latencies_ms.len(), 2);
}

#[test]
fn an_order_without_an_end_is_pending_and_named() {
    let mut shop = Shop::open();
    shop.publish(&created(1));
    let report = shop.report();
    assert_eq!((report.pending, report.is_clean()), (1, false));
    assert_eq!(
        shop.violations(),
        one("one_end", format!("order {} has not ended", order(1)))
    );
}

#[test]
fn an_order_that_ends_twice_is_named_with_both_places() {
    let mut shop = Shop::open();
    shop.confirmed(1);
    let wish = shop.publish(&CancelRequested { order_id: order(1) });
    shop.emit(
        &OrderCancelled {
            order_id: order(1),
            reason: "late".into(),
        },
        wish,
    );
    let (name, text) = shop.violations().remove(0);
    assert_eq!(name, "one_end");
    assert_eq!(
        text,
        format!(
            "order {} ended more than once: confirmed (orders.outcome partition 0 offset 1), cancelled (orders.outcome partition 0 offset 2)",
            order(1)
        )
    );
}

#[test]
fn an_end_of_an_order_that_nobody_placed_is_a_violation() {
    let mut shop = Shop::open();
    let wish = shop.publish(&CancelRequested { order_id: order(1) });
    shop.emit(&OrderConfirmed { order_id: order(2) }, wish);
    shop.emit(
        &OrderCancelled {
            order_id: order(3),
            reason: "why".into(),
        },
        wish,
    );
    let texts: Vec<_> = shop
        .violations()
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    assert!(
        texts[0].contains("was confirmed") && texts[0].contains("nobody placed it"),
        "{texts:?}"
    );
    assert!(
        texts[1].contains("was cancelled") && texts[1].contains("nobody placed or cancelled it"),
        "{texts:?}"
    );
    assert_eq!(texts.len(), 2);
}
