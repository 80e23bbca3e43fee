//! The order service: opens an order, and decides once whether it is confirmed or cancelled.
//!
//! An order waits for its answer no longer than it was said to: then it is cancelled, and the others undo what they did.
//! Whichever end is decided first stands, in every order of arrival. A payment that overtakes its
//! order confirms it. A customer may cancel an order that is not known here yet: it is cancelled at
//! once, opens nothing when it arrives, and what others do for it falls to their compensations.

use kolo::{Aggregate, Deadline, Received, Service, State, Timestamp};
use serde::{Deserialize, Serialize};
use shop_schemas::TimestampMillis;
use shop_schemas::inventory::InventoryRejected;
use shop_schemas::order::{
    CancelRequested, OrderCancelled, OrderConfirmed, OrderCreated, OrderEvent, OrderId, OrderOpened,
};
use shop_schemas::payment::{PaymentAuthorized, PaymentFailed};

/// How long an order waits for its answer where nobody says.
const ANSWER_WITHIN_SECONDS: i32 = 15 * 60;

/// How far an order has come; unknown while nothing has been decided about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Nothing is decided.
    #[default]
    Unknown,
    /// It waits for its answer, until then.
    Open {
        /// When it is cancelled.
        answer_by: Option<Timestamp>,
    },
    /// It is paid.
    Confirmed,
    /// It ended without.
    Cancelled,
}

impl State for Order {
    type Event = OrderEvent;

    fn evolve(&mut self, event: &OrderEvent, _: Timestamp) {
        *self = match event {
            OrderEvent::OrderOpened(opened) => Order::Open {
                answer_by: opened.answer_by.map(|time| Timestamp::from_millis(time.0)),
            },
            OrderEvent::OrderConfirmed(_) => Order::Confirmed,
            OrderEvent::OrderCancelled(_) => Order::Cancelled,
        };
    }
}

impl Order {
    fn has_ended(self) -> bool {
        matches!(self, Order::Confirmed | Order::Cancelled)
    }

    fn cancel(self, order_id: OrderId, reason: impl Into<String>) -> Option<OrderCancelled> {
        let reason = reason.into();
        (!self.has_ended()).then_some(OrderCancelled { order_id, reason })
    }
}

/// A new order is opened.
pub fn open(order: &Order, created: &Received<OrderCreated>) -> Option<OrderOpened> {
    let within = created
        .answer_within_seconds
        .unwrap_or(ANSWER_WITHIN_SECONDS);
    let answer_by = created.at().as_millis() + i64::from(within.max(0)) * 1000;
    (*order == Order::Unknown).then(|| OrderOpened {
        order_id: created.order_id,
        customer_id: created.customer_id.clone(),
        total_cents: created.total_cents,
        currency: created.currency.clone(),
        answer_by: Some(TimestampMillis(answer_by)),
    })
}

/// What is paid is confirmed, unless it has ended.
pub fn confirm(order: &Order, paid: &Received<PaymentAuthorized>) -> Option<OrderConfirmed> {
    let order_id = paid.order_id;
    (!order.has_ended()).then_some(OrderConfirmed { order_id })
}

/// Without stock it is cancelled.
pub fn reject(order: &Order, inventory: &Received<InventoryRejected>) -> Option<OrderCancelled> {
    order.cancel(inventory.order_id, &inventory.reason)
}

/// Without money it is cancelled.
pub fn decline(order: &Order, payment: &Received<PaymentFailed>) -> Option<OrderCancelled> {
    order.cancel(payment.order_id, &payment.reason)
}

/// A customer may cancel it as long as it has not ended.
pub fn withdraw(order: &Order, customer: &Received<CancelRequested>) -> Option<OrderCancelled> {
    order.cancel(customer.order_id, "cancelled by the customer")
}

/// Until when an open order waits.
pub fn answer_by(order: &Order) -> Option<Timestamp> {
    match order {
        Order::Open { answer_by, .. } => *answer_by,
        Order::Unknown | Order::Confirmed | Order::Cancelled => None,
    }
}

/// Nobody answered in time: it is cancelled.
pub fn give_up(_: &Order, deadline: &Received<Deadline<OrderId>>) -> OrderCancelled {
    OrderCancelled {
        order_id: deadline.key,
        reason: "not answered in time".into(),
    }
}

/// The declaration.
pub fn service() -> Service {
    let lifecycle = Aggregate::<Order>::new("lifecycle");
    let lifecycle = lifecycle.on(open).on(confirm).pivot();
    let lifecycle = lifecycle.on(reject).on(decline).on(withdraw);
    Service::new("order").aggregate(lifecycle.deadline(answer_by, give_up).snapshots(1))
}
