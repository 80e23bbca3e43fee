//! Records in bulk, for tools that read whole topics.

use std::sync::Arc;

use kolo_core::wire::Record;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::native::{Connected, Consumed, Taken};

/// How many messages are taken from the client at once.
const BATCH: usize = 1_000;

/// The queue of a consumer whose partitions are assigned by hand, and that nobody else polls.
///
/// Taken one by one, a message costs an event, a reference count and a look at the clock; taken together, a share of one lock.
pub struct Bulk<C: ConsumerContext + 'static>(Consumed<C>);

impl<C: ConsumerContext + 'static> Bulk<C> {
    /// Takes what this consumer reads.
    #[must_use]
    pub fn new(consumer: Arc<Connected<BaseConsumer<C>>>) -> Self {
        Bulk(Consumed::new(consumer, BATCH))
    }

    /// Hands on what waits, a thousand at most; says how many that were. It does not wait for any.
    pub fn each(&mut self, mut take: impl FnMut(InBulk<'_>)) -> usize {
        let count = self.0.take();
        for taken in self.0.iter() {
            match taken {
                Ok(Taken::Message(message)) => take(InBulk::Record {
                    partition: message.partition(),
                    record: message.record(),
                }),
                Ok(Taken::End {
                    partition, offset, ..
                }) => take(InBulk::End { partition, offset }),
                Err(error) => take(InBulk::Failed(error)),
            }
        }
        count
    }
}

/// What such a queue holds.
#[derive(Debug)]
pub enum InBulk<'a> {
    /// A record.
    Record {
        /// Its partition.
        partition: i32,
        /// Itself.
        record: Record<'a>,
    },
    /// The end of a partition as the broker that was asked knows it, with `enable.partition.eof`: a replica that lags behind its leader knows
    /// an earlier one.
    End {
        /// The partition.
        partition: i32,
        /// No record stood at this offset.
        offset: i64,
    },
    /// An error of the consumer.
    Failed(KafkaError),
}

/// Whether no waiting will mend an error of a consumer; after others it goes on by itself, on connections that librdkafka opens
/// again.
#[must_use]
pub fn ends_reading(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownPartition
                | RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::SaslAuthenticationFailed
                | RDKafkaErrorCode::Authentication
                | RDKafkaErrorCode::OffsetOutOfRange
                | RDKafkaErrorCode::AutoOffsetReset
                | RDKafkaErrorCode::Fatal
        )
    )
}
