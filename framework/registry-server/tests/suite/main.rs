//! What clients rely on of a schema registry, as one suite: on the registry that `KOLO_REGISTRY_URL` names, or on the embedded
//! one. It asserts what Confluent's registry and Apicurio's interface for Confluent's clients both promise. Each case has subjects
//! of its own, and sets the levels that it needs.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking; its helpers are no test functions, which clippy would let pass"
)]

mod client;
mod deletes;
mod errors;
mod levels;
mod names;
mod references;
mod register;
