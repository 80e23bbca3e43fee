#[path = "../common/mod.rs"]
mod common;

use common::domain::*;
use kolo_core::Aggregate;

fn main() {
    let _ = Aggregate::<Hold>::new("hold").on(ask).effect::<Bank, _>(told).exhausted(told);
}
