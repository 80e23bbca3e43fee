//! The Kafka shell of kolo: workers, take-over, restore, routers, topics, effects, configuration.
//!
//! # Layout
//!
//! | module | idea |
//! |---|---|
//! | `app` | a service with its adapters, ready to be started |
//! | `running` | a service that runs, and how it is stopped |
//! | `command` | the command line of every service binary |
//! | `config` | configuration from file and environment |
//! | `adapter` | what a user implements to reach the outside world |
//! | `effects` | calls ports until they reply, or as long as their policy says |
//! | `tokens` | what brokers are given by SASL OAUTHBEARER |
//! | `reach` | whether the brokers let a client in, and if not, why |
//! | `acls` | what a service must be allowed on the brokers |
//! | `topics` | topics, created or verified |
//! | `beside` | what runs in a service's process without being part of it, such as its HTTP API |
//! | `intake` | what a record from outside looks like |
//! | `publisher` | events from outside, by a service's edge |
//! | `projection` | the events of a stream, for read models |
//! | `framing` | what a schema registry has to do with records |
//! | `bulk` | whole topics, read by tools |
//! | `manifests` | what the services that run declare, in a topic |
//! | `notes` | what is told of effects whose calls fail, in a topic |
//! | `traces` | what is told of sagas to a trace viewer |
//! | `meters` | what a process counts, and how it stands |
//! | `management` | health and metrics, by HTTP |
//! | `worker` | one thread that owns partitions: clients, take-over, reading, appends |
//! | `router` | copies for inboxes |
//! | `snapshots` | what a restart need not read again, on the local disk |
//! | `cold` | keys that do not fit into memory, on the local disk |
//! | `watch` | what nobody reports: recreated topics, clients that have lost the brokers |
//! | `client_log` | librdkafka's own log lines, at an operator's levels |
//! | `native` | the only unsafe code: what rust-rdkafka does not wrap, or wraps at a price |
//! | `wake` | waking a thread |

mod acls;
mod adapter;
mod app;
mod beside;
mod bulk;
mod client_log;
mod cold;
mod command;
mod config;
mod effects;
mod framing;
pub mod intake;
mod management;
pub mod manifests;
mod meters;
mod native;
mod notes;
mod projection;
mod publisher;
mod reach;
mod router;
mod running;
mod snapshots;
mod tokens;
pub mod topics;
mod traces;
mod wake;
mod watch;
mod worker;

pub use acls::{CLI as CLI_GROUP, Denied};
pub use adapter::{Adapter, AdapterError, Call};
pub use app::{App, StartError};
pub use beside::{Beside, Unready};
pub use bulk::{Bulk, InBulk, ends_reading};
pub use cold::{Cold, Store as ColdStore};
pub use command::refuse;
pub use config::{Config, ConfigError};
pub use effects::{BreakerState, PendingEffect, Progress};
pub use framing::{registry_for_tools, schema_of};
pub use management::ManagementError;
pub use native::{Connectable, Connected};
pub use projection::{Behind, Projected, Projection, ProjectionError, Told};
pub use publisher::{PublishError, Published, Publisher, PublisherBuilder};
pub use reach::{Unreached, unreached};
pub use router::{group_of_router, routed_until};
pub use running::Running;
pub use tokens::{NotAToken, Token, TokenProvider};
pub use worker::RunError;
