//! The simulator: real declarations and the real processor, in a world in which everything that can fail does.
//!
//! A [`Simulation`] takes services as they are declared, ports that reply, and what each saga publishes. A run lets things happen
//! in an order that is drawn from a seed: partitions and services overtake each other, owners crash, are replaced
//! and go on writing, acknowledgements and replies are lost, routers repeat themselves, time passes while nobody looks. Then
//! the faults cease, everything comes to rest, and the oracles look at the topics: no id twice, whole answers, each input decided once,
//! each request answered once, what an owner knows is what another one would restore, every saga ended; and the invariants
//! that the test gives.
//!
//! A run that fails is shrunk to a few steps and told as a story, with the line that runs it again.
//!
//! # Layout
//!
//! | file | idea |
//! |---|---|
//! | `builder.rs` | [`Simulation`]: what is simulated |
//! | `explore.rs` | many runs: by seeds, for a time, as a test |
//! | `together.rs` | [`Together`]: the same services without faults, one step of a test at a time |
//! | `failure.rs` | what a failed run says |
//! | `plan.rs` `cast.rs` | what is the same in every run; who takes part |
//! | `fact.rs` `draw.rs` `faults.rs` | what is published, what is drawn, what may fail and how often |
//! | `log.rs` `producer.rs` `commits.rs` | topics; records in flight, which arrive in order, late, twice or never; what groups commit |
//! | `model.rs` | these three by themselves, so that they can be held against a broker |
//! | `owner.rs` `router.rs` `outside.rs` | who writes: what the shell does, step by step; ports with a ledger |
//! | `world.rs` `step.rs` `possible.rs` `act.rs` | all of them together; what can happen, and what it does |
//! | `calm.rs` | no faults any more: everything comes to rest |
//! | `exhaustive.rs` `digest.rs` | every schedule of a small world, each state once |
//! | `run.rs` `script.rs` `shrink.rs` | one run; a run as text; a smaller one that shows the same |
//! | `seen.rs` `story.rs` | what is seen of a world, as events and as words |
//! | `oracle/` `violation.rs` | what may never be seen |
//! | `broken.rs` | rules that are left out, to show that it is seen |

mod act;
mod broken;
mod builder;
mod calm;
mod cast;
mod commits;
mod digest;
mod draw;
mod exhaustive;
mod explore;
mod fact;
mod failure;
mod faults;
mod log;
pub mod model;
mod oracle;
mod outside;
mod owner;
mod plan;
mod possible;
mod producer;
mod router;
mod run;
mod script;
mod seen;
mod shrink;
mod step;
mod story;
mod together;
mod violation;
mod world;

pub use broken::Broken;
pub use builder::Simulation;
pub use draw::Draw;
pub use exhaustive::Visited;
pub use explore::Explored;
pub use fact::Fact;
pub use failure::Failure;
pub use faults::Faults;
pub(crate) use log::judged;
pub use seen::Seen;
pub use together::Together;
pub use violation::{Oracle, Violation};
