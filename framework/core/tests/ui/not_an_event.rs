#[path = "../common/mod.rs"]
mod common;

use common::domain::*;
use kolo_core::{Aggregate, Received};

struct Rumour {
    text: String,
}

fn believe(_: &Hold, rumour: &Received<Rumour>) -> Closed {
    Closed { order: rumour.text.clone() }
}

fn main() {
    let _ = Aggregate::<Hold>::new("hold").on(believe);
}
