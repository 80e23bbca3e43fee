//! What kolo relies on of a Kafka broker: see the crate's front page.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its numbers are small"
)]

mod common;

mod admin;
mod apis;
mod commits;
mod compaction;
mod compression;
mod fetch;
mod group_admin;
mod groups;
mod hostile;
mod idempotence;
mod long_poll;
mod membership;
mod model;
mod offsets;
mod produce;
mod records;
mod refused_appends;
mod refused_topics;
mod retention;
mod static_members;
mod topics;
mod transactions;
