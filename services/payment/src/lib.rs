//! The payment service: charges a reserved order, and gives the money back when the order is cancelled.
//!
//! No money stays taken for a cancelled order. Cancelled before the charge was asked for, it is never asked for; while
//! the gateway has not answered, the refund waits for the answer; after a refused charge there is nothing to give back.

mod gateway;

pub use gateway::{GatewayUrlError, HttpGateway};

use std::time::Duration;

use kolo::{
    Aggregate, Breaker, CallPolicy, Pauses, Port, Received, Retries, Service, State, Timestamp,
};
use serde::{Deserialize, Serialize};
use shop_schemas::inventory::InventoryReserved;
use shop_schemas::order::OrderCancelled;
use shop_schemas::payment::{
    AuthorizationId, PaymentAuthorized, PaymentEvent, PaymentFailed, PaymentRefunded,
    PaymentRequested, RefundRequested,
};

/// Takes the money for an order.
pub struct Charge;
impl Port for Charge {
    type Request = PaymentRequested;
    type Reply = Charged;
}

/// The gateway's definitive word on a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Charged {
    /// The money is taken.
    Authorized(AuthorizationId),
    /// No money is taken, for this reason.
    Declined(String),
}

/// Gives the money of a charge back.
pub struct Refund;
impl Port for Refund {
    type Request = RefundRequested;
    type Reply = Refunded;
}

/// The gateway has given the money back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refunded;

/// The payment of one order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Payment {
    /// The gateway has not been asked.
    #[default]
    Unasked,
    /// Asked for; the answer is out.
    Requested,
    /// The money is taken.
    Charged(AuthorizationId),
    /// No money is taken: the charge was refused, or is being given back.
    Closed,
}

impl State for Payment {
    type Event = PaymentEvent;

    fn evolve(&mut self, event: &PaymentEvent, _: Timestamp) {
        *self = match event {
            PaymentEvent::PaymentRequested(_) => Payment::Requested,
            PaymentEvent::PaymentAuthorized(authorized) => {
                Payment::Charged(authorized.authorization_id.clone())
            }
            PaymentEvent::PaymentFailed(_)
            | PaymentEvent::RefundRequested(_)
            | PaymentEvent::PaymentRefunded(_) => Payment::Closed,
        };
    }
}

/// A reserved order is charged, once.
pub fn request(
    payment: &Payment,
    reserved: &Received<InventoryReserved>,
) -> Option<PaymentRequested> {
    (*payment == Payment::Unasked).then(|| PaymentRequested {
        order_id: reserved.order_id,
        customer_id: reserved.customer_id.clone(),
        amount_cents: reserved.total_cents,
        currency: reserved.currency.clone(),
    })
}

/// The gateway has answered.
pub fn charged(
    _: &Payment,
    asked: &PaymentRequested,
    reply: Charged,
) -> Result<PaymentAuthorized, PaymentFailed> {
    let (order_id, amount_cents, currency) =
        (asked.order_id, asked.amount_cents, asked.currency.clone());
    match reply {
        Charged::Authorized(authorization_id) => Ok(PaymentAuthorized {
            order_id,
            amount_cents,
            currency,
            authorization_id,
        }),
        Charged::Declined(reason) => Err(PaymentFailed { order_id, reason }),
    }
}

/// What was taken for a cancelled order is given back.
pub fn give_back(
    payment: &Payment,
    _: &Received<OrderCancelled>,
    undone: &PaymentRequested,
) -> Option<RefundRequested> {
    let Payment::Charged(authorization_id) = payment else {
        return None;
    };
    Some(RefundRequested {
        order_id: undone.order_id,
        amount_cents: undone.amount_cents,
        currency: undone.currency.clone(),
        authorization_id: authorization_id.clone(),
    })
}

/// The gateway has given it back.
pub fn refunded(_: &Payment, asked: &RefundRequested, _: Refunded) -> PaymentRefunded {
    PaymentRefunded {
        order_id: asked.order_id,
        amount_cents: asked.amount_cents,
        currency: asked.currency.clone(),
    }
}

/// How the gateway is called, whatever for. It is down as a whole, not for one order: when so many calls have failed in a
/// row, the others are spared the attempt.
const GATEWAY: CallPolicy = CallPolicy::new()
    .timeout(Duration::from_secs(5))
    .pauses(Pauses::between(
        Duration::from_millis(100),
        Duration::from_secs(10),
    ))
    .breaker(Breaker::after(50).pause(Duration::from_secs(2)));

/// A customer waits for it. What has not been answered by then is not taken for a refusal, since the money may be taken:
/// no answer is declared, and somebody must look.
pub const CHARGE: CallPolicy = GATEWAY.retries(Retries::for_at_most(Duration::from_secs(15 * 60)));

/// Nobody waits, but the money is the customer's: it is tried for longer, and never dropped.
pub const REFUND: CallPolicy = GATEWAY.retries(Retries::for_at_most(Duration::from_secs(60 * 60)));

/// The declaration. Its ports are bound where it is run.
pub fn service() -> Service {
    let payment = Aggregate::<Payment>::new("payment")
        .on(request)
        .effect::<Charge, _>(charged)
        .policy(CHARGE)
        .undo(give_back)
        .effect::<Refund, _>(refunded)
        .policy(REFUND);
    Service::new("payment").aggregate(payment.snapshots(1))
}
