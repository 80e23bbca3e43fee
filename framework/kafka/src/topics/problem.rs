//! What can be wrong with topics, and that they cannot be asked about.

use rdkafka::error::KafkaError;

use crate::acls::Denied;

/// A topic layout that cannot be worked with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TopicError {
    /// The brokers cannot be asked.
    #[error(
        "the brokers at {bootstrap} cannot be asked about topics: {source}. Are they running, and is the address right? For development, `kolo dev` starts a broker, and kolo's scripts/kafka/start an Apache Kafka"
    )]
    Unreachable {
        /// Where.
        bootstrap: String,
        /// Why.
        source: KafkaError,
    },
    /// The brokers do not allow it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A topic cannot be created.
    #[error("the topic `{topic}` cannot be created: {problem}")]
    Create {
        /// The topic.
        topic: String,
        /// Why.
        problem: String,
    },
    /// A topic cannot have as many replicas as it is to have. Brokers that are still coming up are not counted.
    #[error(
        "the topic `{topic}` is to have {replicas} replicas, and the brokers at {bootstrap} that are there are too few: {brokers}. Start the others, or have KOLO_REPLICATION ask for no more replicas than there are brokers"
    )]
    TooFewBrokers {
        /// The topic.
        topic: String,
        /// With how many replicas.
        replicas: i32,
        /// Where the brokers are.
        bootstrap: String,
        /// How many there are.
        brokers: usize,
    },
    /// A topic is missing, and must not be created.
    #[error(
        "the topic `{topic}` does not exist, and create_topics is off: create it with {partitions} partitions"
    )]
    Missing {
        /// The topic.
        topic: String,
        /// With how many partitions.
        partitions: i32,
    },
    /// Topics that one aggregate reads and writes have different partition counts.
    #[error(
        "{aggregate} reads and writes `{topic}` with {found} partitions and its stream `{stream}` with {expected}: a key would live on different partitions. Give both the same count"
    )]
    Partitions {
        /// The service and aggregate.
        aggregate: String,
        /// The topic.
        topic: String,
        /// Its count.
        found: i32,
        /// The aggregate's stream.
        stream: String,
        /// Its count.
        expected: i32,
    },
    /// A stream has a setting that would break it.
    #[error("the stream `{topic}` has {setting}={value}, which {harm}: set it to {wanted}")]
    Setting {
        /// The stream.
        topic: String,
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: String,
        /// What it would do.
        harm: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// An aggregate reads its own stream.
    #[error(
        "{aggregate} reacts to an event of its own stream `{topic}`: an aggregate answers its own events by emitting both at once"
    )]
    OwnStream {
        /// The service and aggregate.
        aggregate: String,
        /// Its stream.
        topic: String,
    },
}
