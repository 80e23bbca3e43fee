#[path = "../common/mod.rs"]
mod common;

use common::domain::*;
use kolo_core::{Aggregate, Received};

fn undo(_: &Hold, dropped: &Received<OrderDropped>, _: &OrderPlaced) -> Closed {
    Closed { order: dropped.order.clone() }
}

fn main() {
    let _ = Aggregate::<Hold>::new("hold").undo(undo);
}
