#[path = "../common/mod.rs"]
mod common;

use common::domain::*;
use kolo_core::{Aggregate, Received};

fn refuse(_: &Hold, _: &Received<OrderDropped>, held: &Held) -> Result<Freed, Refused> {
    Err(Refused { order: held.order.clone(), amount: held.amount })
}

fn main() {
    let _ = Aggregate::<Hold>::new("hold").on(hold).undo(refuse);
}
