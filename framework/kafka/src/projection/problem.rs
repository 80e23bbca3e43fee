//! Why a projection cannot go on.

use std::sync::Arc;

use rdkafka::error::KafkaError;

use crate::config::refused;

/// A projection that cannot be started, or cannot go on. What has been handed over is not taken back; start another one, with
/// an empty read model.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectionError {
    /// The stream does not exist.
    #[error(
        "the stream `{stream}` does not exist at {bootstrap}: start the service that owns it first, it creates it"
    )]
    Missing {
        /// The stream.
        stream: &'static str,
        /// The brokers.
        bootstrap: String,
    },
    /// The stream is gone, or another one under the same name. What was read of it is not there any more.
    #[error(
        "the stream `{stream}` was deleted{again}: what was read of it is gone. Start again, and the read model is built from what is there",
        again = if *.recreated { " and created again" } else { "" }
    )]
    Lost {
        /// The stream.
        stream: &'static str,
        /// Whether there is another one under its name.
        recreated: bool,
    },
    /// Records at the beginning were deleted before they were read.
    #[error(
        "{stream}[{partition}] does not go back to offset {offset} any more: records were deleted, and a read model without them would be wrong. A stream keeps everything: `kolo topics describe {stream}` shows its settings"
    )]
    Trimmed {
        /// The stream.
        stream: &'static str,
        /// Its partition.
        partition: i32,
        /// What was to be read.
        offset: i64,
    },
    /// The stream is shorter than what was read of it.
    #[error(
        "{stream}[{partition}] ends at offset {end}, and was read up to {read}: the brokers have lost records that they had acknowledged. Start again, and the read model is built from what is there"
    )]
    Shortened {
        /// The stream.
        stream: &'static str,
        /// Its partition.
        partition: i32,
        /// Where it ends.
        end: i64,
        /// What was read of it.
        read: i64,
    },
    /// Partitions were added: keys may be on another one from now on.
    #[error(
        "the stream `{stream}` has {now} partitions, and had {before}: keys would be on other ones. The partition count of a stream does not change"
    )]
    Partitions {
        /// The stream.
        stream: &'static str,
        /// How many it had.
        before: i32,
        /// How many it has.
        now: i32,
    },
    /// After this record nobody can tell what is valid.
    #[error(
        "{place}: {problem}. `kolo tail` shows the record; nobody but its owner writes a stream"
    )]
    Unreadable {
        /// Topic, partition and offset.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// The client has failed for good.
    #[error("the stream `{stream}` cannot be read: {problem}")]
    Refused {
        /// The stream.
        stream: &'static str,
        /// What it says.
        problem: String,
    },
    /// The read model panicked.
    #[error("the projection of `{stream}` panicked: {message}")]
    Panicked {
        /// The stream.
        stream: &'static str,
        /// The panic's message.
        message: String,
    },
    /// librdkafka refuses the configuration.
    #[error("librdkafka refuses the settings: {problem}. They come from the table [kafka] of the configuration file and from variables KOLO_KAFKA_…", problem = refused(.0))]
    Client(#[from] KafkaError),
    /// The settings of the schema registry cannot be used.
    #[error("{0}")]
    Registry(Arc<kolo_registry::SettingsError>),
    /// The system has no more threads.
    #[error("no thread can be started: {0}")]
    Thread(Arc<std::io::Error>),
}

impl From<kolo_registry::SettingsError> for ProjectionError {
    fn from(error: kolo_registry::SettingsError) -> Self {
        ProjectionError::Registry(Arc::new(error))
    }
}

impl From<std::io::Error> for ProjectionError {
    fn from(error: std::io::Error) -> Self {
        ProjectionError::Thread(Arc::new(error))
    }
}
