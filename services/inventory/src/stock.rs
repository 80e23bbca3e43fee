//! The stock of one article: pieces come in, are held for orders, and come back; there are never fewer than none.

use kolo::{Aggregate, Received, State, Timestamp};
use serde::{Deserialize, Serialize};
use shop_schemas::inventory::{
    ReservationOpened, ReturnRequested, Sku, StockAdded, StockEvent, StockLine, StockReceived,
    StockReturned, StockShort, StockTaken,
};

use crate::{needed, per_sku};

/// The pieces of one article that are there to be taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    /// Wider than an event's quantity: many receipts add up.
    available: i64,
}

impl State for Stock {
    type Event = StockEvent;

    fn evolve(&mut self, event: &StockEvent, _: Timestamp) {
        self.available += match event {
            StockEvent::StockAdded(added) => i64::from(added.quantity),
            StockEvent::StockTaken(taken) => -i64::from(taken.quantity),
            StockEvent::StockReturned(returned) => i64::from(returned.quantity),
            StockEvent::StockShort(_) => 0,
        };
    }
}

/// A receipt of no pieces, or of fewer than none, is an error of whoever sent it, and adds nothing: pieces leave only by
/// being taken.
pub fn receive(_: &Stock, receipt: &Received<StockReceived>) -> Option<StockAdded> {
    (receipt.quantity > 0).then(|| StockAdded {
        sku: receipt.sku.clone(),
        quantity: receipt.quantity,
    })
}

/// Each article of the order is asked once, whatever number of lines names it.
pub fn asked(opened: &ReservationOpened) -> Vec<Sku> {
    needed(&opened.lines)
        .into_iter()
        .map(|line| line.sku)
        .collect()
}

/// All that the order needs of this article, or nothing. To ask for less than one piece is refused.
pub fn take(stock: &Stock, opened: &Received<ReservationOpened>) -> Result<StockTaken, StockShort> {
    let StockLine { sku, quantity } = line_of(needed(&opened.lines), opened.key());
    if (1..=stock.available).contains(&i64::from(quantity)) {
        return Ok(StockTaken {
            order_id: opened.order_id,
            sku,
            quantity,
        });
    }
    let available = i32::try_from(stock.available).unwrap_or(i32::MAX);
    Err(StockShort {
        order_id: opened.order_id,
        sku,
        quantity,
        available,
    })
}

/// Each article that comes back.
pub fn returned(request: &ReturnRequested) -> Vec<Sku> {
    returns(request).into_iter().map(|line| line.sku).collect()
}

/// What comes back can be taken again.
pub fn put_back(_: &Stock, request: &Received<ReturnRequested>) -> StockReturned {
    let StockLine { sku, quantity } = line_of(returns(request), request.key());
    StockReturned {
        order_id: request.order_id,
        sku,
        quantity,
    }
}

fn returns(request: &ReturnRequested) -> Vec<StockLine> {
    per_sku(request.lines.iter().map(|line| (&line.sku, line.quantity)))
}

/// The line of the article that decides; one that is not named has none of it.
fn line_of(lines: Vec<StockLine>, sku: &str) -> StockLine {
    let named = lines.into_iter().find(|line| line.sku.0 == sku);
    named.unwrap_or_else(|| StockLine {
        sku: Sku(sku.to_owned()),
        quantity: 0,
    })
}

/// The declaration.
pub fn aggregate() -> Aggregate<Stock> {
    Aggregate::new("stock")
        .on(receive)
        .routed(asked, take)
        .routed(returned, put_back)
        .snapshots(1)
}
