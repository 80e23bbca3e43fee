//! A schema registry, as kolo uses one: Confluent's or any that speaks its protocol.
//!
//! With a registry, a value starts with an id instead of a fingerprint, so that consumers in other languages can read it
//! with the deserializers that they know. Everything else stays: types are generated from the schemas in the repository,
//! and read by generated code. The registry says which version an id means; one that was not published to the build of
//! whoever reads is resolved by its text.
//!
//! ```text
//!   registry ──(id -> schema)──> Registry ──> kolo_avro::codec::ids ──> every decode, without waiting
//!   own events' schemas ──(look up, or register where allowed)──> Writer ──> the frame of every append
//! ```
//!
//! - [`Settings`]: where it is, who asks, how subjects are called
//! - [`Registry`]: asks it; from the background for services, waiting for an answer for tools
//! - [`Writer`]: puts ids in the place of fingerprints
//!
//! What was learnt once is never asked again, so an outage is noticed by nobody who has seen the schemas before. What
//! could not be learnt is asked for again: an answer such as "there is no such id" is believed for ten seconds, and after
//! silence the next question follows after a pause that grows to ten.

mod client;
mod problem;
mod registry;
mod settings;
mod subject;
mod version;
mod whole;
mod writer;

pub use problem::RegistryError;
pub use registry::{Registry, Wake};
pub use settings::{Auth, Settings, SettingsError};
pub use subject::Subjects;
pub use version::Version;
pub use writer::{Schema, Writer};
