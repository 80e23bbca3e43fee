#[path = "../common/mod.rs"]
mod common;

use common::domain::*;
use kolo_core::Aggregate;

struct Oracle;

fn main() {
    let _ = Aggregate::<Hold>::new("hold").effect::<Oracle, _>(told);
}
