//! How commands find the broker.

use std::path::PathBuf;

use clap::Args;
use kolo::{Config, ConfigError};

/// Where the broker is.
#[derive(Debug, Clone, Args)]
pub struct ConnectArgs {
    /// The brokers to start from, as host:port, separated by commas. The default is that of scripts/kafka/start.
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
    pub fn config(&self) -> Result<Config, ConfigError> {
        let mut config = Config::load(self.config.as_deref())?;
        if let Some(bootstrap) = &self.bootstrap {
            config.bootstrap.clone_from(bootstrap);
        }
        Ok(config)
    }
}
