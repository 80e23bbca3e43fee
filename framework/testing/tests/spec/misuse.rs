//! A specification that makes no sense says what to write instead.

use kolo_testing::given;
use shop_schemas::inventory::StockEvent;
use shop_schemas::order::OrderEvent;
use shop_schemas::payment::{PaymentEvent, PaymentRequested};

use crate::domain::*;
use crate::told::{assert_tells, message};

#[test]
fn an_aggregate_that_the_service_does_not_have() {
    let text = message(|| drop(given::<OrderEvent>(&service())));
    let parts = [
        "`shop` has no aggregate with the stream `orders.outcome`",
        "`payment` with `payments`, `stock` with `inventory.stock`",
        "given::<…Event>(&service)",
    ];
    assert_tells(&text, &parts);
}

#[test]
fn an_event_that_the_aggregate_does_not_react_to() {
    let text = message(|| drop(given::<PaymentEvent>(&service()).when(goods("cup"))));
    let parts = [
        "shop.payment: it does not react to `StockReceived`, but to `InventoryReserved`, `OrderCancelled`",
        "Declare `.on(…)`",
    ];
    assert_tells(&text, &parts);
    let text = message(|| drop(given::<StockEvent>(&service()).when_routed(cancelled())));
    let parts = ["no route of its brings `OrderCancelled`, but of `ReservationOpened`"];
    assert_tells(&text, &parts);
}

#[test]
fn an_event_that_comes_another_way() {
    let text = message(|| drop(given::<StockEvent>(&service()).when(opened(&["cup"]))));
    assert_tells(
        &text,
        &["`ReservationOpened` reaches it by a route: say `.when_routed(…)`"],
    );
    let text = message(|| drop(given::<StockEvent>(&service()).when_routed(goods("cup"))));
    assert_tells(
        &text,
        &["no route of its brings `StockReceived`", "say `.when(…)`"],
    );
}

#[test]
fn an_event_of_another_key_than_the_history() {
    let other = PaymentRequested {
        order_id: OTHER,
        ..asked(900)
    };
    let text =
        message(|| drop(given::<PaymentEvent>(&service()).events([asked(900), other.clone()])));
    assert_tells(
        &text,
        &[
            "`PaymentRequested` is of the key `",
            "a second `.events(…)`",
        ],
    );
    let text = message(|| {
        drop(
            given::<PaymentEvent>(&service())
                .events([other])
                .when(reserved(900)),
        );
    });
    assert_tells(
        &text,
        &[
            "`InventoryReserved` is for the key `",
            "Use one key in both",
        ],
    );
    let text = message(|| {
        let stock = given::<StockEvent>(&service()).events([added("cup")]);
        drop(stock.when_routed(opened(&["pot", "pan"])));
    });
    assert_tells(
        &text,
        &["for the key `pot`, `pan`, and the history of `cup`"],
    );
    let stock = given::<StockEvent>(&service()).events([added("cup")]);
    stock
        .when_routed(opened(&["pot", "cup"]))
        .then([taken("pot"), taken("cup")]);
}

#[test]
fn a_history_with_what_only_a_compensation_says() {
    let text = message(|| {
        let paid = given::<PaymentEvent>(&service());
        drop(paid.events((asked(900), authorized(900), asked_back(900))));
    });
    let parts = [
        "`RefundRequested` is what the compensation of `PaymentRequested` says",
        "`.when(…)` with `OrderCancelled`",
    ];
    assert_tells(&text, &parts);
}

#[test]
fn a_port_that_was_not_called() {
    let text = message(|| drop(given::<PaymentEvent>(&service()).when_given_up::<Charge>()));
    let parts = ["the port `Charge` was not called: no `PaymentRequested` waits"];
    assert_tells(&text, &parts);
    let text = message(|| drop(given::<PaymentEvent>(&service()).when_answered::<Unbound>(())));
    assert_tells(
        &text,
        &[
            "no effect of the port `Unbound`",
            "`.effect::<Unbound, _>(…)`",
        ],
    );
}

#[test]
fn a_deadline_that_nobody_waits_for() {
    let text = message(|| drop(given::<PaymentEvent>(&service()).when_due()));
    assert_tells(&text, &["it waits for nothing"]);
}
