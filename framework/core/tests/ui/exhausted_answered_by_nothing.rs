#[path = "../common/mod.rs"]
mod common;

use common::domain::*;
use kolo_core::Aggregate;

fn silent(_: &Hold, _: &Asked) -> Option<Denied> {
    None
}

fn main() {
    let _ = Aggregate::<Hold>::new("hold").on(ask).effect::<Bank, _>(told).exhausted(silent);
}
