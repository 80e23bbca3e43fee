//! Which broker is tested: the only file that knows.

use std::sync::OnceLock;
use std::time::Duration;

use kolo_broker::Broker;

/// The address of the broker under test.
pub(crate) fn bootstrap() -> &'static str {
    static ADDRESS: OnceLock<String> = OnceLock::new();
    ADDRESS.get_or_init(|| std::env::var("KOLO_TEST_BOOTSTRAP").unwrap_or_else(|_| embedded()))
}

/// Whether the broker under test is kolo's own, which a test may ask for what Apache Kafka does otherwise.
pub(crate) fn is_embedded() -> bool {
    std::env::var_os("KOLO_TEST_BOOTSTRAP").is_none()
        || std::env::var_os("KOLO_TEST_EMBEDDED").is_some()
}

/// Starts the embedded broker, once for the test binary.
fn embedded() -> String {
    static BROKER: OnceLock<Broker> = OnceLock::new();
    let broker = BROKER.get_or_init(|| {
        Broker::builder()
            .clean_interval(Duration::from_millis(200))
            .start_blocking()
            .expect("the embedded broker starts")
    });
    broker.bootstrap()
}
