//! Problems: why an input cannot be decided, or a stream not be restored. Each names the thing and what to do about it.

use crate::event::DecodeError;
use crate::id::EventId;
use crate::processor::{EpochEnd, SnapshotProblem};
use crate::wire::{Failure, FailureClass};

/// Why an input cannot be decided.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InputProblem {
    /// The value is not the event it should be.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The record's key is not the event's key.
    #[error(
        "the record's key is not the value of the event's key field `{field}`; whoever publishes it must set both to the same text"
    )]
    KeyMismatch {
        /// The key field.
        field: &'static str,
    },
    /// The record has no key, or one that is not text.
    #[error(
        "the record's key is absent or not UTF-8 text; whoever publishes it must set it to the event's key field"
    )]
    NoKey,
    /// The key belongs on another partition.
    #[error(
        "the key belongs on partition {expected}: whoever publishes it must partition by murmur2 of the key (librdkafka: `partitioner=murmur2_random`)"
    )]
    WrongPartition {
        /// Where murmur2 puts the key.
        expected: i32,
    },
    /// The record has no `ce_type`, and its topic carries several declared types.
    #[error(
        "the record has no header `ce_type`, and the aggregate reads several event types from its topic"
    )]
    NoType,
    /// A `kolo` header that cannot be read.
    #[error(transparent)]
    Stamp(#[from] crate::wire::StampError),
    /// The record that tells the fence in force is gone.
    #[error(
        "offset {decided}, the last decided record, is gone, so that nobody can tell which records behind it are valid: a stream must keep its records for ever"
    )]
    Gone {
        /// The offset where reading was to resume.
        decided: i64,
    },
    /// A routed copy without its origin.
    #[error("the record stands in an inbox but names no origin; only routers write to an inbox")]
    NoOrigin,
    /// A reaction emitted an event of another aggregate's key.
    #[error(
        "the reaction emitted `{event}` with the key `{found}`, but decides for another: an aggregate writes its own key only"
    )]
    ForeignKey {
        /// The emitted event.
        event: &'static str,
        /// The key it was given.
        found: String,
    },
    /// The answer is larger than a record may be.
    #[error("the answer takes {bytes} bytes, more than the {limit} that a record may have")]
    TooLarge {
        /// What the first record would take, with the rest of the answer in its header.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A function of the declaration panicked.
    #[error("it panicked: {message}")]
    Panicked {
        /// The panic's message.
        message: String,
    },
    /// The answer has more records than can be counted in their headers.
    #[error("the answer has {records} records, more than the {limit} that one may have")]
    TooMany {
        /// How many.
        records: usize,
        /// The limit.
        limit: usize,
    },
}

impl InputProblem {
    /// What kind of failure it is, for filters and alerts.
    #[must_use]
    pub fn class(&self) -> FailureClass {
        match self {
            InputProblem::Decode(_) | InputProblem::Stamp(_) | InputProblem::Gone { .. } => {
                FailureClass::Decode
            }
            InputProblem::KeyMismatch { .. }
            | InputProblem::NoKey
            | InputProblem::WrongPartition { .. } => FailureClass::Key,
            InputProblem::NoType => FailureClass::Type,
            InputProblem::NoOrigin => FailureClass::Origin,
            InputProblem::Panicked { .. } => FailureClass::Panic,
            InputProblem::ForeignKey { .. }
            | InputProblem::TooLarge { .. }
            | InputProblem::TooMany { .. } => FailureClass::Answer,
        }
    }

    /// Whether a function of the declaration is at fault, and not the record.
    pub(crate) fn is_of_the_function(&self) -> bool {
        matches!(self.class(), FailureClass::Panic | FailureClass::Answer)
    }
}

/// Why a processor cannot go on. In every case the worker drops it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessorError {
    /// This owner's epoch is over; another take-over may be tried.
    #[error(transparent)]
    EpochEnd(#[from] EpochEnd),
    /// An input after which nobody can tell what is valid. It is not skipped: the partition stops at it.
    #[error(
        "{topic} partition {partition} offset {offset}, key {key}, type {event_type}: {problem}"
    )]
    Input {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The offset.
        offset: i64,
        /// The record's key.
        key: String,
        /// The record's type.
        event_type: String,
        /// What is wrong with it.
        problem: Box<InputProblem>,
    },
    /// A failure left a key's state half-changed. The next owner restores it, and parks what failed if it finds it in
    /// [`Setup::broken`](crate::processor::Setup::broken).
    #[error(
        "`{key}`: a decision failed after its state had begun to change; it is restored, and the input {id} is parked: {}", failure.message
    )]
    Broken {
        /// The key.
        key: String,
        /// The id of the input, the request or the deadline.
        id: EventId,
        /// Why.
        failure: Box<Failure>,
    },
    /// A key that was moved out of memory cannot be brought back, or none can be moved. Nothing was decided: the next owner
    /// restores, and is better without a store.
    #[error("what was moved out of memory cannot be relied on: {problem}")]
    Cold {
        /// Which key, and why.
        problem: Box<SnapshotProblem>,
    },
    /// The stream holds what this declaration cannot fold.
    #[error("{topic} partition {partition} offset {offset}: {problem}")]
    Stream {
        /// The stream's topic.
        topic: &'static str,
        /// The partition.
        partition: i32,
        /// The offset.
        offset: i64,
        /// What is wrong.
        problem: StreamProblem,
    },
}

/// Why a stream cannot be restored, or not taken over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamProblem {
    /// Another aggregate's fence.
    #[error(
        "the stream belongs to {service}.{aggregate}, and a stream has one owner: give this aggregate a stream of its own"
    )]
    Foreign {
        /// Its service.
        service: String,
        /// Its aggregate.
        aggregate: String,
    },
    /// Another partition count.
    #[error(
        "the stream was written with {before} partitions and has {now}: keys would change their partition. Restore the count, or export the stream and import it into a new one"
    )]
    PartitionCount {
        /// As the fence says.
        before: i32,
        /// As it is now.
        now: i32,
    },
    /// A higher version has owned it.
    #[error(
        "version {newer} of this aggregate's declaration has written the stream, and this is version {own}: deploy the newer one, or allow the downgrade"
    )]
    NewerVersion {
        /// The version in the stream.
        newer: u32,
        /// The version of this process.
        own: u32,
    },
    /// An event type that is not an own event.
    #[error(
        "the stream holds `{event_type}`, which is none of this aggregate's own events: deploy a version that knows it"
    )]
    UnknownEvent {
        /// The type.
        event_type: String,
    },
    /// A value that cannot be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A header that cannot be read.
    #[error(transparent)]
    Stamp(#[from] crate::wire::StampError),
    /// One of kolo's own records that cannot be read.
    #[error("the record `{event_type}` cannot be read: {problem}")]
    OwnRecord {
        /// Its type.
        event_type: String,
        /// Why.
        problem: String,
    },
    /// A record of an answer that does not belong where it stands.
    #[error("the record is number {index} of {count} of an answer, but {found} came before it")]
    TornOutOfTurn {
        /// Its index.
        index: u16,
        /// Its count.
        count: u16,
        /// The index before it.
        found: u16,
    },
}
