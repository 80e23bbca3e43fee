//! The table of variants: the protocol as stated in several worlds, and the protocol with one rule left out at a time.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::explore::{self, Search, Walks};
use crate::inbox::{self, Inbox};
use crate::stream::Stream;
use crate::stream::rules::{
    Effects, OlderVersion, Positions, ReadersKeep, Rules, TornAnswers, Validity, Versions, World,
};

/// What a search of a variant must find.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// No violation, in a complete search.
    Holds,
    /// A violation, for at least one seed.
    Violated,
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// Its name on the command line.
    pub name: &'static str,
    /// The rule of `docs/protocol.md` that it is about.
    pub rule: &'static str,
    /// What its search must find.
    pub expected: Expected,
    /// The seeds that a full run searches.
    pub seeds: (u64, u64),
    model: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Stream(Stream),
    Inbox(Inbox),
}

impl Variant {
    const fn stream(
        rule: &'static str,
        name: &'static str,
        expected: Expected,
        rules: Rules,
        world: World,
    ) -> Self {
        Self {
            name,
            rule,
            expected,
            seeds: (0, 11),
            model: Kind::Stream(Stream { rules, world }),
        }
    }

    const fn inbox(
        rule: &'static str,
        name: &'static str,
        expected: Expected,
        rules: inbox::rules::Rules,
        world: inbox::rules::World,
    ) -> Self {
        Self {
            name,
            rule,
            expected,
            seeds: (0, 15),
            model: Kind::Inbox(Inbox { rules, world }),
        }
    }

    const fn seeds(mut self, first: u64, last: u64) -> Self {
        self.seeds = (first, last);
        self
    }

    /// The variant's own seeds as a range.
    #[must_use]
    pub const fn own_seeds(&self) -> RangeInclusive<u64> {
        self.seeds.0..=self.seeds.1
    }

    /// The variant with another budget of faults.
    #[must_use]
    pub const fn with_faults(mut self, faults: u8) -> Self {
        match &mut self.model {
            Kind::Stream(stream) => stream.world.faults = faults,
            Kind::Inbox(inbox) => inbox.world.router_faults = faults,
        }
        self
    }

    /// The variant in bounds that a test has time for: few seeds where it must hold, and fewer crashes.
    #[must_use]
    pub const fn quick(mut self) -> Self {
        if matches!(self.expected, Expected::Holds) && self.seeds.1 > 3 {
            self.seeds = (3, 3);
        }
        match &mut self.model {
            Kind::Stream(stream) if stream.world.unclean_election => self.seeds = (0, 0),
            Kind::Stream(stream) if matches!(stream.world.versions, Versions::Laggards) => {
                stream.world.faults = 1;
            }
            Kind::Stream(_) => {}
            Kind::Inbox(inbox) => {
                inbox.world.target_crashes = 1;
                inbox.world.records = [2, 1];
            }
        }
        self
    }

    /// Searches all runs with the decisions that `seed` draws.
    #[must_use]
    pub fn search(&self, seed: u64, limit_states: usize) -> Search {
        match self.model {
            Kind::Stream(mut stream) => {
                stream.world.seed = seed;
                explore::search(&stream, limit_states)
            }
            Kind::Inbox(mut inbox) => {
                inbox.world.seed = seed;
                explore::search(&inbox, limit_states)
            }
        }
    }

    /// Takes random walks with the decisions that `seed` draws.
    #[must_use]
    pub fn walk(&self, seed: u64, budget: Duration) -> Walks {
        match self.model {
            Kind::Stream(mut stream) => {
                stream.world.seed = seed;
                explore::walk(&stream, seed, budget)
            }
            Kind::Inbox(mut inbox) => {
                inbox.world.seed = seed;
                explore::walk(&inbox, seed, budget)
            }
        }
    }
}

/// Every variant, in the order of the rules.
#[must_use]
pub fn variants() -> Vec<Variant> {
    let mut all = stream_as_stated();
    all.extend(stream_left_out());
    all.extend(inbox_variants());
    all
}

/// Two inputs on one log, and the first one's repeat on the other.
const REPEATED: [&[u8]; 2] = [&[0, 1], &[0]];
/// Two inputs on one log.
const ONE_LOG: [&[u8]; 2] = [&[0, 1], &[]];
/// One input on each log.
const ONE_EACH: [&[u8]; 2] = [&[0], &[1]];
/// One input.
const ALONE: [&[u8]; 2] = [&[0], &[]];
/// One input on one log and two on the other.
const ONE_AND_TWO: [&[u8]; 2] = [&[0], &[1, 2]];
/// Two inputs on one log and one on the other, none repeated.
const TWO_AND_ONE: [&[u8]; 2] = [&[0, 1], &[2]];

/// Owners of an older version among newer ones.
const fn laggards() -> World {
    World {
        versions: Versions::Laggards,
        faults: 2,
        ..World::with(ONE_LOG)
    }
}

/// The protocol as stated, in the worlds that are there to break it.
fn stream_as_stated() -> Vec<Variant> {
    use Expected::Holds;
    let stated = Rules::stated();
    let on = World::with;
    let holds = |rule, name, world| Variant::stream(rule, name, Holds, stated, world);
    vec![
        holds("all", "stated", on(REPEATED)),
        holds("all", "stated-no-repeats", on(TWO_AND_ONE)).seeds(0, 5),
        holds(
            "all",
            "stated-two-faults",
            World {
                faults: 2,
                ..on(ALONE)
            },
        )
        .seeds(0, 2),
        holds("1", "versions-laggards", laggards()).seeds(3, 3),
        holds(
            "2",
            "unclean-election",
            World {
                unclean_election: true,
                window: 1,
                faults: 2,
                ..on(ONE_EACH)
            },
        )
        .seeds(0, 1),
        holds(
            "2 8",
            "producer-drops",
            World {
                producer_drops: true,
                ..on(ONE_LOG)
            },
        ),
        holds(
            "2 9",
            "producer-resends",
            World {
                producer_resends: true,
                ..on(ONE_LOG)
            },
        ),
        holds(
            "2 8 9",
            "producer-drops-and-resends",
            World {
                producer_drops: true,
                producer_resends: true,
                faults: 2,
                ..on(ALONE)
            },
        )
        .seeds(0, 2),
        holds(
            "3",
            "input-recreated",
            World {
                input_recreated: true,
                ..on(TWO_AND_ONE)
            },
        ),
        holds(
            "7",
            "deploy",
            World {
                versions: Versions::Deploy,
                ..on(REPEATED)
            },
        ),
        holds(
            "12",
            "deadline",
            World {
                deadline: true,
                ..on(ALONE)
            },
        ),
    ]
}

/// The protocol with one rule left out, or kept by half.
fn stream_left_out() -> Vec<Variant> {
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

fn inbox_variants() -> Vec<Variant> {
    use Expected::{Holds, Violated};
    use inbox::rules::{Reading, Rules, World};
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
    let out = |rule, name, rules, world| Variant::inbox(rule, name, Violated, rules, world);
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
        holds(
            "6 10",
            "inbox-three-records",
            stated,
            World {
                records: [3, 1],
                ..small
            },
        )
        .seeds(3, 3),
        holds("10", "inbox-producer-drops", stated, drops),
        holds(
            "6",
            "inbox-no-marker-before-answer",
            Rules {
                marker_before_answer: false,
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
