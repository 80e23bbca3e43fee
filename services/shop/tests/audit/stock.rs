//! Stock received is in stock or held by confirmed orders, and never negative.

use shop_schemas::inventory::{StockAdded, StockReceived, StockReturned, StockTaken};
use shop_schemas::order::OrderCancelled;

use crate::hand::{Shop, created, one, order, sku};

#[test]
fn what_a_pending_order_holds_is_told() {
    let mut shop = Shop::open();
    shop.reserved(1);
    let text = format!(
        "{}: received 10, but 8 in stock and 0 held by confirmed orders make 8; orders that have not ended hold 2",
        sku()
    );
    assert_eq!(shop.violations()[1], ("stock", text));
}

#[test]
fn stock_that_a_cancelled_order_still_holds_is_missed() {
    let mut shop = Shop::open();
    let taken = shop.reserved(1);
    shop.emit(
        &OrderCancelled {
            order_id: order(1),
            reason: "no".into(),
        },
        taken,
    );
    let held = format!(
        "order {} is cancelled and holds 2 of {} instead of 0",
        order(1),
        sku()
    );
    let received = format!(
        "{}: received 10, but 8 in stock and 0 held by confirmed orders make 8",
        sku()
    );
    assert_eq!(shop.violations(), [("stock", held), ("stock", received)]);
    // Returned in the end, and the books balance.
    shop.returned(1, taken);
    assert_eq!(shop.violations(), []);
}

#[test]
fn stock_taken_or_returned_twice_is_missed() {
    for returns in [false, true] {
        let mut shop = Shop::open();
        shop.confirmed(1);
        let cause = shop.publish(&created(1));
        if returns {
            shop.returned(1, cause);
        } else {
            shop.emit(
                &StockTaken {
                    order_id: order(1),
                    sku: sku(),
                    quantity: 2,
                },
                cause,
            );
        }
        let (held, in_stock) = if returns { (0, 10) } else { (4, 6) };
        let order = format!(
            "order {} is confirmed and holds {held} of {} instead of 2",
            order(1),
            sku()
        );
        let received = format!(
            "{}: received 10, but {in_stock} in stock and 2 held by confirmed orders make {}",
            sku(),
            in_stock + 2
        );
        assert_eq!(shop.violations(), [("stock", order), ("stock", received)]);
    }
}

#[test]
fn stock_below_nothing_is_a_violation_even_if_it_comes_right_later() {
    let mut shop = Shop::open();
    let cause = shop.publish(&created(1));
    shop.emit(
        &StockTaken {
            order_id: order(1),
            sku: sku(),
            quantity: 12,
        },
        cause,
    );
    shop.emit(
        &StockReturned {
            order_id: order(1),
            sku: sku(),
            quantity: 12,
        },
        cause,
    );
    shop.emit(
        &OrderCancelled {
            order_id: order(1),
            reason: "no".into(),
        },
        cause,
    );
    assert_eq!(
        shop.violations(),
        one(
            "stock",
            format!(
                "{}: -2 in stock at inventory.stock partition 0 offset 2",
                sku()
            )
        )
    );
}

#[test]
fn goods_that_arrived_and_are_not_in_stock_are_missed_but_a_repeated_receipt_is_not() {
    let mut shop = Shop::open();
    let more = shop.publish(&StockReceived {
        sku: sku(),
        quantity: 5,
    });
    assert_eq!(
        shop.violations(),
        one(
            "stock",
            format!(
                "{}: received 15, but 10 in stock and 0 held by confirmed orders make 10",
                sku()
            )
        )
    );
    shop.emit(
        &StockAdded {
            sku: sku(),
            quantity: 5,
        },
        more,
    );
    shop.publish_as(
        &StockReceived {
            sku: sku(),
            quantity: 5,
        },
        more,
    );
    assert_eq!(shop.violations(), []);
}
