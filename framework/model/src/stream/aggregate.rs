//! The aggregate: arbitrary but deterministic decisions, drawn from the seed, over a state of five values.

use super::rules::World;
use super::state::DEADLINE_ID;
use crate::explore::mix;

/// How many events a declaration of `version` answers the input `id` with in `state`: 0, 1 or 2; a deadline that
/// fires always appends something.
pub(crate) fn decide(world: &World, version: u8, state: u8, id: u8) -> u8 {
    let question = u64::from(version) * 1000 + u64::from(state) * 31 + u64::from(id) * 7 + 12345;
    let drawn = mix(world.seed.wrapping_mul(7919).wrapping_add(question)) % 3;
    let events = u8::try_from(drawn).unwrap_or(0);
    if id == DEADLINE_ID {
        events.max(1)
    } else {
        events
    }
}

/// The fold; it does not commute, so that order shows.
pub(crate) const fn evolve(state: u8, id: u8, index: u8) -> u8 {
    (2 * state + id + index + 1) % 5
}
