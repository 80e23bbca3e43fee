#[path = "../common/mod.rs"]
mod common;

use common::domain::*;
use kolo_core::{Aggregate, Received};

fn forward(_: &Hold, closed: &Received<OrderClosed>) -> Result<Closed, OrderClosed> {
    Ok(Closed { order: closed.order.clone() })
}

fn main() {
    let _ = Aggregate::<Hold>::new("hold").on(forward);
}
