//! Each invariant of the audit on records made by hand: books that balance, and for each way in which they may not, the
//! violation that names it. The headers are written by the framework, which the audit shares no code with.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod ends;
mod hand;
mod links;
mod money;
mod reading;
mod stock;
