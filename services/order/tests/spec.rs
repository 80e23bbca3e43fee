//! The specification of an order, reaction by reaction.

use std::time::Duration;

use kolo_testing::spec::{Given, Spec};
use kolo_testing::{due, event, given};
use shop_schemas::TimestampMillis;
use shop_schemas::inventory::InventoryRejected;
use shop_schemas::order::{
    CancelRequested, CustomerId, OrderCancelled, OrderConfirmed, OrderCreated, OrderEvent, OrderId,
    OrderLine, OrderOpened, Sku,
};
use shop_schemas::payment::{AuthorizationId, PaymentAuthorized, PaymentFailed};
use uuid::Uuid;

const ORDER: OrderId = OrderId(Uuid::from_u128(1));

fn created() -> OrderCreated {
    OrderCreated {
        order_id: ORDER,
        customer_id: CustomerId("c-1".into()),
        lines: vec![OrderLine {
            sku: Sku("cup".into()),
            quantity: 2,
            unit_price_cents: 450,
        }],
        currency: "EUR".into(),
        total_cents: 900,
        answer_within_seconds: None,
    }
}

fn opened(answer_by_millis: i64) -> OrderOpened {
    OrderOpened {
        order_id: ORDER,
        customer_id: CustomerId("c-1".into()),
        total_cents: 900,
        currency: "EUR".into(),
        answer_by: Some(TimestampMillis(answer_by_millis)),
    }
}

fn paid() -> PaymentAuthorized {
    PaymentAuthorized {
        order_id: ORDER,
        amount_cents: 900,
        currency: "EUR".into(),
        authorization_id: AuthorizationId("a-1".into()),
    }
}

fn unpaid() -> PaymentFailed {
    PaymentFailed {
        order_id: ORDER,
        reason: "no funds".into(),
    }
}

fn rejected() -> InventoryRejected {
    InventoryRejected {
        order_id: ORDER,
        reason: "cup is short".into(),
        missing: vec![],
    }
}

fn withdrawn() -> CancelRequested {
    CancelRequested { order_id: ORDER }
}

fn confirmed() -> OrderConfirmed {
    OrderConfirmed { order_id: ORDER }
}

fn cancelled(reason: &str) -> OrderCancelled {
    OrderCancelled {
        order_id: ORDER,
        reason: reason.into(),
    }
}

#[test]
fn a_created_order_is_opened_and_waits_a_quarter_of_an_hour() {
    given::<OrderEvent>(&order::service())
        .when(created())
        .then(opened(15 * 60 * 1000));
}

#[test]
fn an_order_may_say_how_long_it_waits() {
    let hasty = OrderCreated {
        answer_within_seconds: Some(7),
        ..created()
    };
    given::<OrderEvent>(&order::service())
        .when(hasty)
        .then(opened(7_000));
}

#[test]
fn an_order_that_says_to_wait_less_than_no_time_is_due_at_once() {
    let hasty = OrderCreated {
        answer_within_seconds: Some(-7),
        ..created()
    };
    given::<OrderEvent>(&order::service())
        .when(hasty)
        .then(opened(0))
        .when_due()
        .then(cancelled("not answered in time"));
}

#[test]
fn an_order_is_opened_once_however_often_it_is_created() {
    given::<OrderEvent>(&order::service())
        .when_redelivered(created(), 3)
        .then(opened(15 * 60 * 1000))
        .when(created())
        .then_nothing();
    given::<OrderEvent>(&order::service())
        .when_published_again(created())
        .then(opened(15 * 60 * 1000));
}

#[test]
fn a_paid_order_is_confirmed() {
    given::<OrderEvent>(&order::service())
        .events([opened(900_000)])
        .when(paid())
        .then(confirmed());
}

#[test]
fn a_payment_that_overtakes_its_order_confirms_it_and_opens_nothing() {
    given::<OrderEvent>(&order::service())
        .when(paid())
        .then(confirmed())
        .when(created())
        .then_nothing();
}

#[test]
fn an_order_is_cancelled_for_the_reason_that_it_is_refused_for() {
    let open = || given::<OrderEvent>(&order::service()).events([opened(900_000)]);
    open().when(rejected()).then(cancelled("cup is short"));
    open().when(unpaid()).then(cancelled("no funds"));
    open()
        .when(withdrawn())
        .then(cancelled("cancelled by the customer"));
}

#[test]
fn an_order_that_is_cancelled_before_it_is_known_opens_nothing() {
    given::<OrderEvent>(&order::service())
        .when(withdrawn())
        .then(cancelled("cancelled by the customer"))
        .when(created())
        .then_nothing();
}

#[test]
fn an_order_that_is_not_answered_in_time_is_cancelled() {
    given::<OrderEvent>(&order::service())
        .events([opened(900_000)])
        .when_time_passes(Duration::from_millis(899_999))
        .then_nothing()
        .when_time_passes(Duration::from_millis(1))
        .then(cancelled("not answered in time"))
        .when_time_passes(Duration::from_secs(86_400))
        .then_nothing()
        .when(paid())
        .then_nothing();
}

#[test]
fn an_order_that_was_answered_waits_for_nothing() {
    given::<OrderEvent>(&order::service())
        .events((opened(900_000), confirmed()))
        .when_time_passes(Duration::from_secs(86_400))
        .then_nothing();
}

#[test]
fn what_has_ended_stays_as_it_ended() {
    let ends: [fn() -> Spec<OrderEvent, Given>; 2] = [
        || given(&order::service()).events((opened(900_000), confirmed())),
        || given(&order::service()).events((opened(900_000), cancelled("no funds"))),
    ];
    for ended in ends {
        ended().when(created()).then_nothing();
        ended().when(paid()).then_nothing();
        ended().when(rejected()).then_nothing();
        ended().when(unpaid()).then_nothing();
        ended().when(withdrawn()).then_nothing();
    }
}

#[test]
fn in_every_order_of_arrival_the_first_end_stands() {
    let orders = given::<OrderEvent>(&order::service())
        .in_any_order([
            event(created()),
            event(paid()),
            event(rejected()),
            event(withdrawn()),
            due(),
        ])
        .then(|run| {
            let end = match run.order().find(|arrived| *arrived != "OrderCreated") {
                Some("PaymentAuthorized") => confirmed().into(),
                Some("InventoryRejected") => cancelled("cup is short").into(),
                Some("CancelRequested") => cancelled("cancelled by the customer").into(),
                _ => cancelled("not answered in time").into(),
            };
            assert_eq!(run.events().last(), Some(&end), "the first end stands");
            let is_known_first = run.order().next() == Some("OrderCreated");
            assert_eq!(run.all::<OrderOpened>().len(), usize::from(is_known_first));
            assert_eq!(run.events().len(), 1 + usize::from(is_known_first));
        });
    assert!(orders > 24, "only {orders} orders");
}
