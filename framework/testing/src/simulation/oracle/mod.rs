//! Oracles: what may never be seen once everything is at rest, whatever the services are for.
//!
//! | file | question |
//! |---|---|
//! | `answers.rs` | is each answer whole, given once, in the order of its inputs, under ids of its own? |
//! | `requests.rs` | is each request answered, and was no port called for another? |
//! | `barrier.rs` | was only undone what was done, once, and did nothing happen that is barred? |
//! | `ends.rs` | did every saga come to an end? |
//! | `restored.rs` | does each owner know what another one would restore? States are compared where they have snapshots |
//! | `decisions.rs` | does deciding again give what was recorded, and nothing more? |
//!
//! All but the last two read the topics with nothing but the reader of streams; the last asks the declarations, with every
//! rule in force.

mod answers;
mod barrier;
mod decisions;
mod ends;
mod requests;
mod restored;

use super::seen::Seen;
use super::violation::{Oracle, Violation};

/// Asks those that have an answer also before every saga has ended.
pub(crate) fn along_the_way(seen: &Seen<'_>) -> Result<(), Violation> {
    answers::check(seen)?;
    requests::check(seen)?;
    barrier::check(seen)?;
    restored::check(seen)?;
    decisions::check(seen)
}

/// Asks all of them, and then the invariants of the test.
pub(crate) fn at_rest(seen: &Seen<'_>) -> Result<(), Violation> {
    along_the_way(seen)?;
    ends::check(seen)?;
    for invariant in &seen.world.plan.invariants {
        (invariant.holds)(seen).map_err(|message| {
            Violation::new(Oracle::Invariant(invariant.name.clone()), message)
        })?;
    }
    Ok(())
}
