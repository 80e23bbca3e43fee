//! What can go wrong with a log, and who acts on it.

use std::io;
use std::path::PathBuf;

use kafka_protocol::ResponseError;

use crate::batch::BatchError;
use crate::producers::SequenceError;

/// A log that could not be opened, cleaned or searched. What was stored before is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The disk refused; the operator acts.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A batch in the log cannot be read: what its producer compressed is not what it says.
    #[error("the batch at offset {offset} cannot be read: {source}")]
    Unreadable {
        /// The batch's first offset.
        offset: i64,
        /// What is wrong with it.
        source: BatchError,
    },
    /// The offset does not exist yet.
    #[error("offset {offset} lies beyond the end of the log, {end}")]
    OutOfRange {
        /// What was asked for.
        offset: i64,
        /// The next offset that will be given.
        end: i64,
    },
}

impl LogError {
    /// The error code that answers a client.
    #[must_use]
    pub fn code(&self) -> ResponseError {
        match self {
            Self::Io { .. } => ResponseError::KafkaStorageError,
            Self::Unreadable { .. } => ResponseError::CorruptMessage,
            Self::OutOfRange { .. } => ResponseError::OffsetOutOfRange,
        }
    }
}

/// An append that did not happen: nothing of it is in the log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// A batch that may not be appended here; sending it again changes nothing.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The idempotent producer's numbers do not continue what the log has.
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    /// Larger than the topic takes.
    #[error("a batch of {bytes} bytes, and the topic takes {limit}")]
    TooLarge {
        /// The batch.
        bytes: usize,
        /// `max.message.bytes`.
        limit: usize,
    },
    /// Larger than a whole segment.
    #[error("batches of {bytes} bytes do not fit into a segment of {limit}")]
    LargerThanSegment {
        /// All batches of the request.
        bytes: usize,
        /// `segment.bytes`.
        limit: u64,
    },
    /// A record claims to be written in the future.
    #[error("timestamp {timestamp} lies too far in the future")]
    Timestamp {
        /// Milliseconds since 1970.
        timestamp: i64,
    },
    /// The disk refused, perhaps because it is full; the file is cut back to where it was.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl AppendError {
    /// The error code that answers the producer.
    #[must_use]
    pub fn code(&self) -> ResponseError {
        match self {
            Self::Batch(error) => error.code(),
            Self::Sequence(error) => error.code(),
            Self::TooLarge { .. } => ResponseError::MessageTooLarge,
            Self::LargerThanSegment { .. } => ResponseError::RecordListTooLarge,
            Self::Timestamp { .. } => ResponseError::InvalidTimestamp,
            Self::Log(error) => error.code(),
        }
    }
}

/// A read that has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Before the start or beyond the end of the log; the consumer resets.
    #[error("offset {offset} is outside of the log, {start} to {end}")]
    OutOfRange {
        /// What was asked for.
        offset: i64,
        /// The first offset there is.
        start: i64,
        /// The next offset that will be given.
        end: i64,
    },
    /// The disk refused, or a file of the log is damaged.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl ReadError {
    /// The error code that answers the consumer.
    #[must_use]
    pub fn code(&self) -> ResponseError {
        match self {
            Self::OutOfRange { .. } => ResponseError::OffsetOutOfRange,
            Self::Log(error) => error.code(),
        }
    }
}
