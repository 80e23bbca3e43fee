#[path = "../common/mod.rs"]
mod common;

use common::domain::*;
use kolo_core::{Aggregate, Received};

/// `Held` is keyed by the order, a shelf by its sku.
fn take_directly(_: &Shelf, held: &Received<Held>) -> Taken {
    Taken { sku: Sku("a".into()), order: held.order.clone() }
}

fn main() {
    let _ = Aggregate::<Shelf>::new("shelf").on(take_directly);
}
