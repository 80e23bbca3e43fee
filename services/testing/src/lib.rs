//! Walks services through their orders of arrival, in one process and without Kafka. The processors are the real ones;
//! topics are vectors.
//!
//! # Layout
//! - [`World`]: topics, aggregates, routers and the outside; which [`Step`]s can be taken next, and what each does
//! - [`explore`]: every order of steps, each state once
//! - [`walk`]: one order of steps drawn from a seed, with owners that crash and replies that get lost
//!
//! There is one partition. An order of arrival is about one key, and keys do not meet but through routed events.

mod explore;
mod member;
mod record;
mod walk;
mod world;

pub use explore::explore;
pub use walk::walk;
pub use world::{Outside, Step, World};

/// The examples of `docs/testing.md`, which are about the sample's services.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/testing.md")]
struct TestingPage;
