//! The reservation of one order: asks the stock of every article, gathers the answers, and closes.
//!
//! It is undone at its opening, whatever has been answered by then: pieces that are held go back at once, and pieces
//! that a stock still gives go back when they arrive. So nothing stays held for an order that was rejected or cancelled.

use kolo::{Aggregate, Received, State, Timestamp};
use shop_schemas::inventory::{
    InventoryRejected, InventoryReleased, InventoryReserved, LineHeld, LineMissing,
    ReservationEvent, ReservationOpened, ReturnRequested, Sku, StockLine, StockShort, StockTaken,
};
use shop_schemas::order::{OrderCancelled, OrderCreated, OrderId};
use shop_schemas::payment::PaymentFailed;

use crate::needed;

/// How far a reservation has come.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Reservation {
    /// No stock has been asked.
    #[default]
    Unopened,
    /// Some stocks have not answered yet.
    Gathering(Box<Gathering>),
    /// All that the order needs is held.
    Reserved(Box<[StockLine]>),
    /// Rejected or released: nothing is held, and nothing will be.
    Closed,
}

/// A reservation that waits for answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Gathering {
    opened: ReservationOpened,
    held: Vec<StockLine>,
}

impl Gathering {
    /// What was asked for.
    #[must_use]
    pub fn opened(&self) -> &ReservationOpened {
        &self.opened
    }

    /// Whether the stock of this article was asked and has not answered.
    fn awaits(&self, sku: &Sku) -> bool {
        let asked = self.opened.lines.iter().any(|line| line.sku == *sku);
        asked && !self.held.iter().any(|line| line.sku == *sku)
    }

    /// Whether all is held with one line more.
    fn lacks_one(&self) -> bool {
        self.held.len() + 1 == needed(&self.opened.lines).len()
    }
}

impl State for Reservation {
    type Event = ReservationEvent;

    fn evolve(&mut self, event: &ReservationEvent, _: Timestamp) {
        match (event, &mut *self) {
            (ReservationEvent::ReservationOpened(opened), _) => {
                *self = Reservation::Gathering(Box::new(Gathering {
                    opened: opened.clone(),
                    held: Vec::new(),
                }));
            }
            (ReservationEvent::LineHeld(line), Reservation::Gathering(gathering)) => {
                gathering.held.push(StockLine {
                    sku: line.sku.clone(),
                    quantity: line.quantity,
                });
            }
            (ReservationEvent::InventoryReserved(_), Reservation::Gathering(gathering)) => {
                *self = Reservation::Reserved(std::mem::take(&mut gathering.held).into());
            }
            (
                ReservationEvent::InventoryRejected(_) | ReservationEvent::InventoryReleased(_),
                _,
            ) => {
                *self = Reservation::Closed;
            }
            // Facts that are kept for people and for the stocks; the reservation moves by the events beside them.
            (ReservationEvent::LineMissing(_) | ReservationEvent::ReturnRequested(_), _)
            | (ReservationEvent::LineHeld(_) | ReservationEvent::InventoryReserved(_), _) => {}
        }
    }
}

impl Reservation {
    fn held(&self) -> &[StockLine] {
        match self {
            Reservation::Gathering(gathering) => &gathering.held,
            Reservation::Reserved(held) => held,
            Reservation::Unopened | Reservation::Closed => &[],
        }
    }

    fn return_held(&self, order_id: OrderId) -> Option<ReturnRequested> {
        let lines = self.held().to_vec();
        (!lines.is_empty()).then_some(ReturnRequested { order_id, lines })
    }
}

/// A repeat of an order, under whatever id, changes nothing. An order that no stock could ever serve, or no gateway ever
/// charge, is rejected before any is asked.
pub fn open(
    reservation: &Reservation,
    order: &Received<OrderCreated>,
) -> Option<Result<ReservationOpened, InventoryRejected>> {
    if *reservation != Reservation::Unopened {
        return None;
    }
    if let Some(flaw) = flaw(order) {
        return Some(Err(InventoryRejected {
            order_id: order.order_id,
            reason: flaw.to_owned(),
            missing: Vec::new(),
        }));
    }
    Some(Ok(ReservationOpened {
        order_id: order.order_id,
        customer_id: order.customer_id.clone(),
        lines: order.lines.clone(),
        currency: order.currency.clone(),
        total_cents: order.total_cents,
    }))
}

