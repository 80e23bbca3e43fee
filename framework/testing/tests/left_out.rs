//! Each rule is needed: left out, the same runs show what it prevents.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it saw"
)]

use kolo_core::processor::Rules;
use kolo_testing::protocol::{FAULTS, of_facts, simulation};
use kolo_testing::simulation::{Broken, Failure, Faults, Oracle, Simulation};

/// Runs until what is expected is seen, and sees it again from its script. Other things may be seen on the way: whoever
/// breaks one rule often never comes to rest either.
fn fails(simulation: &Simulation, expected: impl Fn(&Oracle) -> bool) {
    let failure = simulation.seek(0..5_000, |violation| expected(&violation.oracle));
    let failure: Box<Failure> = failure.expect("with the rule left out, some run must show it");
    let again = simulation.replay(&failure.script());
    let again = again.expect("a script").expect_err("it shows it again");
    assert_eq!(again.violation(), failure.violation());
    assert_eq!(again.script(), failure.script());
    println!("{failure}");
}

fn without(rules: Rules) -> Simulation {
    leaving(Broken {
        rules,
        ..Broken::default()
    })
}

fn leaving(broken: Broken) -> Simulation {
    simulation().broken(broken)
}

/// What was decided is wrong: decided twice, on another state, in another order, or not at all.
fn decided_wrongly(oracle: &Oracle) -> bool {
    match oracle {
        Oracle::Ids
        | Oracle::Answers
        | Oracle::Once
        | Oracle::Decisions
        | Oracle::Inputs
        | Oracle::Requests
        | Oracle::Restore
        | Oracle::Surprise => true,
        Oracle::Invariant(name) => name == "a plain fold",
        _ => false,
    }
}

fn lost(oracle: &Oracle) -> bool {
    matches!(oracle, Oracle::Inputs | Oracle::Invariant(_))
}

#[test]
fn rule_2_void_records_count_for_nobody() {
    let rules = Rules {
        validity: false,
        ..Rules::ALL
    };
    fails(&without(rules), decided_wrongly);
}

#[test]
fn rule_2_records_are_numbered() {
    let broken = Broken {
        numbers: true,
        ..Broken::default()
    };
    fails(&leaving(broken), decided_wrongly);
}

#[test]
fn rule_3_an_owner_restores_after_its_fence_is_acknowledged() {
    let broken = Broken {
        restore_after_fence: true,
        ..Broken::default()
    };
    fails(&leaving(broken), decided_wrongly);
}

#[test]
fn rule_3_an_origin_is_a_topic_by_its_id() {
    let faults = Faults {
        recreations: 3,
        takeovers: 4,
        ..Faults::NONE
    };
    let broken = Broken {
        topic_ids: true,
        ..Broken::default()
    };
    fails(&leaving(broken).faults(faults), lost);
}

#[test]
fn rule_4_positions_come_from_the_stream() {
    let faults = Faults {
        takeovers: 3,
        crashes: 3,
        ..Faults::NONE
    };
    let broken = Broken {
        positions_from_stream: true,
        ..Broken::default()
    };
    fails(&of_facts(12).broken(broken).faults(faults), lost);
}

#[test]
fn rule_4_a_router_keeps_the_fence_with_its_offset() {
    let broken = Broken {
        router_cursor: true,
        ..Broken::default()
    };
    fails(&leaving(broken), lost);
}

#[test]
fn rule_5_inputs_are_skipped_by_position() {
    let rules = Rules {
        skip_by_position: false,
        ..Rules::ALL
    };
    fails(&without(rules), |oracle| *oracle == Oracle::Answers);
}

#[test]
fn rule_5_inputs_are_skipped_by_id() {
    let rules = Rules {
        skip_by_id: false,
        ..Rules::ALL
    };
    fails(&without(rules), |oracle| {
        matches!(oracle, Oracle::Ids | Oracle::Once)
    });
}

#[test]
fn rule_6_markers_show_an_idle_owner_that_it_was_replaced() {
    let broken = Broken {
        markers: true,
        ..Broken::default()
    };
    fails(&leaving(broken), |oracle| *oracle == Oracle::Rest);
}

#[test]
fn rule_7_a_torn_answer_is_completed_first() {
    let rules = Rules {
        complete_torn: false,
        ..Rules::ALL
    };
    fails(&without(rules), |oracle| *oracle == Oracle::Answers);
}

#[test]
fn rule_8_an_append_that_failed_ends_the_epoch() {
    let broken = Broken {
        failure_ends_epoch: true,
        ..Broken::default()
    };
    fails(&leaving(broken), decided_wrongly);
}

#[test]
fn rule_9_gaps_are_read() {
    let rules = Rules {
        read_gaps: false,
        ..Rules::ALL
    };
    fails(&without(rules), |oracle| *oracle == Oracle::Requests);
}

#[test]
fn rule_9_effects_start_for_sound_appends_only() {
    let broken = Broken {
        effects_when_sound: true,
        ..Broken::default()
    };
    fails(&leaving(broken), |oracle| *oracle == Oracle::Requests);
}

#[test]
fn rule_10_routers_forward_valid_records_only() {
    let broken = Broken {
        router_validity: true,
        ..Broken::default()
    };
    fails(&leaving(broken), decided_wrongly);
}

#[test]
fn rule_10_routers_commit_after_acknowledgement() {
    let faults = Faults {
        router_crashes: 3,
        ..Faults::NONE
    };
    let broken = Broken {
        router_commits_after_ack: true,
        ..Broken::default()
    };
    fails(&of_facts(12).broken(broken).faults(faults), lost);
}

#[test]
fn rule_10_copies_are_chained() {
    let faults = Faults {
        router_drops: 1,
        ..FAULTS
    };
    let broken = Broken {
        router_chain: true,
        ..Broken::default()
    };
    fails(&leaving(broken).faults(faults), lost);
}
