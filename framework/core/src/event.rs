//! Events: what a schema says about one, and what the generated code implements.
//!
//! Nothing here knows Avro: [`Event::encode`] and [`Event::decode`] work on *framed values*, the bytes of a
//! record's value as they stand on the topic. `kolo-avro` generates the implementations from `.avsc` files.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::key::Key;

/// What the wire and the graph need to know of one event type; it comes from the event's schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventType {
    /// The schema's full name, such as `shop.inventory.StockTaken`; the `ce_type` header on the wire.
    pub name: &'static str,
    /// The topic that events of this type are written to.
    pub topic: &'static str,
    /// The name of the field that holds the key.
    pub key_field: &'static str,
    /// The field that identifies the saga, if the schema names one.
    pub saga_field: Option<&'static str>,
    /// Whether other services may rely on it.
    pub public: bool,
    /// What it is in the course of a saga.
    pub mark: Mark,
    /// The name of the key's type, as in [`Key::NAME`].
    pub key_type: &'static str,
    /// The whole text of the schema; empty where there is none, as for events that are written by hand in tests.
    pub schema: &'static str,
}

/// What an event is in the course of a saga, as its schema marks it; what the checks of a [`choreography`](crate::choreography)
/// go by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// A step on the way, which somebody answers.
    #[default]
    Step,
    /// It comes from outside; no service emits it.
    Intake,
    /// It ends a saga well; nobody needs to react to it.
    Success,
    /// It ends a saga that has failed; nobody needs to react to it, but what was done is to be undone.
    Failure,
    /// A fact for people and reports; nobody needs to react to it, and nothing of it needs to be undone.
    Terminal,
}

impl EventType {
    /// The name without its namespace: `StockTaken` of `shop.inventory.StockTaken`.
    #[must_use]
    pub fn short_name(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }
}

/// An immutable fact, named in the past tense. Implemented by generated code, one type a schema.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    label = "expected a type generated from a schema",
    note = "events are generated from `.avsc` files: add a schema, or take the generated type of the event you mean"
)]
pub trait Event: Sized + Clone + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// The type of the field that names the aggregate an event belongs to.
    type Key: Key;

    /// What the schema says about this event.
    const TYPE: &'static EventType;

    /// The versions of the schema that [`decode`](Self::decode) reads, by fingerprint; the first is the one that
    /// [`encode`](Self::encode) writes. Empty for events that are written by hand, whose schemas have no versions.
    const VERSIONS: &'static [u64] = &[];

    /// The key: it decides the partition, and so the order.
    fn key(&self) -> &Self::Key;

    /// The value of the field that identifies the saga, as text; `None` where the schema names no such field.
    fn saga(&self) -> Option<Cow<'_, str>>;

    /// Appends the framed value (schema fingerprint and body) to `out`.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads a framed value, written with any published version of the schema.
    ///
    /// # Errors
    /// When the frame, the version or the body is not one that this type can be read from.
    fn decode(value: &[u8]) -> Result<Self, DecodeError>;
}

/// The events of one stream as an enum: what an aggregate may emit, and what its state is folded from.
/// Generated, one enum a stream.
pub trait OwnEvents: Sized + Clone + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// The key type that all events of a stream share.
    type Key: Key;

    /// The stream's topic.
    const STREAM: &'static str;

    /// All event types of the stream.
    const TYPES: &'static [&'static EventType];

    /// [`Event::VERSIONS`] of each of [`TYPES`](Self::TYPES), in their order; empty for events that are written by hand.
    const VERSIONS: &'static [&'static [u64]] = &[];

    /// The type of this event.
    fn event_type(&self) -> &'static EventType;

    /// The key of this event.
    fn key(&self) -> &Self::Key;

    /// Appends the framed value to `out`.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads the framed value of the event type with this full name; `None` if the stream has no such type.
    fn decode(name: &str, value: &[u8]) -> Option<Result<Self, DecodeError>>;
}

/// `Self`, a stream's own-event enum, has a variant for the event `E`.
#[diagnostic::on_unimplemented(
    message = "`{E}` is not one of this aggregate's own events",
    label = "`{E}` has no variant in `{Self}`",
    note = "an aggregate emits, undoes and requests by events of its own stream only: give the schema of `{E}` the topic of this stream, so that it becomes a variant of `{Self}`"
)]
pub trait Owns<E>: OwnEvents + From<E> {
    /// The event, if this is one of type `E`.
    fn get(&self) -> Option<&E>;
}

/// Why a record's value could not be read as an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The value does not start with a frame.
    #[error(
        "{event}: the value is framed neither as Avro single-object encoding (C3 01 and a fingerprint) nor as with a schema registry (00 and an id); it starts with {start}. Was it written by another tool?"
    )]
    Framing {
        /// Full name of the event type that was expected.
        event: &'static str,
        /// The first bytes, in hex.
        start: String,
    },
    /// The value is framed as with a schema registry, and nobody has asked a registry for its id.
    #[error(
        "{event}: the value names its schema by the id {id} of a schema registry, and no registry is configured: set KOLO_REGISTRY_URL to the one that the writer uses"
    )]
    NoRegistry {
        /// Full name of the event type that was expected.
        event: &'static str,
        /// The id.
        id: u32,
    },
    /// The value names its schema by an id for which the registry has no schema that can be read.
    #[error("{event}: the value names its schema by the id {id}, and {problem}")]
    NoSchema {
        /// Full name of the event type that was expected.
        event: &'static str,
        /// The id.
        id: u32,
        /// What the registry says.
        problem: String,
    },
    /// The value names its schema by an id that is of another event.
    #[error(
        "{event}: the value names its schema by the id {id}, which the registry says is of `{actual}`. Does the header `ce_type` lie, or was the value written by way of another registry?"
    )]
    OtherType {
        /// Full name of the event type that was expected.
        event: &'static str,
        /// The id.
        id: u32,
        /// Full name of the event that it is of.
        actual: String,
    },
    /// The value was written with a schema that was never published to this reader.
    #[error(
        "{event}: written with the unknown schema version {fingerprint:016x}; publish that version's schema beside the reader's and build again"
    )]
    UnknownVersion {
        /// Full name of the event type that was expected.
        event: &'static str,
        /// The writer's fingerprint (CRC-64-AVRO).
        fingerprint: u64,
    },
    /// The function that turns an old version into the next one panicked, or gave an event of another key or saga.
    #[error("{event}: the upcast of version {version} {problem}; mend it and build again")]
    Upcast {
        /// Full name of the event type that was expected.
        event: &'static str,
        /// The published version that the function takes.
        version: u32,
        /// What it did, as the end of a sentence.
        problem: String,
    },
    /// The value was written with a schema that was never published to this reader, and Avro's rules do not make it readable.
    #[error(
        "{event}: written with the schema version {fingerprint:016x}, which was not published to this build and cannot be resolved: {problem}. Build with a schema that reads it, and that version published beside it"
    )]
    Unresolvable {
        /// Full name of the event type that was expected.
        event: &'static str,
        /// The writer's fingerprint (CRC-64-AVRO).
        fingerprint: u64,
        /// Why not, in words.
        problem: String,
    },
    /// The body is not what the schema says.
    #[error("{event}: malformed at byte {at} of the value: {problem}")]
    Malformed {
        /// Full name of the event type that was expected.
        event: &'static str,
        /// Offset in the framed value.
        at: usize,
        /// What is wrong there.
        problem: String,
    },
}
