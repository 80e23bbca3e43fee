//! In any order means in every order that is possible, and a failure tells in which.

use std::cell::RefCell;

use kolo_testing::{due, event, given, given_up, reply, routed};
use shop_schemas::inventory::{StockAdded, StockEvent, StockTaken};
use shop_schemas::payment::PaymentEvent;

use crate::domain::*;
use crate::told::{assert_tells, message};

#[test]
fn every_possible_order_is_run_once() {
    let seen = RefCell::new(Vec::new());
    let orders = given::<PaymentEvent>(&service())
        .in_any_order([
            event(reserved(900)),
            event(cancelled()),
            reply::<Charge>(Ok("a-1".into())),
        ])
        .then(|run| {
            let order: Vec<&str> = run.order().collect();
            seen.borrow_mut().push(order.join(", "));
        });
    let expected = [
        "InventoryReserved, OrderCancelled, Charge replies",
        "InventoryReserved, Charge replies, OrderCancelled",
        "OrderCancelled, InventoryReserved", // barred: the port is never called
    ];
    assert_eq!(*seen.borrow(), expected);
    assert_eq!(orders, 3);
}

#[test]
fn the_history_comes_before_every_order_and_is_not_among_what_was_recorded() {
    let orders = given::<PaymentEvent>(&service())
        .events([asked(900)])
        .in_any_order([given_up::<Charge>(), due(), event(cancelled())])
        .then(|run| {
            let first = run.order().find(|arrived| *arrived != "OrderCancelled");
            let reason = match first {
                Some("Charge is given up") => "nobody knows",
                _ => "late",
            };
            assert_eq!(run.events()[0], failed(ORDER, reason).into());
        });
    assert!(orders >= 3, "{orders}");
}

#[test]
fn routed_events_and_direct_ones_meet() {
    let orders = given::<StockEvent>(&service())
        .in_any_order([routed(opened(&["cup", "pot"])), event(goods("cup"))])
        .then(|run| {
            assert_eq!(run.all::<StockTaken>(), [&taken("cup"), &taken("pot")]);
            assert_eq!(run.all::<StockAdded>(), [&added("cup")]);
        });
    assert_eq!(orders, 2);
}

#[test]
fn a_failure_tells_the_order_and_what_was_recorded() {
    let text = message(|| {
        let inputs = [
            event(reserved(900)),
            event(cancelled()),
            reply::<Charge>(Ok("a-1".into())),
        ];
        given::<PaymentEvent>(&service())
            .in_any_order(inputs)
            .then(|run| {
                let refunds = run.events().iter();
                let refunds =
                    refunds.filter(|event| matches!(event, PaymentEvent::RefundRequested(_)));
                assert_eq!(refunds.count(), 0, "no refund");
            });
    });
    let parts = [
        "shop.payment:",
        "no refund",
        "in this order:",
        "1 InventoryReserved",
        "2 OrderCancelled",
        "3 Charge replies",
        "recorded: PaymentRequested, PaymentAuthorized, RefundRequested",
    ];
    assert_tells(&text, &parts);
}

#[test]
fn an_input_that_parks_its_key_fails_the_order() {
    let text = message(|| {
        let inputs = [event(cancelled()), event(reserved(PANICS))];
        given::<PaymentEvent>(&service())
            .in_any_order(inputs)
            .then(|_| ());
    });
    assert_tells(
        &text,
        &[
            "the key was parked (panic)",
            "unlucky",
            "in this order:",
            "InventoryReserved",
        ],
    );
}

#[test]
fn more_inputs_than_can_be_run_in_all_orders_are_refused() {
    let text = message(|| {
        let inputs = (0..8).map(|_| event(reserved(900)));
        drop(given::<PaymentEvent>(&service()).in_any_order(inputs));
    });
    assert_tells(&text, &["8 inputs have too many orders", "7 are the most"]);
}
