//! The HTTP API of the order service, as its clients see it: the binary as a process, on an embedded broker.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot be set up fails"
)]

mod cancel;
mod contract;
mod look;
mod outage;
mod place;
mod process;
mod support;
