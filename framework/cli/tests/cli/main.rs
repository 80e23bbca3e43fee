//! The command as a process: what it prints, and its exit code.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking; its helpers are no test functions, which clippy would let pass"
)]

mod alike;
mod backup;
mod check;
mod common;
mod damaged;
mod dev;
mod explain;
mod export;
mod follow;
mod gone;
mod import;
mod index;
mod lag;
#[path = "../../../core/tests/common/mod.rs"]
mod model;
mod moved;
mod new;
mod owned;
mod publish;
mod refused;
mod restored;
mod sagas;
mod schema;
mod stream;
mod tail;
mod topics;
mod unusable;
mod usage;
