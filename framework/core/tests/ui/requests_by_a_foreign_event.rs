#[path = "../common/mod.rs"]
mod common;

use common::domain::*;
use kolo_core::Aggregate;

/// Asks with an event that is no own event of the shelf.
fn told_shelf(_: &Shelf, _: &Asked, _: Verdict) -> Taken {
    Taken { sku: Sku("a".into()), order: String::new() }
}

fn main() {
    let _ = Aggregate::<Shelf>::new("shelf").effect::<Bank, _>(told_shelf);
}
