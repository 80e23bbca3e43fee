//! A small embedded Kafka broker for development and tests.
//!
//! One node that speaks Kafka's own wire protocol: topics, idempotent producers, groups, persistence when asked for, and
//! faults on request. It behaves as Apache Kafka does wherever it answers at all, and refuses clearly where it does
//! not. It is not for production: there is one copy of the data, and nothing is synced to disk before it is acknowledged.

// Public for the fuzz targets and the benchmarks; not part of what a test of yours needs.
#[doc(hidden)]
pub mod batch;
#[doc(hidden)]
pub mod log;
#[doc(hidden)]
pub mod producers;
