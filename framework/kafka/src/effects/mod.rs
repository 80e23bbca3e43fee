//! Effects: ports are called here, after their requests were found sound, until there is a definitive reply.
//!
//! One pool serves a process. A worker owns the requests of a partition through its [`Ownership`]; what ends, with a
//! reply or without one, comes back to it as [`Ended`].
//!
//! | module | idea |
//! |---|---|
//! | `pool` | the task that begins calls, and what a call is |
//! | `schedule` | who may be called next: keys in order, limits of the process |
//! | `keys` | the requests of one owner, in order by key |
//! | `lane` | one effect: who waits for a call, and whether one may be made |
//! | `job` | one request: what happened to it so far |
//! | `breaker`, `rate` | when a lane makes no call |
//! | `report` | what a lane logs, without a line for each failure |
//! | `pending` | what others may see |
//! | `failing` | what is told of the effects whose calls fail |
//! | `ownership` | a partition's requests, as its worker holds them |
//! | `adapters` | adapters with their types erased |

mod adapters;
mod breaker;
mod failing;
mod job;
mod keys;
mod lane;
mod ownership;
mod pending;
mod pool;
mod rate;
mod report;
mod schedule;
#[cfg(test)]
mod tests;

pub(crate) use adapters::Adapters;
pub(crate) use failing::{FailingEffect, FailingEffects};
pub(crate) use keys::OwnerId;
pub(crate) use ownership::{AggregateEffects, Ended, Ownership, ReplyTo};
pub(crate) use pending::LaneStanding;
pub use pending::{BreakerState, PendingEffect, Progress};
pub(crate) use pool::EffectPool;
