//! What can go wrong, and what is known of the event then.

use std::time::Duration;

use kolo_core::EventId;
use kolo_registry::{RegistryError, SettingsError};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::config::refused;
use crate::reach::Unreached;
use crate::topics::TopicError;

/// An event that was not published, or may not have been; or a publisher that cannot be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// Nobody acknowledged the event in time. It may have arrived, or still arrive.
    #[error(
        "{topic} key {key}: the event {id} was not acknowledged within {seconds} s ({problem}); it may have arrived all the same. Publish it again under the same id: if it has, the repeat is recognised"
    )]
    Unacknowledged {
        /// The intake topic.
        topic: &'static str,
        /// The event's key.
        key: String,
        /// The event's id.
        id: EventId,
        /// How long it was waited for.
        seconds: u64,
        /// What the client library says.
        problem: String,
    },
    /// The event was refused, and did not arrive.
    #[error("{topic} key {key}: the event {id} was not published: {problem}")]
    Refused {
        /// The intake topic.
        topic: &'static str,
        /// The event's key.
        key: String,
        /// The event's id.
        id: EventId,
        /// What the broker or the client library says.
        problem: String,
    },
    /// So many events wait for their acknowledgement that there is no room for another. It did not arrive.
    #[error(
        "{topic} key {key}: the event {id} was not published: too many wait to be acknowledged. Publish it again when the brokers keep up"
    )]
    Busy {
        /// The intake topic.
        topic: &'static str,
        /// The event's key.
        key: String,
        /// The event's id.
        id: EventId,
    },
    /// The publisher was closed before. The event did not arrive.
    #[error("nothing was published: the publisher is closed")]
    Closed,
    /// The publisher was not told of events of this type. The event did not arrive.
    #[error(
        "{event} was not published: say `.event::<…>()` for it where the publisher is built, so that its topic and its schema are looked at before the first one"
    )]
    Undeclared {
        /// The event.
        event: &'static str,
    },
    /// An event that a service emits cannot be published from outside.
    #[error(
        "{event} cannot be published from outside: its schema does not say `\"intake\": true`, so `{topic}` is the stream of an aggregate, and nobody but its owner writes a stream. Publish the event that the aggregate reacts to"
    )]
    NotIntake {
        /// The event.
        event: &'static str,
        /// Its topic.
        topic: &'static str,
    },
    /// The topic does not exist.
    #[error(
        "the topic `{topic}` does not exist at {bootstrap}: start the service that reads it first, it creates it"
    )]
    NoTopic {
        /// The intake topic.
        topic: &'static str,
        /// The brokers.
        bootstrap: String,
    },
    /// The brokers cannot be asked about the topics.
    #[error(transparent)]
    Topics(#[from] TopicError),
    /// The brokers do not let it in, or do not answer.
    #[error(transparent)]
    Brokers(#[from] Unreached),
    /// librdkafka refuses the configuration.
    #[error("librdkafka refuses the settings: {problem}. They come from the table [kafka] of the configuration file and from variables KOLO_KAFKA_…", problem = refused(.0))]
    Client(#[from] KafkaError),
    /// The settings of the schema registry cannot be used.
    #[error(transparent)]
    RegistrySettings(#[from] SettingsError),
    /// The schema registry does not have a schema, does not take it, or does not answer.
    #[error(
        "{0}. Events are published with ids that the registry gives: register their schemas with `kolo schema register`, or have it done with KOLO_REGISTRY_REGISTER=true"
    )]
    Registry(#[from] RegistryError),
}

impl PublishError {
    /// Whether the event may stand in its topic all the same. Otherwise it certainly does not.
    #[must_use]
    pub fn may_be_published(&self) -> bool {
        matches!(self, PublishError::Unacknowledged { .. })
    }

    pub(super) fn of_report(
        error: &KafkaError,
        within: Duration,
        place: (&'static str, String, EventId),
    ) -> Self {
        let (topic, key, id) = place;
        let problem = error.to_string();
        if is_refusal(error) {
            return PublishError::Refused {
                topic,
                key,
                id,
                problem,
            };
        }
        PublishError::Unacknowledged {
            topic,
            key,
            id,
            seconds: within.as_secs(),
            problem,
        }
    }

    /// The producer has ended without a word about the event.
    pub(super) fn gone(
        within: Duration,
        (topic, key, id): (&'static str, String, EventId),
    ) -> Self {
        PublishError::Unacknowledged {
            topic,
            key,
            id,
            seconds: within.as_secs(),
            problem: "the producer has ended".into(),
        }
    }
}

/// What a broker answers that has not appended the record. Anything else, above all silence, leaves it open.
fn is_refusal(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::MessageSizeTooLarge
                | RDKafkaErrorCode::InvalidMessageSize
                | RDKafkaErrorCode::InvalidRecord
                | RDKafkaErrorCode::InvalidTopic
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownPartition
                | RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::ClusterAuthorizationFailed
                | RDKafkaErrorCode::PolicyViolation
        )
    )
}
