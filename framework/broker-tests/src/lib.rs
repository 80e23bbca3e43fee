//! What kolo, its command line and its tests rely on of a Kafka broker, as tests.
//!
//! The same code runs on a real Apache Kafka (`KOLO_TEST_BOOTSTRAP` names it) and on the embedded broker of
//! `kolo-broker`, which it starts itself when no broker is named. Where the two differ, Apache Kafka is right.
//!
//! That is `tests/contract`: one file an idea, one sentence a case. Most cases go through librdkafka,
//! the client that kolo uses; what that hides (topic ids, sequences of an idempotent producer, exact error codes,
//! hostile bytes) goes through a small client of `kafka-protocol`'s messages, in `tests/contract/common/raw.rs`.
//!
//! Beside it stand tests of the embedded broker alone, as a process of its own (`src/bin/broker.rs`): `tests/crash` kills it
//! again and again under load, `tests/limits` holds it to its bounds of memory, and fills its disk.

/// The examples of the broker's page are compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/broker.md")]
struct Page;
