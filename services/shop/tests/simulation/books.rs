//! The books, added up from valid events and from the gateway's calls, and from nothing that the services know.

use std::collections::{BTreeMap, BTreeSet};

use kolo_testing::simulation::Seen;
use payment::{Charge, Refund};
use shop_schemas::inventory::{
    Sku, StockAdded, StockReceived, StockReturned, StockShort, StockTaken,
};
use shop_schemas::order::{
    CancelRequested, OrderCancelled, OrderConfirmed, OrderCreated, OrderId, OrderOpened,
};
use shop_schemas::payment::{PaymentAuthorized, PaymentRefunded, RefundRequested};

use crate::LIMIT_CENTS;

/// What the topics and the gateway say.
#[derive(Debug, Default)]
pub(crate) struct Books {
    orders: BTreeMap<OrderId, OrderCreated>,
    confirmed: BTreeSet<OrderId>,
    cancelled: BTreeSet<OrderId>,
    /// Orders that were opened, confirmed or cancelled more than once.
    twice: Vec<OrderId>,
    /// Cancelled by their deadline, by the customer, or short of stock.
    excused: BTreeSet<OrderId>,
    received: BTreeMap<Sku, i64>,
    stock: BTreeMap<Sku, i64>,
    held: BTreeMap<OrderId, BTreeMap<Sku, i64>>,
    /// What the gateway has taken for each order and not given back.
    kept_cents: BTreeMap<OrderId, i64>,
    refunds: [usize; 3],
}

impl Books {
    pub(crate) fn of(seen: &Seen<'_>) -> Self {
        let mut books = Books::default();
        for order in seen.events::<OrderCreated>() {
            books.orders.entry(order.order_id).or_insert(order);
        }
        books.ends(seen);
        books.pieces(seen);
        for charge in seen.calls::<Charge>() {
            if charge.amount_cents <= LIMIT_CENTS {
                *books.kept_cents.entry(charge.order_id).or_default() += charge.amount_cents;
            }
        }
        for refund in seen.calls::<Refund>() {
            *books.kept_cents.entry(refund.order_id).or_default() -= refund.amount_cents;
        }
        books.refunds = [
            seen.events::<RefundRequested>().len(),
            seen.events::<PaymentRefunded>().len(),
            seen.events::<PaymentAuthorized>().len(),
        ];
        books
    }

    fn ends(&mut self, seen: &Seen<'_>) {
        let mut opened = BTreeSet::new();
        for order in seen.events::<OrderOpened>() {
            if !opened.insert(order.order_id) {
                self.twice.push(order.order_id);
            }
        }
        for end in seen.events::<OrderConfirmed>() {
            if !self.confirmed.insert(end.order_id) {
                self.twice.push(end.order_id);
            }
        }
        for end in seen.events::<OrderCancelled>() {
            if !self.cancelled.insert(end.order_id) {
                self.twice.push(end.order_id);
            }
            if end.reason == "not answered in time" {
                self.excused.insert(end.order_id);
            }
        }
        let cancels = seen.events::<CancelRequested>().into_iter();
        self.excused.extend(cancels.map(|cancel| cancel.order_id));
        let short = seen.events::<StockShort>().into_iter();
        self.excused.extend(short.map(|short| short.order_id));
    }

    fn pieces(&mut self, seen: &Seen<'_>) {
        for receipt in seen.events::<StockReceived>() {
            *self.received.entry(receipt.sku).or_default() += i64::from(receipt.quantity);
        }
        for added in seen.events::<StockAdded>() {
            *self.stock.entry(added.sku).or_default() += i64::from(added.quantity);
        }
        for taken in seen.events::<StockTaken>() {
            self.moved(taken.order_id, taken.sku, taken.quantity.into());
        }
        for returned in seen.events::<StockReturned>() {
            self.moved(
                returned.order_id,
                returned.sku,
                -i64::from(returned.quantity),
            );
        }
    }

    fn moved(&mut self, order_id: OrderId, sku: Sku, pieces: i64) {
        *self.stock.entry(sku.clone()).or_default() -= pieces;
        let held = self.held.entry(order_id).or_default();
        *held.entry(sku).or_default() += pieces;
    }

    /// Says what does not balance.
    pub(crate) fn balance(&self) -> Result<(), String> {
        if let Some(order) = self.twice.first() {
            return Err(format!("{order} was opened or ended twice"));
        }
        if let Some(order) = self.confirmed.intersection(&self.cancelled).next() {
            return Err(format!("{order} is confirmed and cancelled"));
        }
        for (order_id, order) in &self.orders {
            self.one(*order_id, order)?;
        }
        let mut held: BTreeMap<&Sku, i64> = BTreeMap::new();
        for (sku, pieces) in self.held.values().flatten() {
            *held.entry(sku).or_default() += pieces;
        }
        for (sku, received) in &self.received {
            let there = self.stock.get(sku).copied().unwrap_or_default();
            let held = held.get(sku).copied().unwrap_or_default();
            if there < 0 || there + held != *received {
                return Err(format!(
                    "{sku}: {received} received, {there} there, {held} held"
                ));
            }
        }
        let [requested, refunded, authorized] = self.refunds;
        if requested != refunded || refunded > authorized {
            return Err(format!(
                "{requested} refunds requested, {refunded} made, of {authorized} payments"
            ));
        }
        Ok(())
    }

    fn one(&self, order_id: OrderId, order: &OrderCreated) -> Result<(), String> {
        let kept = self.kept_cents.get(&order_id).copied().unwrap_or_default();
        let held = self.held.get(&order_id).into_iter().flatten();
        let held = held.filter(|(_, pieces)| **pieces != 0);
        let held: BTreeMap<&Sku, i64> = held.map(|(sku, pieces)| (sku, *pieces)).collect();
        if self.confirmed.contains(&order_id) {
            let mut needed: BTreeMap<&Sku, i64> = BTreeMap::new();
            for line in &order.lines {
                *needed.entry(&line.sku).or_default() += i64::from(line.quantity);
            }
            if kept != order.total_cents {
                return Err(format!(
                    "{order_id} is confirmed, and {kept} cents are kept for it"
                ));
            }
            if held != needed {
                return Err(format!(
                    "{order_id} is confirmed, and has {held:?} of {needed:?}"
                ));
            }
            return Ok(());
        }
        if !self.cancelled.contains(&order_id) {
            return Err(format!("{order_id} has not ended"));
        }
        if kept != 0 {
            return Err(format!(
                "{order_id} is cancelled, and {kept} cents are kept for it"
            ));
        }
        if !held.is_empty() {
            return Err(format!("{order_id} is cancelled, and holds {held:?}"));
        }
        if order.total_cents <= LIMIT_CENTS && !self.excused.contains(&order_id) {
            return Err(format!("{order_id} is cancelled without a reason"));
        }
        Ok(())
    }
}