fn flaw(order: &OrderCreated) -> Option<&'static str> {
    let pieces: i64 = order
        .lines
        .iter()
        .map(|line| i64::from(line.quantity))
        .sum();
    if order.lines.is_empty() {
        Some("the order has no lines")
    } else if order.lines.iter().any(|line| line.sku.0.is_empty()) {
        Some("a line of the order names no article")
    } else if order.lines.iter().any(|line| line.quantity < 1) {
        Some("a line of the order asks for less than one piece")
    } else if pieces > i64::from(i32::MAX) {
        Some("the order asks for more pieces than can be counted")
    } else if order.total_cents < 1 {
        Some("the order's total is less than one cent")
    } else {
        None
    }
}

/// Whose pieces these are.
pub fn taken_for(taken: &StockTaken) -> [OrderId; 1] {
    [taken.order_id]
}

/// Pieces for which the reservation has no use go back: it is closed, or has them, or never asked.
pub fn hold(
    reservation: &Reservation,
    taken: &Received<StockTaken>,
) -> Result<(LineHeld, Option<InventoryReserved>), ReturnRequested> {
    let StockTaken {
        order_id,
        sku,
        quantity,
    } = (**taken).clone();
    match reservation {
        Reservation::Gathering(gathering) if gathering.awaits(&sku) => {
            let reserved = gathering.lacks_one().then(|| reserved(&gathering.opened));
            Ok((
                LineHeld {
                    order_id,
                    sku,
                    quantity,
                },
                reserved,
            ))
        }
        _ => {
            let lines = vec![StockLine { sku, quantity }];
            Err(ReturnRequested { order_id, lines })
        }
    }
}

/// All that the order needs is held.
pub fn reserved(opened: &ReservationOpened) -> InventoryReserved {
    InventoryReserved {
        order_id: opened.order_id,
        customer_id: opened.customer_id.clone(),
        lines: opened.lines.clone(),
        currency: opened.currency.clone(),
        total_cents: opened.total_cents,
    }
}

/// Whom it is short for.
pub fn short_for(short: &StockShort) -> [OrderId; 1] {
    [short.order_id]
}

/// The first stock that is short closes the reservation: the order is held as a whole or not at all.
pub fn reject(
    reservation: &Reservation,
    short: &Received<StockShort>,
) -> Option<(LineMissing, InventoryRejected, Option<ReturnRequested>)> {
    if !matches!(reservation, Reservation::Gathering(gathering) if gathering.awaits(&short.sku)) {
        return None;
    }
    let StockShort {
        order_id,
        sku,
        quantity,
        available,
    } = (**short).clone();
    let rejected = InventoryRejected {
        order_id,
        reason: format!("{sku} is short: {available} in stock, {quantity} asked for"),
        missing: vec![sku.clone()],
    };
    let missing = LineMissing {
        order_id,
        sku,
        quantity,
    };
    Some((missing, rejected, reservation.return_held(order_id)))
}

/// What a rejection has sent back already is not sent back again.
pub type Release = Option<(InventoryReleased, Option<ReturnRequested>)>;

fn release(reservation: &Reservation, order_id: OrderId) -> Release {
    let released = InventoryReleased {
        order_id,
        lines: reservation.held().to_vec(),
    };
    (*reservation != Reservation::Closed).then(|| (released, reservation.return_held(order_id)))
}

/// What is not paid is released.
pub fn release_unpaid(
    reservation: &Reservation,
    failed: &Received<PaymentFailed>,
    _: &ReservationOpened,
) -> Release {
    release(reservation, failed.order_id)
}

/// What is cancelled is released.
pub fn release_cancelled(
    reservation: &Reservation,
    cancelled: &Received<OrderCancelled>,
    _: &ReservationOpened,
) -> Release {
    release(reservation, cancelled.order_id)
}

/// The declaration.
pub fn aggregate() -> Aggregate<Reservation> {
    let reservation = Aggregate::new("reservation");
    let reservation = reservation
        .on(open)
        .routed(taken_for, hold)
        .routed(short_for, reject);
    reservation.undo(release_unpaid).undo(release_cancelled)
}
