//! Which broker is tested: the only file that knows.

use std::env::{var, var_os};
use std::sync::OnceLock;
use std::time::Duration;

use kolo_broker::Broker;

use super::raw::Raw;

/// Names a broker that runs already. Without it the embedded one is started, once for the test binary.
const BOOTSTRAP: &str = "KOLO_TEST_BOOTSTRAP";

/// Says that the broker so named is kolo's own, running as a command.
const IS_EMBEDDED: &str = "KOLO_TEST_EMBEDDED";

/// A directory for the embedded broker's data, which is in memory otherwise.
const DATA_DIR: &str = "KOLO_TEST_DATA_DIR";

/// The address of the broker under test.
pub(crate) fn bootstrap() -> &'static str {
    static ADDRESS: OnceLock<String> = OnceLock::new();
    ADDRESS.get_or_init(|| var(BOOTSTRAP).unwrap_or_else(|_| embedded().bootstrap()))
}

impl Raw {
    pub(crate) fn connect() -> Self {
        Raw::connect_to(bootstrap())
    }
}

/// Whether the broker under test is kolo's own, which a case may ask for what Apache Kafka does otherwise.
pub(crate) fn is_embedded() -> bool {
    var_os(BOOTSTRAP).is_none() || var_os(IS_EMBEDDED).is_some()
}

/// The embedded broker. It ends with the process, without a goodbye.
fn embedded() -> &'static Broker {
    static BROKER: OnceLock<Broker> = OnceLock::new();
    BROKER.get_or_init(|| {
        // As often as the Kafka of scripts/kafka/start looks.
        let mut builder = Broker::builder().clean_interval(Duration::from_millis(500));
        if let Some(dir) = var_os(DATA_DIR) {
            builder = builder.data_dir(dir);
        }
        builder
            .start_blocking()
            .expect("the embedded broker starts")
    })
}
