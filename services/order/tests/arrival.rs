//! One order's inputs in every order of arrival: it ends once, by whichever end comes first.

use std::any::TypeId;

use kolo::{EffectCall, Reply};
use shop_schemas::TimestampMillis;
use shop_schemas::inventory::InventoryRejected;
use shop_schemas::order::{
    CancelRequested, CustomerId, OrderCancelled, OrderConfirmed, OrderCreated, OrderId, OrderLine,
    OrderOpened, Sku,
};
use shop_schemas::payment::{AuthorizationId, PaymentAuthorized, PaymentFailed};
use shop_testing::{World, explore};
use uuid::Uuid;

const ORDER: OrderId = OrderId(Uuid::from_u128(1));

fn nobody(_: TypeId, call: &EffectCall) -> Reply {
    panic!("an order calls nobody: {call:?}")
}

fn world() -> World {
    World::only(&order::service(), "lifecycle", nobody)
}

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

fn paid() -> PaymentAuthorized {
    PaymentAuthorized {
        order_id: ORDER,
        amount_cents: 900,
        currency: "EUR".into(),
        authorization_id: AuthorizationId("a-1".into()),
    }
}

fn failed() -> PaymentFailed {
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

fn cancelled(reason: &str) -> OrderCancelled {
    OrderCancelled {
        order_id: ORDER,
        reason: reason.into(),
    }
}

#[test]
fn an_order_is_opened_once_and_confirmed_by_its_payment() {
    let mut world = world();
    world.arrive(&created(), "created");
    world.arrive(&created(), "created again");
    let opened = OrderOpened {
        order_id: ORDER,
        customer_id: CustomerId("c-1".into()),
        total_cents: 900,
        currency: "EUR".into(),
        answer_by: Some(TimestampMillis(15 * 60 * 1000)),
    };
    assert_eq!(world.events::<OrderOpened>(), [opened]);
    assert_eq!(world.events::<OrderConfirmed>(), []);
    world.arrive(&paid(), "paid");
    assert_eq!(
        world.events::<OrderConfirmed>(),
        [OrderConfirmed { order_id: ORDER }]
    );
}

#[test]
fn each_refusal_cancels_for_its_own_reason_and_a_later_payment_confirms_nothing() {
    type Refusal = fn(&mut World);
    let refusals: [(Refusal, &str); 3] = [
        (|world| world.arrive(&rejected(), "end"), "cup is short"),
        (|world| world.arrive(&failed(), "end"), "no funds"),
        (
            |world| world.arrive(&CancelRequested { order_id: ORDER }, "end"),
            "cancelled by the customer",
        ),
    ];
    for (arrives, reason) in refusals {
        let mut world = world();
        world.arrive(&created(), "created");
        arrives(&mut world);
        world.arrive(&paid(), "paid");
        assert_eq!(world.events::<OrderCancelled>(), [cancelled(reason)]);
        assert_eq!(world.events::<OrderConfirmed>(), []);
    }
}

#[test]
fn an_order_that_is_not_answered_in_time_is_cancelled_and_a_later_payment_confirms_nothing() {
    let mut world = world().with_deadlines();
    let order = OrderCreated {
        answer_within_seconds: Some(7),
        ..created()
    };
    world.arrive(&order, "created");
    let opened = world.events::<OrderOpened>().remove(0);
    assert_eq!(opened.answer_by, Some(TimestampMillis(7_000)));
    let [passes] = world.steps()[..] else {
        panic!("it waits: {:?}", world.steps())
    };
    world.take(passes);
    let late = cancelled("not answered in time");
    assert_eq!(world.events::<OrderCancelled>(), [late]);
    assert_eq!(world.steps(), [], "and waits no more");
    world.arrive(&paid(), "paid");
    assert_eq!(world.events::<OrderConfirmed>(), []);
}

#[test]
fn an_order_that_was_answered_has_no_deadline() {
    let mut world = world().with_deadlines();
    world.arrive(&created(), "created");
    world.arrive(&paid(), "paid");
    assert_eq!(world.steps(), []);
}

#[test]
fn a_cancellation_that_overtakes_its_order_leaves_nothing_to_open() {
    let mut world = world();
    world.arrive(&CancelRequested { order_id: ORDER }, "cancel");
    assert_eq!(
        world.events::<OrderCancelled>(),
        [cancelled("cancelled by the customer")]
    );
    world.arrive(&created(), "created");
    assert_eq!(world.events::<OrderOpened>(), []);
}

#[test]
fn a_cancellation_after_the_confirmation_comes_too_late() {
    let mut world = world();
    world.arrive(&paid(), "paid before the order is known");
    world.arrive(&created(), "created");
    world.arrive(&CancelRequested { order_id: ORDER }, "cancel");
    assert_eq!(
        world.events::<OrderConfirmed>(),
        [OrderConfirmed { order_id: ORDER }]
    );
    assert_eq!(world.events::<OrderOpened>(), []);
    assert_eq!(world.events::<OrderCancelled>(), []);
}

#[test]
fn in_every_order_of_arrival_an_order_ends_once() {
    let all = world()
        .with(&created(), "created")
        .with(&created(), "created again")
        .with(&CancelRequested { order_id: ORDER }, "cancel")
        .with(&CancelRequested { order_id: ORDER }, "cancel again")
        .with(&rejected(), "rejected")
        .with(&paid(), "paid")
        .with(&failed(), "failed")
        .with_deadlines();
    let ends = |world: &World| {
        world.events::<OrderConfirmed>().len() + world.events::<OrderCancelled>().len()
    };
    let states = explore(
        &all,
        |world| {
            assert!(
                ends(world) <= 1,
                "confirmed and cancelled, or one of them twice"
            );
            assert!(world.events::<OrderOpened>().len() <= 1, "opened twice");
        },
        |world| assert_eq!(ends(world), 1, "an order that was told its end has ended"),
    );
    assert!(
        states > 1_000,
        "only {states} states: not every order was tried"
    );
}
