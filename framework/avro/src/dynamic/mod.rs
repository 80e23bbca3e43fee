//! Events as JSON, for tools: the schemas are read at run time, no type is generated.
//!
//! ```no_run
//! use kolo_avro::dynamic::SchemaSet;
//!
//! let set = SchemaSet::load("schemas")?;
//! let event = set.event("OrderCreated")?;
//! let record = event.encode(&serde_json::json!({"order_id": "…"}))?; // names every field that is wrong
//! let read = set.decode(&record.value)?;
//! println!("{} to {}: {}", read.event, event.topic(), read.json);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! JSON shows what people read: a uuid as text, a decimal as text (`"12.50"`), bytes in base64, an enum by its symbol, a
//! nullable union as the value or `null`, a timestamp or date as the integer of its unit. On the way in a timestamp may be RFC 3339 as
//! well (`"2026-01-31T12:00:00Z"`), a date `"2026-01-31"`.
//!
//! What a field holds that a schema marks as `"sensitive"` is shown as `"(hidden)"`, unless the set is [`revealed`](SchemaSet::revealed).

mod input;
mod output;
mod read;
mod sensitive;
mod set;

pub use input::InputProblem;
pub use read::{Decoded, SchemaVersion};
pub use set::{EncodedEvent, EventSchema, SchemaSet};

pub(crate) use input::{encode as encode_json, encode_default};
pub(crate) use output::decode as decode_json;
pub(crate) use sensitive::Shown;

/// Why JSON did not become an event, or a value no JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DynamicError {
    /// No schema is called so.
    #[error("there is no event `{name}` among the schemas; {hint}")]
    UnknownEvent {
        /// As it was asked for.
        name: String,
        /// What there is.
        hint: String,
    },
    /// The JSON is not what the schema says.
    #[error("{}", list(.0))]
    Input(Vec<InputProblem>),
    /// The value does not start with a frame.
    #[error(
        "the value is framed neither as Avro single-object encoding (C3 01 and a fingerprint) nor as with a schema registry (00 and an id); it starts with {start}"
    )]
    Framing {
        /// The first bytes, in hex.
        start: String,
    },
    /// The value is framed as with a schema registry, and nobody has asked a registry for its id.
    #[error(
        "the value names its schema by the id {id} of a schema registry, and no registry is configured: set KOLO_REGISTRY_URL to the one that the writer uses"
    )]
    NoRegistry {
        /// The id.
        id: u32,
    },
    /// The value names its schema by an id for which the registry has no schema that can be read.
    #[error("the value names its schema by the id {id}, and {problem}")]
    NoSchema {
        /// The id.
        id: u32,
        /// What the registry says.
        problem: String,
    },
    /// No schema has the fingerprint that the value was written with.
    #[error(
        "the value was written with the unknown schema version {fingerprint:016x}; add the published version of its schema to the folder"
    )]
    UnknownVersion {
        /// The writer's fingerprint (CRC-64-AVRO).
        fingerprint: u64,
    },
    /// The value is another event than its record says.
    #[error("the record is called {name}, but its value was written with a schema of {actual}")]
    OtherEvent {
        /// As the record says.
        name: String,
        /// As the fingerprint says.
        actual: String,
    },
    /// The body is not what the schema says.
    #[error("{event}: malformed at byte {at} of the value: {problem}")]
    Malformed {
        /// Full name of the event.
        event: String,
        /// Offset in the framed value.
        at: usize,
        /// What is wrong there.
        problem: String,
    },
}

fn list(problems: &[InputProblem]) -> String {
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}
