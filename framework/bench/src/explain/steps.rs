//! One order of the sample from its placement to its confirmation, record by record: where each stands, and what caused it.

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// From outside.
    Intake,
    /// A router's copy of that step's record.
    Copy(usize),
    /// An own event that answers that step's record.
    Own(usize),
    /// An own event that answers the call which that step's record requests.
    Reply(usize),
}

/// Under which key it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Order,
    Sku,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) topic: &'static str,
    pub(super) event: &'static str,
    pub(super) kind: Kind,
    pub(super) key: Key,
}

const fn step(topic: &'static str, event: &'static str, kind: Kind, key: Key) -> Step {
    Step {
        topic,
        event,
        kind,
        key,
    }
}

pub(super) const STEPS: [Step; 11] = [
    step(
        "orders",
        "shop.order.OrderCreated",
        Kind::Intake,
        Key::Order,
    ),
    step(
        "orders.outcome",
        "shop.order.OrderOpened",
        Kind::Own(0),
        Key::Order,
    ),
    step(
        "inventory",
        "shop.inventory.ReservationOpened",
        Kind::Own(0),
        Key::Order,
    ),
    step(
        "inventory.stock.inbox",
        "shop.inventory.ReservationOpened",
        Kind::Copy(2),
        Key::Sku,
    ),
    step(
        "inventory.stock",
        "shop.inventory.StockTaken",
        Kind::Own(3),
        Key::Sku,
    ),
    step(
        "inventory.reservation.inbox",
        "shop.inventory.StockTaken",
        Kind::Copy(4),
        Key::Order,
    ),
    step(
        "inventory",
        "shop.inventory.LineHeld",
        Kind::Own(5),
        Key::Order,
    ),
    step(
        "inventory",
        "shop.inventory.InventoryReserved",
        Kind::Own(5),
        Key::Order,
    ),
    step(
        "payments",
        "shop.payment.PaymentRequested",
        Kind::Own(7),
        Key::Order,
    ),
    step(
        "payments",
        "shop.payment.PaymentAuthorized",
        Kind::Reply(8),
        Key::Order,
    ),
    step(
        "orders.outcome",
        "shop.order.OrderConfirmed",
        Kind::Own(9),
        Key::Order,
    ),
];

/// Each stream with its service and aggregate.
pub(super) const STREAMS: [(&str, &str, &str); 4] = [
    ("orders.outcome", "order", "lifecycle"),
    ("inventory", "inventory", "reservation"),
    ("inventory.stock", "inventory", "stock"),
    ("payments", "payment", "payment"),
];
