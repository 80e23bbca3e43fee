//! The protocol holds, whatever happens: the real processor and stream reader in random runs.
//!
//! `KOLO_SEED` is the first seed, `KOLO_RUNS` how many runs are made.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use kolo_core::processor::Rules;
use kolo_testing::protocol::{FAULTS, of_facts, simulation};
use kolo_testing::simulation::{Broken, Faults, Simulation};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn holds(simulation: &Simulation, runs: u64) {
    let seed = number("KOLO_SEED", 0);
    let explored = simulation.explore(seed..seed + number("KOLO_RUNS", runs));
    if let Err(failure) = explored {
        panic!("{failure}\n{}", failure.topics());
    }
}

#[test]
fn without_faults() {
    holds(&simulation().faults(Faults::NONE), 300);
}

#[test]
fn with_everything() {
    holds(&simulation(), 1_000);
}

#[test]
fn with_many_owners_at_once() {
    let faults = Faults {
        takeovers: 8,
        crashes: 4,
        resends: 3,
        drops: 3,
        repeats: 3,
        ..FAULTS
    };
    holds(&of_facts(8).steps(300).faults(faults), 300);
}

#[test]
fn with_many_routers_at_once() {
    let faults = Faults {
        routers: 6,
        router_crashes: 4,
        router_drops: 2,
        takeovers: 2,
        ..Faults::NONE
    };
    holds(&of_facts(12).steps(300).faults(faults), 300);
}

/// The one rule that no run needs: reading positions come from markers, which are consistent cuts, so that whatever is
/// read again is decided again in order. The marker before an answer only bounds how much that is.
#[test]
fn without_the_marker_before_an_answer() {
    let rules = Rules {
        marker_before_answer: false,
        ..Rules::ALL
    };
    let broken = Broken {
        rules,
        ..Broken::default()
    };
    holds(&simulation().broken(broken), 500);
}
