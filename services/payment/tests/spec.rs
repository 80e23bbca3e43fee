//! The specification of a payment, reaction by reaction.

use kolo_testing::{FailureClass, event, given, reply};
use payment::{Charge, Charged, Refund, Refunded};
use shop_schemas::inventory::InventoryReserved;
use shop_schemas::order::{CustomerId, OrderCancelled, OrderId};
use shop_schemas::payment::{
    AuthorizationId, PaymentAuthorized, PaymentEvent, PaymentFailed, PaymentRefunded,
    PaymentRequested, RefundRequested,
};
use uuid::Uuid;

const ORDER: OrderId = OrderId(Uuid::from_u128(1));

fn reserved() -> InventoryReserved {
    InventoryReserved {
        order_id: ORDER,
        customer_id: CustomerId("c-1".into()),
        lines: vec![],
        currency: "EUR".into(),
        total_cents: 900,
    }
}

fn cancelled() -> OrderCancelled {
    OrderCancelled {
        order_id: ORDER,
        reason: "cancelled by the customer".into(),
    }
}

fn asked() -> PaymentRequested {
    PaymentRequested {
        order_id: ORDER,
        customer_id: CustomerId("c-1".into()),
        amount_cents: 900,
        currency: "EUR".into(),
    }
}

fn authorization() -> AuthorizationId {
    AuthorizationId("a-1".into())
}

fn taken() -> PaymentAuthorized {
    PaymentAuthorized {
        order_id: ORDER,
        amount_cents: 900,
        currency: "EUR".into(),
        authorization_id: authorization(),
    }
}

fn declined() -> PaymentFailed {
    PaymentFailed {
        order_id: ORDER,
        reason: "no funds".into(),
    }
}

fn asked_back() -> RefundRequested {
    RefundRequested {
        order_id: ORDER,
        amount_cents: 900,
        currency: "EUR".into(),
        authorization_id: authorization(),
    }
}

fn given_back() -> PaymentRefunded {
    PaymentRefunded {
        order_id: ORDER,
        amount_cents: 900,
        currency: "EUR".into(),
    }
}

#[test]
fn a_reserved_order_is_charged_with_its_total() {
    given::<PaymentEvent>(&payment::service())
        .when(reserved())
        .then(asked())
        .when_answered::<Charge>(Charged::Authorized(authorization()))
        .then(taken());
}

#[test]
fn a_charge_that_is_declined_fails_the_payment_for_the_gateways_reason() {
    given::<PaymentEvent>(&payment::service())
        .events([asked()])
        .when_answered::<Charge>(Charged::Declined("no funds".into()))
        .then(declined());
}

#[test]
fn a_charge_without_a_definitive_word_is_not_taken_for_a_refusal() {
    given::<PaymentEvent>(&payment::service())
        .events([asked()])
        .when_given_up::<Charge>()
        .then_parked(FailureClass::Effect);
}

#[test]
fn a_refund_without_a_definitive_word_is_not_dropped() {
    given::<PaymentEvent>(&payment::service())
        .events((asked(), taken()))
        .when(cancelled())
        .then(asked_back())
        .when_given_up::<Refund>()
        .then_parked(FailureClass::Effect);
}

#[test]
fn an_order_is_charged_once_however_often_it_is_reserved() {
    given::<PaymentEvent>(&payment::service())
        .when_redelivered(reserved(), 3)
        .then(asked())
        .when(reserved())
        .then_nothing();
    let twice = given::<PaymentEvent>(&payment::service())
        .when_published_again(reserved())
        .then(asked());
    assert_eq!(twice.pending::<Charge>().len(), 1);
}

#[test]
fn whoever_asks_for_a_charge_asks_under_the_same_idempotency_key() {
    let one = given::<PaymentEvent>(&payment::service());
    let one = one.when(reserved()).then(asked()).pending::<Charge>();
    let other = given::<PaymentEvent>(&payment::service());
    let other = other.when(reserved()).then(asked()).pending::<Charge>();
    assert_eq!(one, other);
    assert_eq!(one[0].request, asked());
}

#[test]
fn a_cancelled_order_gets_its_money_back_once() {
    let back = given::<PaymentEvent>(&payment::service())
        .events((asked(), taken()))
        .when(cancelled())
        .then(asked_back())
        .when(cancelled())
        .then_nothing()
        .when_answered::<Refund>(Refunded)
        .then(given_back());
    assert_eq!(back.pending::<Refund>(), []);
}

#[test]
fn an_order_that_is_cancelled_before_it_is_reserved_is_never_charged() {
    let barred = given::<PaymentEvent>(&payment::service())
        .when(cancelled())
        .then_nothing()
        .when(reserved())
        .then_nothing();
    assert_eq!(barred.pending::<Charge>(), []);
}

#[test]
fn while_the_gateway_has_not_answered_the_refund_waits_for_the_answer() {
    given::<PaymentEvent>(&payment::service())
        .events([asked()])
        .when(cancelled())
        .then_nothing()
        .when_answered::<Charge>(Charged::Authorized(authorization()))
        .then((taken(), asked_back()));
    given::<PaymentEvent>(&payment::service())
        .events([asked()])
        .when(cancelled())
        .then_nothing()
        .when_answered::<Charge>(Charged::Declined("no funds".into()))
        .then(declined());
}

#[test]
fn a_refused_charge_has_nothing_to_give_back() {
    given::<PaymentEvent>(&payment::service())
        .events((asked(), declined()))
        .when(cancelled())
        .then_nothing();
}

#[test]
fn cancelled_before_during_or_after_its_charge_no_money_stays_taken() {
    let orders = given::<PaymentEvent>(&payment::service())
        .in_any_order([
            event(reserved()),
            event(cancelled()),
            event(cancelled()),
            reply::<Charge>(Charged::Authorized(authorization())),
            reply::<Refund>(Refunded),
        ])
        .then(|run| {
            let expected: Vec<PaymentEvent> = match run.order().next() {
                Some("OrderCancelled") => vec![],
                _ => vec![
                    asked().into(),
                    taken().into(),
                    asked_back().into(),
                    given_back().into(),
                ],
            };
            assert_eq!(run.events(), expected);
        });
    assert!(orders > 10, "only {orders} orders");
}

#[test]
fn cancelled_before_during_or_after_a_refused_charge_nothing_is_given_back() {
    given::<PaymentEvent>(&payment::service())
        .in_any_order([
            event(reserved()),
            event(cancelled()),
            reply::<Charge>(Charged::Declined("no funds".into())),
            reply::<Refund>(Refunded),
        ])
        .then(|run| {
            let expected: Vec<PaymentEvent> = match run.order().next() {
                Some("OrderCancelled") => vec![],
                _ => vec![asked().into(), declined().into()],
            };
            assert_eq!(run.events(), expected);
        });
}
