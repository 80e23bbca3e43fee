//! Waking a worker's thread from anywhere.

use std::sync::{Arc, OnceLock};
use std::thread::Thread;
use std::time::Duration;

/// Wakes one thread. A wake-up before the thread sleeps is not lost: its next sleep ends at once.
#[derive(Clone, Default)]
pub(crate) struct Waker(Arc<OnceLock<Thread>>);

impl Waker {
    /// Names the calling thread as the one to wake.
    pub(crate) fn bind(&self) {
        let _ = self.0.set(std::thread::current());
    }

    pub(crate) fn wake(&self) {
        if let Some(thread) = self.0.get() {
            thread.unpark();
        }
    }

    /// Sleeps until woken, or for `at_most`. Call it on the bound thread only.
    pub(crate) fn sleep(at_most: Duration) {
        std::thread::park_timeout(at_most);
    }
}
