//! The command as a process: what it prints, and its exit code.

mod common;
mod follow;
mod publish;
mod stream;
mod tail;
mod topics;
mod usage;
