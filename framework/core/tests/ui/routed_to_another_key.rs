#[path = "../common/mod.rs"]
mod common;

use common::domain::*;
use kolo_core::Aggregate;

fn orders_of(held: &Held) -> Vec<String> {
    vec![held.order.clone()]
}

fn main() {
    let _ = Aggregate::<Shelf>::new("shelf").routed(orders_of, take);
}
