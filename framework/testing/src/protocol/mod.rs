//! The fenced log, put to the test.

mod action;
mod domain;
mod events;
mod explore;
mod fold;
mod history;
mod invariants;
pub(crate) mod log;
mod owner;
mod port;
mod producer;
mod router;
mod scenario;
mod settle;
mod world;

pub use explore::{Choices, Failure, first_failure, replay, walk};
pub use invariants::Violation;
pub use scenario::{Faults, Left, Scenario};
