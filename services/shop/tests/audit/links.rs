//! No event id stands twice, and every cause exists.

use shop_schemas::inventory::StockReturned;
use shop_schemas::order::{CancelRequested, OrderCancelled};
use uuid::Uuid;

use crate::hand::{Shop, one, order, sku};

#[test]
fn an_event_id_that_stands_twice_is_found_in_any_topic() {
    let mut shop = Shop::open();
    let id = Uuid::from_u128(7);
    let wish = shop.publish(&CancelRequested { order_id: order(1) });
    shop.emit_as(
        &OrderCancelled {
            order_id: order(1),
            reason: "no".into(),
        },
        id,
        Some(wish),
    );
    let returned = StockReturned {
        order_id: order(1),
        sku: sku(),
        quantity: 0,
    };
    shop.emit_as(&returned, id, Some(wish));
    let places = "stands at orders.outcome partition 0 offset 1 and again at inventory.stock partition 0 offset 2";
    assert_eq!(
        shop.violations(),
        one("unique_ids", format!("event {id} {places}"))
    );
}

#[test]
fn an_own_event_with_the_id_of_a_fact_from_outside_is_found_in_whichever_order_they_are_read() {
    for own_first in [false, true] {
        let mut shop = Shop::open();
        let wish = shop.publish(&CancelRequested { order_id: order(1) });
        let id = Uuid::from_u128(7);
        if !own_first {
            shop.publish_as(&CancelRequested { order_id: order(1) }, id);
        }
        shop.emit_as(
            &OrderCancelled {
                order_id: order(1),
                reason: "no".into(),
            },
            id,
            Some(wish),
        );
        if own_first {
            shop.publish_as(&CancelRequested { order_id: order(1) }, id);
        }
        let text = format!(
            "event {id} at orders.outcome partition 0 offset 1 has the id of a fact from outside"
        );
        assert_eq!(shop.violations(), one("unique_ids", text));
    }
}

#[test]
fn a_cause_that_stands_nowhere_is_found_and_one_that_is_read_later_is_not() {
    let mut shop = Shop::open();
    let wish = Uuid::from_u128(7);
    shop.emit(
        &OrderCancelled {
            order_id: order(1),
            reason: "no".into(),
        },
        wish,
    );
    let text = format!(
        "the event at orders.outcome partition 0 offset 1 names {wish} as its cause, which stands nowhere"
    );
    assert!(shop.violations().contains(&("causes", text)));
    shop.publish_as(&CancelRequested { order_id: order(1) }, wish);
    assert_eq!(shop.violations(), []);

    shop.emit_as(
        &StockReturned {
            order_id: order(1),
            sku: sku(),
            quantity: 0,
        },
        Uuid::from_u128(8),
        None,
    );
    assert_eq!(
        shop.violations(),
        one(
            "causes",
            "the event at inventory.stock partition 0 offset 2 names no cause"
        )
    );
}
