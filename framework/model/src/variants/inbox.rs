//! The inbox, as stated and with one rule left out at a time.

use super::{Expected, Variant};
use crate::inbox::rules::{Reading, Rules, World};

/// Every variant of the inbox model.
pub(super) fn variants() -> Vec<Variant> {
    use Expected::{Holds, Violated};
    let stated = Rules::stated();
    let small = World::small();
    let drops = World {
        producer_drops: true,
        ..small
    };
    let by_answers = Rules {
        reading: Reading::FromMarkersAndAnswers,
        ..stated
    };
    let holds = |rule, name, rules, world| Variant::inbox(rule, name, Holds, rules, world);
    let out =
        |rule, name, rules, world| Variant::inbox(rule, name, Violated, rules, world).seeds(0, 2);
    let no_marker_before = "inbox-read-by-answers-no-marker-before";
    vec![
        holds("6 10", "inbox-stated", stated, small),
        holds(
            "6 10",
            "inbox-two-crashes",
            stated,
            World {
                target_crashes: 2,
                ..small
            },
        )
        .seeds(0, 3),
        holds("10", "inbox-producer-drops", stated, drops),
        // Where producers drop nothing, the chain is not needed.
        holds(
            "10",
            "inbox-not-chained",
            Rules {
                chained: false,
                ..stated
            },
            small,
        ),
        holds(
            "6",
            "inbox-no-marker-before-answer",
            Rules {
                marker_before_answer: false,
                chained: false,
                ..stated
            },
            small,
        ),
        holds("6", "inbox-read-by-answers", by_answers, small),
        out(
            "6",
            no_marker_before,
            Rules {
                marker_before_answer: false,
                chained: false,
                ..by_answers
            },
            small,
        ),
        out(
            "5",
            "inbox-ignored-forgotten",
            Rules {
                remembers_ignored: false,
                chained: false,
                ..stated
            },
            small,
        ),
        out(
            "5",
            "inbox-skips-by-id-only",
            Rules {
                skips_by_position: false,
                ..stated
            },
            small,
        ),
        holds(
            "5",
            "inbox-skips-by-position-only",
            Rules {
                skips_by_id: false,
                ..stated
            },
            small,
        ),
        out(
            "6",
            "inbox-marker-counts-current-copy",
            Rules {
                marker_excludes_current: false,
                ..stated
            },
            small,
        ),
        out(
            "10",
            "router-commits-before-ack",
            Rules {
                commits_after_ack: false,
                ..stated
            },
            small,
        ),
        out(
            "10",
            "router-copies-not-chained",
            Rules {
                chained: false,
                ..stated
            },
            drops,
        ),
        out(
            "10",
            "router-goes-on-after-failure",
            Rules {
                failure_ends_router: false,
                ..stated
            },
            drops,
        ),
    ]
}
