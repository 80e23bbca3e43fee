//! The inventory service: a reservation gathers what one order needs from the stocks of its articles.
//!
//! # Layout
//! - [`reservation`]: one aggregate an order; it asks, gathers the answers, and sends back what it cannot use
//! - [`stock`]: one aggregate an article; it gives pieces away, never more than it has, and takes them back
//!
//! The two never read each other's state: what a reservation asks and what a stock answers are routed events.

pub mod reservation;
pub mod stock;

use kolo::Service;
use shop_schemas::inventory::{Sku, StockLine};
use shop_schemas::order::OrderLine;

/// The declaration.
pub fn service() -> Service {
    Service::new("inventory")
        .aggregate(reservation::aggregate())
        .aggregate(stock::aggregate())
}

/// How many pieces of each article these lines come to, in the order in which the articles are first named: an order
/// may name one article on several lines, and its stock is asked once.
fn per_sku<'a>(lines: impl IntoIterator<Item = (&'a Sku, i32)>) -> Vec<StockLine> {
    let mut sums: Vec<StockLine> = Vec::new();
    for (sku, quantity) in lines {
        match sums.iter_mut().find(|line| line.sku == *sku) {
            Some(line) => line.quantity = line.quantity.saturating_add(quantity),
            None => sums.push(StockLine {
                sku: sku.clone(),
                quantity,
            }),
        }
    }
    sums
}

/// What an order's lines need of each article.
fn needed(lines: &[OrderLine]) -> Vec<StockLine> {
    per_sku(lines.iter().map(|line| (&line.sku, line.quantity)))
}
