//! The checks of a choreography: for each code a small domain that has the finding, and one that has not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "../common/mod.rs"]
#[macro_use]
mod common;

mod accepting;
mod compensations;
mod docs;
mod domain;
mod drawing;
mod ends;
mod events;
mod gate;
mod manifests;
mod many;
mod owners;
mod sagas;
mod waits;
