#[path = "../common/mod.rs"]
mod common;

use common::domain::*;
use kolo_core::{Aggregate, Received};

fn main() {
    let limit = std::env::args().count();
    let _ = Aggregate::<Hold>::new("hold").on(move |_: &Hold, closed: &Received<OrderClosed>| {
        (limit > 1).then(|| Closed { order: closed.order.clone() })
    });
}
