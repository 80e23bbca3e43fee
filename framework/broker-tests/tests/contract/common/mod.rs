//! What the cases share: names of their own, patience, and the clients.

pub(crate) mod admin;
pub(crate) mod broker;
pub(crate) mod calls;
pub(crate) mod delete;
pub(crate) mod errors;
pub(crate) mod member;
pub(crate) mod raw;
pub(crate) mod raw_member;
pub(crate) mod reader;
pub(crate) mod sender;

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;

/// How long a case waits for what must come: far longer than it takes, for machines that are busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A name for a topic, a group or a member that nothing else has, in this run or an earlier one on the same broker.
pub(crate) fn unique(what: &str) -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    format!("contract-{what}-{}", &id[..12])
}

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

/// Settings of a librdkafka client of the broker under test.
pub(crate) fn client() -> ClientConfig {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", broker::bootstrap())
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "500");
    client
}
