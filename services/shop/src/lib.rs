//! The sample shop, whole.
//!
//! - [`demo`]: topics, services and gateway in one process, a load, and the audit of what came of it
//! - [`load`]: publishes stock, orders and cancellations, and nothing else
//! - [`audit`]: reads the topics and the gateway's ledger, and says whether the books balance
//! - [`gateway`]: the sandbox that stands for the payment provider

pub mod audit;
mod connect;
pub mod demo;
pub mod gateway;
pub mod load;
mod run;

use std::io::Write;

pub use connect::ConnectArgs;
pub use run::{NO_FUNDS, NoRun, RunId};

/// Writes a line to stdout, at once: another program may be waiting for it.
pub(crate) fn print(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
