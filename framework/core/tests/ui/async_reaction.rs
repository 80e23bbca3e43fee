#[path = "../common/mod.rs"]
mod common;

use common::domain::*;
use kolo_core::{Aggregate, Received};

async fn slow(_: &Hold, closed: &Received<OrderClosed>) -> Closed {
    Closed { order: closed.order.clone() }
}

fn later(_: &Hold, closed: &Received<OrderClosed>) -> impl Future<Output = Closed> + use<> {
    let order = closed.order.clone();
    async move { Closed { order } }
}

fn main() {
    let _ = Aggregate::<Hold>::new("hold").on(later);
    let _ = Aggregate::<Hold>::new("hold").on(slow);
}
