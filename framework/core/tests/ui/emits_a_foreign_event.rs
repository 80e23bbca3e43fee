#[path = "../common/mod.rs"]
mod common;

use common::domain::*;
use kolo_core::{Aggregate, Received};

/// `OrderClosed` belongs to another stream.
fn forward(_: &Hold, closed: &Received<OrderClosed>) -> OrderClosed {
    OrderClosed { order: closed.order.clone() }
}

fn main() {
    let _ = Aggregate::<Hold>::new("hold").on(forward);
}
