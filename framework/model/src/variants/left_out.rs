//! The stream with one rule left out at a time, or kept by half.

use super::stated::{ALONE, ONE_AND_TWO, ONE_EACH, ONE_LOG, REPEATED, TWO_AND_ONE, laggards};
use super::{Expected, Variant};
use crate::stream::rules::{
    Effects, OlderVersion, Positions, ReadersKeep, Rules, TornAnswers, Validity, Versions, World,
};

/// The protocol with one rule left out, or kept by half.
pub(super) fn variants() -> Vec<Variant> {
    use Expected::{Holds, Violated};
    let stated = Rules::stated();
    let on = World::with;
    let out = |rule, name, rules, world| Variant::stream(rule, name, Violated, rules, world);
    let harmless = |rule, name, rules, world| Variant::stream(rule, name, Holds, rules, world);
    let drops = World {
        producer_drops: true,
        ..on(ONE_LOG)
    };
    let resends = World {
        producer_resends: true,
        ..on(ONE_LOG)
    };
    let election = World {
        unclean_election: true,
        window: 1,
        faults: 2,
        ..on(ONE_EACH)
    };
    let deploy = World {
        versions: Versions::Deploy,
        ..on(REPEATED)
    };
    let deadline = World {
        deadline: true,
        ..on(ALONE)
    };
    vec![
        out(
            "1",
            "no-fence",
            Rules {
                validity: Validity::Everything,
                ..stated
            },
            on(REPEATED),
        ),
        out(
            "1",
            "older-version-takes-over",
            Rules {
                older_version: OlderVersion::TakesOver,
                ..stated
            },
            laggards(),
        )
        .seeds(2, 4),
        out(
            "1",
            "older-version-asks-last-fence",
            Rules {
                older_version: OlderVersion::RefusedByLastFence,
                ..stated
            },
            laggards(),
        )
        .seeds(2, 4),
        out(
            "2",
            "any-fence-is-valid",
            Rules {
                validity: Validity::AnyFence,
                ..stated
            },
            on(REPEATED),
        ),
        out(
            "2",
            "no-nonce",
            Rules {
                nonce: false,
                ..stated
            },
            election,
        )
        .seeds(0, 1),
        out(
            "2",
            "no-numbers-drops",
            Rules {
                numbers: false,
                ..stated
            },
            drops,
        )
        .seeds(3, 5),
        out(
            "2",
            "no-numbers-resends",
            Rules {
                numbers: false,
                ..stated
            },
            resends,
        ),
        out(
            "3",
            "restores-before-ack",
            Rules {
                restores_after_ack: false,
                ..stated
            },
            on(REPEATED),
        ),
        out(
            "3",
            "origin-by-name",
            Rules {
                origin_by_topic_id: false,
                ..stated
            },
            World {
                input_recreated: true,
                ..on(TWO_AND_ONE)
            },
        ),
        out(
            "4",
            "commits-before-ack",
            Rules {
                positions: Positions::CommittedBeforeAck,
                markers: false,
                ..stated
            },
            on(REPEATED),
        ),
        out(
            "4",
            "commits-after-ack",
            Rules {
                positions: Positions::CommittedAfterAck,
                markers: false,
                ..stated
            },
            on(ONE_AND_TWO),
        )
        .seeds(8, 9),
        out(
            "4",
            "readers-keep-offset-only",
            Rules {
                readers_keep: ReadersKeep::OffsetOnly,
                ..stated
            },
            on(REPEATED),
        ),
        out(
            "4",
            "readers-keep-no-number",
            Rules {
                readers_keep: ReadersKeep::EpochNonce,
                ..stated
            },
            resends,
        ),
        out(
            "5",
            "skips-by-position-only",
            Rules {
                skips_by_id: false,
                ..stated
            },
            on(REPEATED),
        )
        .seeds(3, 4),
        harmless(
            "6",
            "no-markers",
            Rules {
                markers: false,
                ..stated
            },
            on(REPEATED),
        ),
        out(
            "7",
            "torn-ignored",
            Rules {
                torn: TornAnswers::Ignored,
                ..stated
            },
            on(REPEATED),
        )
        .seeds(3, 4),
        out(
            "7",
            "torn-completed-when-read-again",
            Rules {
                torn: TornAnswers::CompletedWhenReadAgain,
                ..stated
            },
            on(ONE_EACH),
        )
        .seeds(7, 8),
        out(
            "7",
            "deploy-decides-again",
            Rules {
                first_carries_rest: false,
                ..stated
            },
            deploy,
        ),
        out(
            "8",
            "failure-does-not-end-epoch",
            Rules {
                failure_ends_epoch: false,
                ..stated
            },
            drops,
        ),
        out(
            "8",
            "assigned-is-an-event",
            Rules {
                takes_over_again: false,
                ..stated
            },
            on(REPEATED),
        ),
        out(
            "8",
            "membership-not-confirmed",
            Rules {
                confirms_membership: false,
                ..stated
            },
            on(REPEATED),
        ),
        out(
            "9",
            "gap-not-read",
            Rules {
                reads_the_gap: false,
                ..stated
            },
            on(REPEATED),
        ),
        out(
            "9",
            "effects-on-any-ack",
            Rules {
                effects: Effects::AnyAcknowledgement,
                ..stated
            },
            on(REPEATED),
        ),
        out(
            "9",
            "effects-on-send",
            Rules {
                effects: Effects::OnSend,
                ..stated
            },
            on(REPEATED),
        ),
        out(
            "12",
            "deadline-by-the-clock",
            Rules {
                deadline_behind_backlog: false,
                ..stated
            },
            deadline,
        ),
        out(
            "12",
            "deadline-without-marker",
            Rules {
                marker_before_deadline: false,
                ..stated
            },
            deadline,
        )
        .seeds(2, 2),
    ]
}
