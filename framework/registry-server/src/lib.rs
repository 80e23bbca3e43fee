//! A small embedded schema registry for development and tests.
//!
//! It speaks the protocol of Confluent's registry, for Avro alone, and judges compatibility as Java does. What it is told
//! it keeps in memory, or in the topic `_schemas` of a Kafka, in the records that Confluent's registry writes there. It is
//! not for production: there is one of it, and whoever reaches it can change everything unless it was given a password.
//!
//! ```
//! use kolo_registry_server::{Fault, Registry};
//!
//! let registry = Registry::builder().start_blocking()?; // .kafka("127.0.0.1:9092") keeps it in the topic _schemas
//! println!("schema.registry.url={}", registry.url());
//! registry.faults().set(Fault::Failing); // or Slow, or Silent: what a client does in an outage
//! registry.faults().set_for_id(7, Fault::Failing); // only where somebody asks by this id
//! registry.faults().clear();
//! registry.shutdown_blocking();
//! # Ok::<(), kolo_registry_server::StartError>(())
//! ```
//!
//! # Layout
//! - [`Registry`], [`Builder`]: starts and ends
//! - [`Store`]: where the log is kept; [`KafkaStore`], [`MemoryStore`]
//! - [`Faults`]: what goes wrong on request
//! - [`testing`]: one registry for all tests of a binary, or the one that a variable names
//! - `http`: the routes; `refusal`: Confluent's codes
//! - `ledger`: one change at a time, in effect when it is acknowledged
//! - `change`: what a request changes, decided from the state; `state`: a fold of the log; `fact`: its records
//! - `schema`: texts that are one schema; `compare`: whether one goes with those before it

mod change;
mod compare;
mod fact;
mod faults;
mod http;
mod ledger;
mod level;
mod refusal;
mod registry;
mod schema;
mod state;
mod store;
pub mod testing;

pub use faults::{Fault, Faults};
pub use registry::{Builder, Registry, StartError};
pub use store::{KafkaStore, MemoryStore, Record, Store, StoreError, StoreFuture};
