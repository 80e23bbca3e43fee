//! One payment's inputs in every order of arrival: no money stays taken for a cancelled order.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::any::TypeId;

use kolo::{EffectCall, Event, Reply};
use payment::{Charge, Charged, Refund, Refunded};
use shop_schemas::inventory::InventoryReserved;
use shop_schemas::order::{CustomerId, OrderCancelled, OrderId};
use shop_schemas::payment::{
    AuthorizationId, PaymentAuthorized, PaymentFailed, PaymentRefunded, PaymentRequested,
    RefundRequested,
};
use shop_testing::{World, explore, walk};
use uuid::Uuid;

const ORDER: OrderId = OrderId(Uuid::from_u128(1));
/// The gateway declines what costs more.
const LIMIT_CENTS: i64 = 10_000;

fn gateway(port: TypeId, call: &EffectCall) -> Reply {
    if port == TypeId::of::<Refund>() {
        return Box::new(Refunded);
    }
    assert_eq!(port, TypeId::of::<Charge>());
    let asked = PaymentRequested::decode(&call.value).expect("the request as it was recorded");
    Box::new(if asked.amount_cents <= LIMIT_CENTS {
        Charged::Authorized(AuthorizationId(format!("charge {}", call.request)))
    } else {
        Charged::Declined("over the limit".into())
    })
}

fn world() -> World {
    World::only(&payment::service(), "payment", gateway)
}

fn reserved(total_cents: i64) -> InventoryReserved {
    InventoryReserved {
        order_id: ORDER,
        customer_id: CustomerId("c-1".into()),
        lines: vec![],
        currency: "EUR".into(),
        total_cents,
    }
}

fn cancelled() -> OrderCancelled {
    OrderCancelled {
        order_id: ORDER,
        reason: "cancelled by the customer".into(),
    }
}

/// What the gateway has taken and not given back, by its own books.
fn kept_cents(world: &World) -> i64 {
    let charges = world.calls::<PaymentRequested>(TypeId::of::<Charge>());
    let refunds = world.calls::<RefundRequested>(TypeId::of::<Refund>());
    let taken = charges.iter().map(|charge| charge.amount_cents);
    let taken: i64 = taken.filter(|&amount| amount <= LIMIT_CENTS).sum();
    taken
        - refunds
            .iter()
            .map(|refund| refund.amount_cents)
            .sum::<i64>()
}

#[test]
fn a_reserved_order_is_charged_and_a_cancelled_one_gets_its_money_back() {
    let mut world = world();
    world.arrive(&reserved(900), "reserved");
    let requested = PaymentRequested {
        order_id: ORDER,
        customer_id: CustomerId("c-1".into()),
        amount_cents: 900,
        currency: "EUR".into(),
    };
    assert_eq!(world.events::<PaymentRequested>(), [requested]);
    let [authorized] = &world.events::<PaymentAuthorized>()[..] else {
        panic!("one charge")
    };
    assert_eq!((authorized.order_id, authorized.amount_cents), (ORDER, 900));
    assert_eq!(authorized.currency, "EUR");

    world.arrive(&cancelled(), "cancelled");
    let refund = RefundRequested {
        order_id: ORDER,
        amount_cents: 900,
        currency: "EUR".into(),
        authorization_id: authorized.authorization_id.clone(),
    };
    assert_eq!(world.events::<RefundRequested>(), [refund]);
    let refunded = PaymentRefunded {
        order_id: ORDER,
        amount_cents: 900,
        currency: "EUR".into(),
    };
    assert_eq!(world.events::<PaymentRefunded>(), [refunded]);
}

#[test]
fn a_refused_charge_has_nothing_to_give_back() {
    let mut world = world();
    world.arrive(&reserved(LIMIT_CENTS + 1), "reserved");
    let failed = PaymentFailed {
        order_id: ORDER,
        reason: "over the limit".into(),
    };
    assert_eq!(world.events::<PaymentFailed>(), [failed]);
    world.arrive(&cancelled(), "cancelled");
    assert_eq!(world.events::<RefundRequested>(), []);
}

#[test]
fn an_order_that_was_cancelled_first_is_never_charged() {
    let mut world = world();
    world.arrive(&cancelled(), "cancelled");
    world.arrive(&reserved(900), "reserved");
    assert_eq!(world.events::<PaymentRequested>(), []);
    assert_eq!(world.calls::<PaymentRequested>(TypeId::of::<Charge>()), []);
}

#[test]
fn an_order_that_is_not_cancelled_keeps_its_payment_however_often_it_is_reserved() {
    let world = world()
        .with(&reserved(900), "reserved")
        .with(&reserved(900), "reserved again");
    let states = explore(&world, |_| (), |world| assert_eq!(kept_cents(world), 900));
    assert!(states > 10, "{states}");
}

// failure: order | an order is cancelled before, during or after its charge | - | no money stays taken, in every
// order of arrival | nobody
#[test]
fn cancelled_before_during_or_after_the_charge_no_money_stays_taken() {
    for total_cents in [900, LIMIT_CENTS + 1] {
        let all = world()
            .with(&reserved(total_cents), "reserved")
            .with(&cancelled(), "cancelled")
            .with(&cancelled(), "cancelled again");
        let finally = |world: &World| {
            assert_eq!(kept_cents(world), 0, "money stays taken");
            let refunds = world.events::<RefundRequested>().len();
            assert_eq!(refunds, world.events::<PaymentAuthorized>().len());
            assert_eq!(refunds, world.events::<PaymentRefunded>().len());
        };
        let always = |world: &World| assert!(kept_cents(world) >= 0, "more given back than taken");
        let states = explore(&all, always, finally);
        assert!(
            states > 30,
            "only {states} states: not every order was tried"
        );
        for seed in 0..200 {
            walk(all.clone(), seed, 4, always, finally);
        }
    }
}
