//! The reservation of one order.

use kolo_testing::{event, given, routed};
use shop_schemas::inventory::{
    InventoryRejected, InventoryReleased, InventoryReserved, LineHeld, LineMissing,
    ReservationEvent, StockLine,
};
use shop_schemas::order::{CustomerId, OrderCancelled, OrderCreated, OrderLine};
use shop_schemas::payment::PaymentFailed;

use crate::events::{ORDER, back, created, line, opened, pieces, short, taken};

fn lines() -> [OrderLine; 2] {
    [line("cup", 2), line("pot", 1)]
}

fn held(sku: &str, quantity: i32) -> LineHeld {
    LineHeld {
        order_id: ORDER,
        sku: sku.into(),
        quantity,
    }
}

fn missing(sku: &str, quantity: i32) -> LineMissing {
    LineMissing {
        order_id: ORDER,
        sku: sku.into(),
        quantity,
    }
}

fn reserved(lines: &[OrderLine]) -> InventoryReserved {
    InventoryReserved {
        order_id: ORDER,
        customer_id: CustomerId("c-1".into()),
        lines: lines.to_vec(),
        currency: "EUR".into(),
        total_cents: 300,
    }
}

fn rejected(reason: &str, missing: &[&str]) -> InventoryRejected {
    InventoryRejected {
        order_id: ORDER,
        reason: reason.into(),
        missing: missing.iter().map(|&sku| sku.into()).collect(),
    }
}

fn released(lines: &[StockLine]) -> InventoryReleased {
    InventoryReleased {
        order_id: ORDER,
        lines: lines.to_vec(),
    }
}

fn cancelled() -> OrderCancelled {
    OrderCancelled {
        order_id: ORDER,
        reason: "cancelled by the customer".into(),
    }
}

fn unpaid() -> PaymentFailed {
    PaymentFailed {
        order_id: ORDER,
        reason: "no funds".into(),
    }
}

#[test]
fn an_order_opens_one_reservation_under_whatever_id_it_is_repeated() {
    given::<ReservationEvent>(&inventory::service())
        .when_redelivered(created(&lines()), 2)
        .then(opened(&lines()))
        .when(created(&lines()))
        .then_nothing();
}

#[test]
fn an_order_that_nobody_could_serve_is_rejected_before_any_stock_is_asked() {
    let refuses = |order: OrderCreated, reason: &str| {
        given::<ReservationEvent>(&inventory::service())
            .when(order)
            .then(rejected(reason, &[]));
    };
    refuses(created(&[]), "the order has no lines");
    refuses(
        created(&[line("", 1)]),
        "a line of the order names no article",
    );
    refuses(
        created(&[line("cup", 0)]),
        "a line of the order asks for less than one piece",
    );
    refuses(
        created(&[line("cup", i32::MAX), line("pot", 1)]),
        "the order asks for more pieces than can be counted",
    );
    let free = OrderCreated {
        total_cents: 0,
        ..created(&lines())
    };
    refuses(free, "the order's total is less than one cent");
}

#[test]
fn an_order_is_reserved_when_the_last_of_its_articles_is_held() {
    given::<ReservationEvent>(&inventory::service())
        .events([opened(&lines())])
        .when_routed(taken("cup", 2))
        .then(held("cup", 2))
        .when_routed(taken("pot", 1))
        .then((held("pot", 1), reserved(&lines())));
}

#[test]
fn the_first_stock_that_is_short_closes_the_reservation_and_sends_back_what_is_held() {
    let reason = "pot is short: 0 in stock, 1 asked for";
    given::<ReservationEvent>(&inventory::service())
        .events((opened(&lines()), held("cup", 2)))
        .when_routed(short("pot", 1, 0))
        .then((
            missing("pot", 1),
            rejected(reason, &["pot"]),
            back(&[pieces("cup", 2)]),
        ));
    given::<ReservationEvent>(&inventory::service())
        .events([opened(&lines())])
        .when_routed(short("pot", 1, 0))
        .then((missing("pot", 1), rejected(reason, &["pot"])))
        .when_routed(short("cup", 2, 0))
        .then_nothing();
}

#[test]
fn pieces_for_which_a_reservation_has_no_use_go_back() {
    let never_asked = given::<ReservationEvent>(&inventory::service());
    never_asked
        .when_routed(taken("cup", 2))
        .then(back(&[pieces("cup", 2)]));
    let has_them = given::<ReservationEvent>(&inventory::service());
    has_them
        .events((opened(&lines()), held("cup", 2)))
        .when_routed(taken("cup", 2))
        .then(back(&[pieces("cup", 2)]));
    let closed = given::<ReservationEvent>(&inventory::service());
    closed
        .events((
            opened(&lines()),
            missing("pot", 1),
            rejected("pot is short", &["pot"]),
        ))
        .when_routed(taken("cup", 2))
        .then(back(&[pieces("cup", 2)]));
}

#[test]
fn a_reservation_that_is_not_paid_releases_what_it_holds() {
    given::<ReservationEvent>(&inventory::service())
        .events((
            opened(&lines()),
            held("cup", 2),
            held("pot", 1),
            reserved(&lines()),
        ))
        .when(unpaid())
        .then((
            released(&[pieces("cup", 2), pieces("pot", 1)]),
            back(&[pieces("cup", 2), pieces("pot", 1)]),
        ))
        .when(cancelled())
        .then_nothing();
}

#[test]
fn a_reservation_that_is_cancelled_while_it_gathers_releases_what_it_holds_and_the_rest_as_it_comes()
 {
    given::<ReservationEvent>(&inventory::service())
        .events((opened(&lines()), held("cup", 2)))
        .when(cancelled())
        .then((released(&[pieces("cup", 2)]), back(&[pieces("cup", 2)])))
        .when_routed(taken("pot", 1))
        .then(back(&[pieces("pot", 1)]));
}

#[test]
fn what_a_rejection_has_sent_back_is_not_sent_back_again() {
    given::<ReservationEvent>(&inventory::service())
        .events((
            opened(&lines()),
            held("cup", 2),
            missing("pot", 1),
            rejected("pot is short", &["pot"]),
            back(&[pieces("cup", 2)]),
        ))
        .when(cancelled())
        .then_nothing();
}

#[test]
fn an_order_that_is_cancelled_before_it_is_known_is_never_reserved() {
    for trigger in [|| event(cancelled()), || event(unpaid())] {
        given::<ReservationEvent>(&inventory::service())
            .in_any_order([trigger(), event(created(&lines()))])
            .then(|run| match run.order().next() {
                Some("OrderCreated") => {
                    let whole: [ReservationEvent; 2] =
                        [opened(&lines()).into(), released(&[]).into()];
                    assert_eq!(run.events(), whole);
                }
                _ => assert_eq!(run.events(), []),
            });
    }
}

#[test]
fn cancelled_in_any_order_all_that_stocks_gave_goes_back() {
    let orders = given::<ReservationEvent>(&inventory::service())
        .in_any_order([
            event(created(&lines())),
            routed(taken("cup", 2)),
            routed(taken("pot", 1)),
            event(cancelled()),
            event(unpaid()),
        ])
        .then(|run| {
            let returns = run.events().iter().filter_map(|event| match event {
                ReservationEvent::ReturnRequested(request) => Some(&request.lines),
                _ => None,
            });
            let mut pieces_back: Vec<_> = returns.flatten().cloned().collect();
            pieces_back.sort_by(|one, other| one.sku.cmp(&other.sku));
            assert_eq!(pieces_back, [pieces("cup", 2), pieces("pot", 1)]);
        });
    assert_eq!(orders, 120);
}
