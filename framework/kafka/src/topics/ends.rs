//! Where a partition begins and ends now, as its leader says.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode;

/// The first offset of a partition and the next one to be written, asked for within `timeout`.
///
/// Not by `fetch_watermarks`: librdkafka (2.12.1) asks for both at once, and where the first question fails and the second does
/// not, as while a leader is on its way, it gives the end for the beginning. Everything before it would look deleted.
///
/// # Errors
/// What the leader answers to either question, or that none answers in time.
pub fn ends<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    partition: i32,
    timeout: Duration,
) -> KafkaResult<(i64, i64)> {
    let until = Instant::now() + timeout;
    let ask = |at: Offset| -> KafkaResult<i64> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, at)?;
        let left = until.saturating_duration_since(Instant::now());
        // Both are times to Kafka, before and behind all others.
        let found = consumer.offsets_for_times(list, left)?;
        let found = found.find_partition(topic, partition);
        let unknown = KafkaError::OffsetFetch(RDKafkaErrorCode::UnknownPartition);
        let found = found.ok_or(unknown)?;
        found.error()?;
        match found.offset() {
            Offset::Offset(offset) => Ok(offset),
            _ => Err(KafkaError::OffsetFetch(
                RDKafkaErrorCode::OffsetNotAvailable,
            )),
        }
    };
    Ok((ask(Offset::Beginning)?, ask(Offset::End)?))
}

#[cfg(test)]
mod tests {
    use kolo_broker::Broker;
    use kolo_broker::faults::{Action, Api, Plan, ResponseError};
    use rdkafka::ClientConfig;
    use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

    use super::*;

    const ANSWER: Duration = Duration::from_secs(60);

    #[test]
    fn what_is_not_known_is_an_error_and_no_other_offset() {
        let broker = Broker::builder().partitions(1).start_blocking().unwrap();
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", broker.bootstrap())
            .set("group.id", "ends");
        let producer: BaseProducer = client.create().unwrap();
        let record = BaseRecord::<str, str>::to("moves").payload("value");
        producer.send(record).map_err(|(error, _)| error).unwrap();
        producer.flush(ANSWER).unwrap();
        let consumer: BaseConsumer = client.create().unwrap();
        assert_eq!(ends(&consumer, "moves", 0, ANSWER), Ok((0, 1)));
        // Either of the two questions fails, again and again.
        let not_here = Action::Fail(ResponseError::NotLeaderOrFollower);
        let asked = Plan::new().on(Api::ListOffsets).topic("moves").every(3);
        broker.faults().add(asked.then(not_here));
        for _ in 0..20 {
            if let Ok(known) = ends(&consumer, "moves", 0, ANSWER) {
                assert_eq!(known, (0, 1));
            }
        }
        assert!(!broker.faults().fired().is_empty());
        broker.faults().clear();
        assert_eq!(ends(&consumer, "moves", 0, ANSWER), Ok((0, 1)));
    }
}
