//! What the embedded registry does beyond what every registry does: its log, its limits, and what goes wrong on request.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking; its helpers are no test functions, which clippy would let pass"
)]

mod client;
mod guard;
mod kafka;
mod kept;
mod limits;
