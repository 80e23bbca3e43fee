//! Whether a reader's schema can read what a writer's schema wrote.
//!
//! [`check`] gives the verdicts of Java's `SchemaCompatibility`, the reference among Avro's implementations, in its
//! terms. [`meaning`] adds what Java lets pass although it changes what the bytes mean or may fail on old records.

mod check;
pub mod meaning;

pub use check::{Incompatibility, Rule, check};
