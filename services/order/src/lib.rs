//! The order service: opens an order, and decides once whether it is confirmed or cancelled.
//!
//! Whichever end is decided first stands, in every order of arrival. A payment that overtakes its order confirms it. A
//! customer may cancel an order that is not known here yet: it is cancelled at once, opens nothing when it arrives, and
//! what others do for it falls to their compensations. A payment after the cancellation confirms nothing and is given back.

use kolo::{Aggregate, Received, Service, State, Timestamp};
use shop_schemas::inventory::InventoryRejected;
use shop_schemas::order::{
    CancelRequested, OrderCancelled, OrderConfirmed, OrderCreated, OrderEvent, OrderId, OrderOpened,
};
use shop_schemas::payment::{PaymentAuthorized, PaymentFailed};

/// How far an order has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// No event of it has been decided.
    #[default]
    Unknown,
    /// On its way.
    Open,
    /// Held and paid.
    Confirmed,
    /// Ended without a sale.
    Cancelled,
}

impl State for Order {
    type Event = OrderEvent;

    fn evolve(&mut self, event: &OrderEvent, _: Timestamp) {
        *self = match event {
            OrderEvent::OrderOpened(_) => Order::Open,
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
        (!self.has_ended()).then(|| OrderCancelled {
            order_id,
            reason: reason.into(),
        })
    }
}

fn open(order: &Order, created: &Received<OrderCreated>) -> Option<OrderOpened> {
    (*order == Order::Unknown).then(|| OrderOpened {
        order_id: created.order_id,
        customer_id: created.customer_id.clone(),
        total_cents: created.total_cents,
        currency: created.currency.clone(),
    })
}

fn confirm(order: &Order, paid: &Received<PaymentAuthorized>) -> Option<OrderConfirmed> {
    (!order.has_ended()).then_some(OrderConfirmed {
        order_id: paid.order_id,
    })
}

fn cancel_rejected(
    order: &Order,
    rejected: &Received<InventoryRejected>,
) -> Option<OrderCancelled> {
    order.cancel(rejected.order_id, &rejected.reason)
}

fn cancel_unpaid(order: &Order, failed: &Received<PaymentFailed>) -> Option<OrderCancelled> {
    order.cancel(failed.order_id, &failed.reason)
}

fn cancel_withdrawn(order: &Order, request: &Received<CancelRequested>) -> Option<OrderCancelled> {
    order.cancel(request.order_id, "cancelled by the customer")
}

/// The declaration.
pub fn service() -> Service {
    let lifecycle = Aggregate::<Order>::new("lifecycle")
        .on(open)
        .on(confirm)
        .pivot();
    Service::new("order").aggregate(
        lifecycle
            .on(cancel_rejected)
            .on(cancel_unpaid)
            .on(cancel_withdrawn),
    )
}
