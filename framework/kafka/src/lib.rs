//! The Kafka shell of kolo: workers, take-over, restore, routers, topics, effects, configuration.
//!
//! # Layout
//!
//! | module | idea |
//! |---|---|
//! | `app` | a service with its adapters: started, stopped |
//! | `command` | the command line of every service binary |
//! | `config` | configuration from file and environment |
//! | `adapter` | what a user implements to reach the outside world |
//! | `effects` | calls ports until they reply, or as long as their policy says |
//! | `topics` | topics, created or verified |
//! | `framing` | what a schema registry has to do with records |
//! | `manifests` | what the services that run declare, in a topic |
//! | `worker` | one thread that owns partitions: clients, take-over, reading, appends |
//! | `router` | copies for inboxes |
//! | `snapshots` | what a restart need not read again, on the local disk |
//! | `cold` | keys that do not fit into memory, on the local disk |
//! | `watch` | what nobody reports: recreated topics, clients that have lost the brokers |
//! | `client_log` | librdkafka's own log lines, at an operator's levels |
//! | `native` | the only unsafe code: what rust-rdkafka does not wrap, or wraps at a price |
//! | `wake` | waking a thread |

mod adapter;
mod app;
mod client_log;
mod cold;
mod command;
mod config;
mod effects;
mod framing;
pub mod manifests;
mod native;
mod router;
mod snapshots;
pub mod topics;
mod wake;
mod watch;
mod worker;

pub use adapter::{Adapter, AdapterError, Call};
pub use app::{App, Running, StartError};
pub use cold::{Cold, Store as ColdStore};
pub use command::refuse;
pub use config::{Config, ConfigError};
pub use effects::{BreakerState, PendingEffect, Progress};
pub use framing::{registry_for_tools, schema_of};
pub use worker::RunError;
