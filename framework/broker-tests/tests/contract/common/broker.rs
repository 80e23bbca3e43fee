//! Which broker is tested: the only file that knows.

use std::sync::OnceLock;

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
    panic!(
        "name a broker in KOLO_TEST_BOOTSTRAP, for instance by running this with scripts/test -p kolo-broker-tests"
    )
}
