//! The stream as stated, in the worlds that are there to break it.

use super::{Expected, Variant};
use crate::stream::rules::{Rules, Versions, World};

/// Two inputs on one log, and the first one's repeat on the other.
pub(super) const REPEATED: [&[u8]; 2] = [&[0, 1], &[0]];
/// Two inputs on one log.
pub(super) const ONE_LOG: [&[u8]; 2] = [&[0, 1], &[]];
/// One input on each log.
pub(super) const ONE_EACH: [&[u8]; 2] = [&[0], &[1]];
/// One input.
pub(super) const ALONE: [&[u8]; 2] = [&[0], &[]];
/// One input on one log and two on the other.
pub(super) const ONE_AND_TWO: [&[u8]; 2] = [&[0], &[1, 2]];
/// Two inputs on one log and one on the other, none repeated.
pub(super) const TWO_AND_ONE: [&[u8]; 2] = [&[0, 1], &[2]];

/// Owners of an older version among newer ones.
pub(super) const fn laggards() -> World {
    World {
        versions: Versions::Laggards,
        faults: 2,
        ..World::with(ONE_LOG)
    }
}

/// The protocol as stated, in the worlds that are there to break it.
pub(super) fn variants() -> Vec<Variant> {
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
