//! Faults on the real services, on a real Kafka or the embedded broker.
//!
//! Each test gets an empty broker, a gateway, and the services as processes of their own. Processes are killed, paused
//! and cut off at moments that are drawn from a seed, which is printed; everything else waits for progress. In the end
//! every order must have ended, and the audit, which shares no code with the services, must find the books in balance.
//!
//! `scripts/faults` builds what is needed and runs the tests.
//!
//! # Layout
//! - [`Shop`]: the whole, and how a test ends
//! - [`Broker`], [`Child`], [`Registry`]: what is killed
//! - [`Watch`]: what the topics tell while a test runs
//! - [`Planted`]: a few orders that a test finds again; [`Transcript`]: what commands say of them, held against a page
//! - [`campaign`]: a load with faults at random moments, and how long each took to recover from

mod address;
pub mod broker;
pub mod campaign;
pub mod child;
pub mod parked;
pub mod planted;
pub mod poison;
pub mod proxy;
pub mod publish;
pub mod registry;
pub mod shop;
pub mod topics;
pub mod transcript;
pub mod watch;
pub mod zombie;

use std::time::{Duration, Instant};

pub use broker::Broker;
pub use child::Child;
pub use parked::Parked;
pub use planted::Planted;
pub use poison::{Poison, Poisoner};
pub use registry::Registry;
pub use shop::{Load, Service, Shop, quick, run_test, say};
pub use transcript::Transcript;
pub use watch::Watch;

/// How long to wait between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// Waits until something holds.
///
/// # Errors
/// When it does not in time, or cannot be asked.
pub fn await_that(
    what: &str,
    patience: Duration,
    mut holds: impl FnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !holds()? {
        anyhow::ensure!(
            begun.elapsed() < patience,
            "waited {patience:?} in vain until {what}"
        );
        std::thread::sleep(LOOK);
    }
    Ok(())
}
