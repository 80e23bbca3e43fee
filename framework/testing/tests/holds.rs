//! The protocol holds, whatever happens: the real processor and stream reader in random runs.
//!
//! `KOLO_SEED` is the first seed, `KOLO_WALKS` how many runs are made.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use kolo_core::processor::Rules;
use kolo_testing::protocol::{Faults, Left, Scenario, first_failure};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn holds(scenario: &Scenario, walks: u64) {
    let seed = number("KOLO_SEED", 0);
    if let Some(failure) = first_failure(scenario, seed..seed + number("KOLO_WALKS", walks)) {
        panic!("{failure}");
    }
}

#[test]
fn without_faults() {
    holds(
        &Scenario {
            faults: Faults::NONE,
            ..Scenario::default()
        },
        300,
    );
}

#[test]
fn with_everything() {
    holds(&Scenario::default(), 1_000);
}

#[test]
fn with_many_owners_at_once() {
    let faults = Faults {
        takeovers: 8,
        crashes: 4,
        losses: 4,
        resends: 3,
        drops: 3,
        ..Faults::default()
    };
    holds(
        &Scenario {
            facts: 8,
            repeats: 3,
            actions: 300,
            faults,
            ..Scenario::default()
        },
        300,
    );
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
    holds(
        &Scenario {
            facts: 12,
            actions: 300,
            faults,
            ..Scenario::default()
        },
        300,
    );
}

/// The one rule that no run needs: reading positions come from markers, which are consistent cuts, so that whatever is
/// read again is decided again in order. The marker before an answer only bounds how much that is.
#[test]
fn without_the_marker_before_an_answer() {
    let left = Left {
        rules: Rules {
            marker_before_answer: false,
            ..Rules::ALL
        },
        ..Left::default()
    };
    holds(
        &Scenario {
            left,
            ..Scenario::default()
        },
        500,
    );
}
