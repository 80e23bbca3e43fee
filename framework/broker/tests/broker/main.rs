//! The broker over TCP, with nothing in between but the messages of the protocol.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

mod client;

mod bytes;
mod encodings;
mod faults;
mod life;
mod records;
