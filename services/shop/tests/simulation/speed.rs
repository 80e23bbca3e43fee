//! How fast it is, on one core. Run by itself and optimised:
//! `cargo test --release -p shop --test simulation speed -- --ignored --nocapture`

use std::time::{Duration, Instant};

use crate::{services, shop, workload};

/// Sagas without faults, all at once.
const SAGAS: u64 = 20_000;

#[test]
#[ignore = "a measurement"]
fn speed() {
    let begun = Instant::now();
    let records = shop(services())
        .given(workload::plenty())
        .calm(SAGAS, 1)
        .unwrap();
    let took = begun.elapsed().as_secs_f64();
    println!(
        "{SAGAS} sagas without faults, {records} records: {:.0} sagas/s",
        SAGAS as f64 / took
    );

    let explored = shop(services())
        .explore_for(Duration::from_secs(10), 1)
        .unwrap();
    let per_second = explored.runs as f64 / explored.took.as_secs_f64();
    println!("{explored:?}: {per_second:.0} runs/s");
}
