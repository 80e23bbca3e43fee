//! Waiting for what must come.

use std::time::{Duration, Instant};

/// How long a case waits for what must come: far longer than it takes, for machines that are busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The time now, in milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    std::time::UNIX_EPOCH
        .elapsed()
        .expect("after 1970")
        .as_millis() as i64
}

/// Asks again and again until there is an answer; fails the case with `what` when none comes.
pub(crate) fn await_some<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < until, "waited {PATIENCE:?} for {what}");
        // Only spares the processor between two questions.
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// Asks again and again until it is so.
pub(crate) fn await_that(what: &str, mut ask: impl FnMut() -> bool) {
    await_some(what, || ask().then_some(()));
}
