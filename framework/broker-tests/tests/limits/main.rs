//! A broker process within its limits: memory, files and start, whatever clients send and however large the log is; and
//! a disk that is full.
//!
//! What is measured is printed; asserted are loose bounds of memory and of bytes, never of time alone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_possible_truncation,
    clippy::print_stderr,
    reason = "a test ends where something is not as it should be, and prints what it measured"
)]

#[path = "../common/mod.rs"]
mod common;

mod bystander;
mod full_disk;
mod hostile;
mod idle;
mod large_log;

use std::sync::{Mutex, MutexGuard, PoisonError};

const MB: u64 = 1_000_000;
const ANYWHERE: &str = "127.0.0.1:0";

/// Measured is one broker at a time: the tests of this binary would disturb each other.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}
