//! The load, published from a thread of the test, as fast as orders end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{anyhow, bail};
use indicatif::ProgressBar;
use kolo::Config;
use shop::load::{Plan, Publisher, publish_orders, topics};

/// How many orders may be on their way. So a run lasts for as long as it is struck, however long that takes: whatever is
/// struck has work, or will have.
const ON_THEIR_WAY: u64 = 1_000;

/// Publishes until all is published, or it is dropped.
#[derive(Debug)]
pub struct Publishing {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

impl Publishing {
    /// Publishes the orders of a plan, when `ended` orders have ended before.
    pub(crate) fn start(config: Config, plan: Plan, ended: Arc<AtomicU64>) -> Publishing {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let before = ended.load(Ordering::Relaxed);
        let thread = std::thread::spawn(move || {
            let mut publisher = Publisher::connect(&config, &topics())?;
            let published = ProgressBar::hidden();
            publish_orders(plan, None, &mut publisher, &published, || {
                while before + published.position() > ended.load(Ordering::Relaxed) + ON_THEIR_WAY {
                    if stopped.load(Ordering::Relaxed) {
                        bail!("it was stopped");
                    }
                    std::thread::sleep(Duration::from_millis(5));
                }
                Ok(())
            })
        });
        Publishing {
            stop,
            thread: Some(thread),
        }
    }

    /// Waits until all is published.
    ///
    /// # Errors
    /// When something could not be published.
    pub fn finish(mut self) -> anyhow::Result<()> {
        let outcome = self.thread.take().map(JoinHandle::join);
        outcome.map_or(Ok(()), |outcome| {
            outcome.map_err(|_| anyhow!("the publisher panicked"))?
        })
    }
}

impl Drop for Publishing {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Whoever drops it early does not care how it ends.
            let _ = thread.join();
        }
    }
}
