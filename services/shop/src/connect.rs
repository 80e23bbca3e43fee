//! How commands find the broker.

use std::path::PathBuf;

use clap::Args;
use kolo::Config;
use kolo_broker::{Broker, StartError};

/// What to do when no broker answers, for the end of a message.
pub(crate) const START_ONE: &str = "`kolo dev` starts one for development, scripts/kafka/start an Apache Kafka; both print the address for --bootstrap";

/// How long the demo waits for brokers that are named: somebody looks on, and has not started a machine after a power cut.
const PATIENCE_MS: u64 = 5_000;

/// Where the broker is.
#[derive(Debug, Clone, Args)]
pub struct ConnectArgs {
    /// The brokers to start from, as host:port, separated by commas. Without them, the demo runs on an embedded broker,
    /// and everything else looks at 127.0.0.1:9092.
    #[arg(long, value_name = "HOST:PORT", env = "KOLO_BOOTSTRAP")]
    bootstrap: Option<String>,
    /// A TOML file with the settings of the services, and librdkafka's properties in its table [kafka].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl ConnectArgs {
    /// The configuration: file, environment, and the address from the command line.
    ///
    /// # Errors
    /// When the file or a variable is not what it should be.
    pub fn config(&self) -> anyhow::Result<Config> {
        let mut config = Config::load(self.config.as_deref())?;
        if let Some(bootstrap) = self.named() {
            bootstrap.clone_into(&mut config.bootstrap);
        }
        // What is read back may name its schema by an id of the registry.
        kolo::registry_for_tools(&config)?;
        config.await_token();
        Ok(config)
    }

    /// The same configuration if it names brokers, and otherwise one for a broker that is started here: in memory, on a
    /// free port, and gone when what is returned is dropped.
    ///
    /// # Errors
    /// When the file or a variable is not what it should be, or the broker does not start.
    pub fn config_or_embedded(&self) -> anyhow::Result<(Config, Option<Broker>)> {
        let mut config = Config::load_as_given(self.config.as_deref())?;
        if self.named().is_some() || config.names_brokers() {
            let mut config = self.config()?;
            config.start_timeout_ms = config.start_timeout_ms.min(PATIENCE_MS);
            return Ok((config, None));
        }
        let broker = embedded()?;
        config.bootstrap = broker.bootstrap();
        // Streams that are gone at the end leave nothing to keep snapshots of.
        config.state_dir = PathBuf::new();
        Ok((config, Some(broker)))
    }

    /// An empty address, as a variable that a shell has emptied leaves it, names nothing.
    fn named(&self) -> Option<&str> {
        self.bootstrap.as_deref().filter(|named| !named.is_empty())
    }
}

/// As strict as a broker in earnest: a topic that nobody created is a mistake to be seen.
fn embedded() -> Result<Broker, StartError> {
    Broker::builder().auto_create_topics(false).start_blocking()
}
