#[path = "../common/mod.rs"]
mod common;

use common::domain::*;
use kolo_core::Aggregate;

fn main() {
    let fee = 3;
    let _ = Aggregate::<Hold>::new("hold").effect::<Bank, _>(move |_: &Hold, asked: &Asked, _: Verdict| Granted {
        order: asked.order.clone(),
        cents: asked.cents + fee,
    });
}
