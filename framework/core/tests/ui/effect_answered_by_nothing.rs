#[path = "../common/mod.rs"]
mod common;

use common::domain::*;
use kolo_core::Aggregate;

fn maybe(_: &Hold, asked: &Asked, verdict: Verdict) -> Option<Granted> {
    verdict.0.then(|| Granted { order: asked.order.clone(), cents: asked.cents })
}

fn main() {
    let _ = Aggregate::<Hold>::new("hold").on(ask).effect::<Bank, _>(maybe);
}
