//! Each rule is needed: left out, the same runs show what it prevents.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it saw"
)]

use kolo_core::processor::Rules;
use kolo_testing::protocol::{Faults, Left, Scenario, Violation, replay, walk};

/// Runs until what is expected is seen, and sees it again from its script. Other things may be seen on the way: whoever
/// breaks one rule often never comes to rest either.
fn fails(scenario: &Scenario, expected: impl Fn(&Violation) -> bool) {
    let failures = (0..5_000).filter_map(|seed| walk(scenario, seed).err());
    let failure = failures
        .into_iter()
        .find(|failure| expected(&failure.violation));
    let failure = failure.expect("with the rule left out, some run must show it");
    let again = replay(scenario, &failure.script).expect_err("the script shows it again");
    assert_eq!(again.violation, failure.violation);
    assert_eq!(again.trace, failure.trace);
    println!("{:?} in run {:?}", failure.violation, failure.seed);
}

fn without(rules: Rules) -> Scenario {
    leaving(Left {
        rules,
        ..Left::default()
    })
}

fn leaving(left: Left) -> Scenario {
    Scenario {
        left,
        ..Scenario::default()
    }
}

/// What was decided is wrong: decided twice, on another state, in another order, or not at all.
fn decided_wrongly(violation: &Violation) -> bool {
    use Violation::{AnsweredTwice, IdTwice, Lost, OutOfOrder, StaleDecision, Torn, Unanswered};
    match violation {
        IdTwice(_) | AnsweredTwice(_) | StaleDecision(_) | Torn(_) | OutOfOrder(_) | Lost(_)
        | Unanswered(_) => true,
        // The next owner finds an answer torn where it must not be.
        Violation::Surprise(text) => text.contains("of an answer, but"),
        _ => false,
    }
}

#[test]
fn rule_2_void_records_count_for_nobody() {
    fails(
        &without(Rules {
            validity: false,
            ..Rules::ALL
        }),
        decided_wrongly,
    );
}

#[test]
fn rule_2_records_are_numbered() {
    fails(
        &leaving(Left {
            numbers: true,
            ..Left::default()
        }),
        decided_wrongly,
    );
}

#[test]
fn rule_3_an_owner_restores_after_its_fence_is_acknowledged() {
    fails(
        &leaving(Left {
            restore_after_fence: true,
            ..Left::default()
        }),
        decided_wrongly,
    );
}

#[test]
fn rule_3_an_origin_is_a_topic_by_its_id() {
    let faults = Faults {
        recreations: 3,
        takeovers: 4,
        ..Faults::NONE
    };
    let left = Left {
        topic_ids: true,
        ..Left::default()
    };
    fails(
        &Scenario {
            faults,
            left,
            ..Scenario::default()
        },
        |seen| *seen == Violation::Lost("first"),
    );
}

#[test]
fn rule_4_positions_come_from_the_stream() {
    let faults = Faults {
        takeovers: 3,
        crashes: 3,
        losses: 3,
        ..Faults::NONE
    };
    let left = Left {
        positions_from_stream: true,
        ..Left::default()
    };
    fails(
        &Scenario {
            facts: 12,
            faults,
            left,
            ..Scenario::default()
        },
        |seen| *seen == Violation::Lost("first"),
    );
}

#[test]
fn rule_4_a_router_keeps_the_fence_with_its_offset() {
    fails(
        &leaving(Left {
            router_cursor: true,
            ..Left::default()
        }),
        |seen| *seen == Violation::Lost("second"),
    );
}

#[test]
fn rule_5_inputs_are_skipped_by_position() {
    let seen = |seen: &Violation| matches!(seen, Violation::OutOfOrder(_));
    fails(
        &without(Rules {
            skip_by_position: false,
            ..Rules::ALL
        }),
        seen,
    );
}

#[test]
fn rule_5_inputs_are_skipped_by_id() {
    let seen =
        |seen: &Violation| matches!(seen, Violation::IdTwice(_) | Violation::AnsweredTwice(_));
    fails(
        &without(Rules {
            skip_by_id: false,
            ..Rules::ALL
        }),
        seen,
    );
}

#[test]
fn rule_6_markers_show_an_idle_owner_that_it_was_replaced() {
    fails(
        &leaving(Left {
            markers: true,
            ..Left::default()
        }),
        |seen| *seen == Violation::NoRest,
    );
}

#[test]
fn rule_7_a_torn_answer_is_completed_first() {
    let seen = |seen: &Violation| matches!(seen, Violation::Torn(_));
    fails(
        &without(Rules {
            complete_torn: false,
            ..Rules::ALL
        }),
        seen,
    );
}

#[test]
fn rule_8_an_append_that_failed_ends_the_epoch() {
    let seen = |seen: &Violation| decided_wrongly(seen) || *seen == Violation::VoidEffect;
    fails(
        &leaving(Left {
            failure_ends_epoch: true,
            ..Left::default()
        }),
        seen,
    );
}

#[test]
fn rule_9_gaps_are_read() {
    let seen = |seen: &Violation| *seen == Violation::VoidEffect;
    fails(
        &without(Rules {
            read_gaps: false,
            ..Rules::ALL
        }),
        seen,
    );
}

#[test]
fn rule_9_effects_start_for_sound_appends_only() {
    let seen = |seen: &Violation| *seen == Violation::VoidEffect;
    fails(
        &leaving(Left {
            effects_when_sound: true,
            ..Left::default()
        }),
        seen,
    );
}

#[test]
fn rule_10_routers_forward_valid_records_only() {
    fails(
        &leaving(Left {
            router_validity: true,
            ..Left::default()
        }),
        decided_wrongly,
    );
}

#[test]
fn rule_10_routers_commit_after_acknowledgement() {
    let faults = Faults {
        router_crashes: 3,
        ..Faults::NONE
    };
    let left = Left {
        router_commits_after_ack: true,
        ..Left::default()
    };
    fails(
        &Scenario {
            facts: 12,
            faults,
            left,
            ..Scenario::default()
        },
        |seen| *seen == Violation::Lost("second"),
    );
}

#[test]
fn rule_10_copies_are_chained() {
    let faults = Faults {
        router_drops: 1,
        ..Faults::default()
    };
    fails(
        &Scenario {
            faults,
            left: Left {
                router_chain: true,
                ..Left::default()
            },
            ..Scenario::default()
        },
        |seen| *seen == Violation::Lost("second"),
    );
}
