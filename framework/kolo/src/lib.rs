//! Sagas over Kafka without a controller: the one crate that a service depends on.
pub use kolo_core::*;
pub use kolo_kafka::*;
