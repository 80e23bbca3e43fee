//! The fenced log, put to the test: a simulation of two aggregates whose decisions depend on all that their state ever was,
//! so that any event too many, too few or out of place shows in what is decided next.
//!
//! What the simulation's oracles ask of any services, this asks once more of its own by a fold that knows no processor.
//!
//! | file | idea |
//! |---|---|
//! | `domain.rs` `events.rs` | the two aggregates and their events |
//! | `fold.rs` | what is said to an input on a state |
//! | `history.rs` | the valid part of a stream, each answer decided by the fold |
//! | `judge.rs` | every input has its answer, or nothing was to be said to it |

mod domain;
mod events;
mod fold;
mod history;
mod judge;

use crate::simulation::{Fact, Faults, Simulation};

/// How many facts a run has at most, unless told.
const FACTS: u8 = 5;

/// What may fail in these runs; recreations of a topic are among it, since its facts may come in any order here.
pub const FAULTS: Faults = Faults {
    recreations: 1,
    waits: 0,
    ..Faults::USUAL
};

/// A simulation of the protocol, of up to five facts.
pub fn simulation() -> Simulation {
    of_facts(FACTS)
}

/// The same, of up to so many facts.
pub fn of_facts(facts: u8) -> Simulation {
    Simulation::of([domain::service(1)])
        .partitions(1)
        .deploys([domain::service(2)])
        .port::<domain::Oracle>(domain::reply)
        .sagas(facts, |n, _| vec![Fact::of(&domain::fact(n))])
        .faults(FAULTS)
        .steps(200)
        .invariant("a plain fold", judge::judge)
}
