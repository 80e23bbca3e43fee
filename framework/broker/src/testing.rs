//! One broker for all tests of a binary: a real one where that is named, the embedded one everywhere else.
//!
//! A test that asks [`bootstrap`] for its broker needs nothing installed, and runs unchanged on an Apache Kafka:
//!
//! ```sh
//! cargo test                                        # on the embedded broker
//! KOLO_TEST_BOOTSTRAP=127.0.0.1:9092 cargo test     # the same tests, on that broker
//! ```
//!
//! All tests of a binary share it, and a broker that is named keeps what earlier runs wrote: give each test topics and
//! groups of its own. A test that wants [faults](crate::faults), or a broker to itself, starts one with
//! [`Broker::builder`].

use std::sync::OnceLock;
use std::time::Duration;

use crate::Broker;

/// The variable that names the broker to test on.
pub const VARIABLE: &str = "KOLO_TEST_BOOTSTRAP";

/// The address of the broker to test on, for `bootstrap.servers`: the one that `KOLO_TEST_BOOTSTRAP` names, or an
/// embedded one.
///
/// The embedded one is started by the first call and ends with the process. It is in memory, gives a topic 6 partitions
/// unless told, creates no topic that nobody asked it to create, and looks every 0.5 s for what retention and compaction
/// may drop: as the Apache Kafka of kolo's `scripts/kafka/start`.
///
/// ```
/// use kolo_broker::testing;
///
/// assert!(testing::bootstrap().contains(':'));
/// assert_eq!(testing::bootstrap(), testing::bootstrap());
/// ```
///
/// # Panics
/// If the embedded broker does not start: the system gives it no port or no threads.
#[must_use]
pub fn bootstrap() -> &'static str {
    static ADDRESS: OnceLock<String> = OnceLock::new();
    ADDRESS.get_or_init(|| named(std::env::var(VARIABLE).ok()).unwrap_or_else(embedded))
}

/// An empty variable names nothing: so a shell unsets it for one command.
fn named(variable: Option<String>) -> Option<String> {
    variable.filter(|address| !address.trim().is_empty())
}

fn embedded() -> String {
    static BROKER: OnceLock<Broker> = OnceLock::new();
    let broker = BROKER.get_or_init(|| {
        let builder = Broker::builder()
            .partitions(6)
            .auto_create_topics(false)
            .clean_interval(Duration::from_millis(500));
        builder
            .start_blocking()
            .unwrap_or_else(|error| panic!("the embedded broker does not start: {error}"))
    });
    broker.bootstrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_that_is_named_is_used() {
        let kafka = "kafka:9092".to_owned();
        assert_eq!(named(Some(kafka.clone())), Some(kafka));
        assert_eq!(named(Some(" ".to_owned())), None);
        assert_eq!(named(None), None);
    }

    #[test]
    fn the_embedded_one_is_started_once() {
        let address = embedded();
        assert_eq!(embedded(), address);
        std::net::TcpStream::connect(&address).unwrap();
    }
}
