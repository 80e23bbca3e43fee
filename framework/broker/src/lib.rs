//! A small embedded Kafka broker for development and tests.
//!
//! One node that speaks Kafka's own wire protocol: topics, idempotent producers, groups, persistence when asked for, and
//! faults on request. It behaves as Apache Kafka does wherever it answers at all, and refuses clearly where it does
//! not. It is not for production: there is one copy of the data, and nothing is synced to disk before it is acknowledged.
//!
//! ```
//! use kolo_broker::Broker;
//!
//! let broker = Broker::builder().partitions(6).start_blocking()?;
//! println!("bootstrap.servers={}", broker.bootstrap());
//! broker.shutdown_blocking();
//! # Ok::<(), kolo_broker::StartError>(())
//! ```
//!
//! # Bounds
//! Whatever clients send, each costs little more than its own bytes: a produce request may have 100 MB, any other 1 MiB, and
//! more of them closes the connection. A fetch is answered with at most 8 MiB, read or not read by the client. An idle
//! connection holds some 7 KB, an idle broker under 20 MB, and a log on disk nothing. A full disk is an error to the producer.
//!
//! # Layout
//! - [`Broker`], [`Builder`]: starts, stops and starts again
//! - [`faults`]: what befalls which request
//! - [`testing`]: one broker for all tests of a binary, or the Apache Kafka that a variable names
//! - `net`: the listener, frames, one task a connection; `api`: one file an API
//! - `topics`: names, ids, settings; `partition`: one task a partition, which owns its log
//! - `batch`, `log`, `producers`: a partition's log and the idempotent producers of it
//! - `group`: the group coordinator, as a machine without IO; `groups`: what drives it

mod api;
mod broker;
pub mod faults;
mod group;
mod groups;
mod net;
mod node;
mod partition;
pub mod testing;
mod topics;

// Public for the fuzz targets and the benchmarks; not part of what a test of yours needs.
#[doc(hidden)]
pub mod batch;
#[doc(hidden)]
pub mod fuzzing;
#[doc(hidden)]
pub mod log;
#[doc(hidden)]
pub mod producers;

pub use broker::{Broker, Builder, StartError};
