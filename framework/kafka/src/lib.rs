//! The Kafka shell of kolo.
mod adapter;
mod config;
pub use adapter::{Adapter, AdapterError, Call};
pub use config::{Config, ConfigError};
