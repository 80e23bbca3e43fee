//! The whole choreography, step by step and without faults: what a saga is, from its first event to its end.

use std::time::Duration;

use kolo_testing::simulation::Simulation;
use payment::{Charge, Charged, Refund, Refunded};
use shop_schemas::inventory::{InventoryRejected, InventoryReleased, StockReceived, StockReturned};
use shop_schemas::order::{
    CancelRequested, CustomerId, OrderCancelled, OrderConfirmed, OrderCreated, OrderId, OrderLine,
};
use shop_schemas::payment::{AuthorizationId, PaymentRefunded, PaymentRequested};
use uuid::Uuid;

use crate::services;

const ORDER: OrderId = OrderId(Uuid::from_u128(1));

/// The services, and a gateway that declines what costs more than 100 euros.
fn shop() -> Simulation {
    Simulation::of(services())
        .port::<Charge>(|asked| match asked.amount_cents {
            ..=10_000 => Charged::Authorized(AuthorizationId("a-1".into())),
            _ => Charged::Declined("over the limit".into()),
        })
        .port::<Refund>(|_| Refunded)
}

fn cups(quantity: i32) -> StockReceived {
    StockReceived {
        sku: "cup".into(),
        quantity,
    }
}

fn order(quantity: i32, total_cents: i64) -> OrderCreated {
    OrderCreated {
        order_id: ORDER,
        customer_id: CustomerId("c-1".into()),
        lines: vec![OrderLine {
            sku: "cup".into(),
            quantity,
            unit_price_cents: 450,
        }],
        currency: "EUR".into(),
        total_cents,
        answer_within_seconds: Some(60),
    }
}

fn cancelled(reason: &str) -> OrderCancelled {
    OrderCancelled {
        order_id: ORDER,
        reason: reason.into(),
    }
}

#[test]
fn an_order_that_is_in_stock_and_paid_is_confirmed() {
    let shop = shop();
    let mut shop = shop.together();
    shop.publish(cups(5)).publish(order(2, 900)).settle();
    shop.expect([OrderConfirmed { order_id: ORDER }]);
    shop.expect_calls::<Charge>([PaymentRequested {
        order_id: ORDER,
        customer_id: CustomerId("c-1".into()),
        amount_cents: 900,
        currency: "EUR".into(),
    }]);
    // What is late changes nothing.
    shop.publish(CancelRequested { order_id: ORDER });
    shop.pass(Duration::from_secs(120));
    shop.expect_no::<OrderCancelled>()
        .expect_no::<StockReturned>();
}

#[test]
fn an_order_that_the_gateway_declines_gives_its_pieces_back() {
    let shop = shop();
    let mut shop = shop.together();
    shop.publish(cups(5)).publish(order(2, 10_001)).settle();
    shop.expect([cancelled("over the limit")]);
    shop.expect([StockReturned {
        order_id: ORDER,
        sku: "cup".into(),
        quantity: 2,
    }]);
    shop.expect_no::<PaymentRefunded>();
}

#[test]
fn an_order_that_is_short_holds_nothing() {
    let shop = shop();
    let mut shop = shop.together();
    shop.publish(cups(1)).publish(order(2, 900)).settle();
    assert_eq!(shop.seen().events::<InventoryRejected>().len(), 1);
    shop.expect([cancelled("cup is short: 1 in stock, 2 asked for")]);
    shop.expect_no::<PaymentRequested>();
}

#[test]
fn an_order_that_was_cancelled_before_it_came_opens_nothing() {
    let shop = shop();
    let mut shop = shop.together();
    shop.publish(CancelRequested { order_id: ORDER }).settle();
    shop.publish(cups(5)).publish(order(2, 900)).settle();
    shop.expect([cancelled("cancelled by the customer")]);
    shop.expect_no::<InventoryReleased>()
        .expect_no::<PaymentRequested>();
}
