//! The calls that many cases make on a raw connection.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::list_offsets_response::ListOffsetsPartitionResponse;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use kafka_protocol::messages::{
    BrokerId, FetchRequest, InitProducerIdRequest, ListOffsetsRequest, MetadataRequest,
    ProduceRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, Record, RecordBatchDecoder, RecordBatchEncoder,
    RecordEncodeOptions, TimestampType,
};

use super::errors::NONE;
use super::raw::Raw;

pub(crate) const PRODUCE: i16 = 9;
pub(crate) const FETCH: i16 = 12;
pub(crate) const LIST_OFFSETS: i16 = 7;
pub(crate) const METADATA: i16 = 12;

pub(crate) const LATEST: i64 = -1;
pub(crate) const EARLIEST: i64 = -2;
pub(crate) const MAX_TIMESTAMP: i64 = -3;

pub(crate) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub(crate) fn topic_name(name: &str) -> TopicName {
    TopicName(text(name))
}

/// What a batch says of its producer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp {
    pub(crate) id: i64,
    pub(crate) epoch: i16,
    pub(crate) sequence: i32,
}

/// A batch of a producer that is not idempotent.
pub(crate) const UNSTAMPED: Stamp = Stamp {
    id: -1,
    epoch: -1,
    sequence: -1,
};

/// A record with this key and value, created now.
pub(crate) fn record(key: Option<&str>, value: Option<&[u8]>) -> Record {
    Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: -1,
        producer_epoch: -1,
        timestamp_type: TimestampType::Creation,
        offset: 0,
        sequence: -1,
        timestamp: super::now_ms(),
        key: key.map(|key| Bytes::copy_from_slice(key.as_bytes())),
        value: value.map(Bytes::copy_from_slice),
        headers: Default::default(),
    }
}

/// Records with these values and no keys.
pub(crate) fn values<V: AsRef<[u8]>>(values: &[V]) -> Vec<Record> {
    values
        .iter()
        .map(|value| record(None, Some(value.as_ref())))
        .collect()
}

/// One batch of these records.
pub(crate) fn batch(records: Vec<Record>, stamp: Stamp) -> Bytes {
    compressed(records, stamp, Compression::None)
}

/// One compressed batch of these records.
pub(crate) fn compressed(
    mut records: Vec<Record>,
    stamp: Stamp,
    compression: Compression,
) -> Bytes {
    for (index, record) in records.iter_mut().enumerate() {
        record.offset = index as i64;
        // The encoder begins a new batch where offsets and sequences drift apart, also without a producer.
        record.sequence = stamp.sequence.wrapping_add(index as i32);
        record.producer_id = stamp.id;
        record.producer_epoch = stamp.epoch;
    }
    let mut bytes = BytesMut::new();
    let options = RecordEncodeOptions {
        version: 2,
        compression,
    };
    RecordBatchEncoder::encode(&mut bytes, &records, &options).expect("a batch");
    bytes.freeze()
}

/// A produce request for one partition, with all acknowledgements.
pub(crate) fn produce_request(topic: &str, partition: i32, records: Bytes) -> ProduceRequest {
    let data = PartitionProduceData::default()
        .with_index(partition)
        .with_records(Some(records));
    ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(10_000)
        .with_topic_data(vec![
            TopicProduceData::default()
                .with_name(topic_name(topic))
                .with_partition_data(vec![data]),
        ])
}

/// A fetch of one partition that does not wait.
pub(crate) fn fetch_request(topic: &str, partition: i32, offset: i64) -> FetchRequest {
    FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_wait_ms(0)
        .with_min_bytes(1)
        .with_max_bytes(10_000_000)
        .with_session_id(0)
        .with_session_epoch(-1)
        .with_topics(vec![
            FetchTopic::default()
                .with_topic(topic_name(topic))
                .with_partitions(vec![fetch_partition(partition, offset)]),
        ])
}

pub(crate) fn fetch_partition(partition: i32, offset: i64) -> FetchPartition {
    FetchPartition::default()
        .with_partition(partition)
        .with_current_leader_epoch(-1)
        .with_fetch_offset(offset)
        .with_last_fetched_epoch(-1)
        .with_log_start_offset(-1)
        .with_partition_max_bytes(10_000_000)
}

/// The records of a fetched partition; those before the offset that was asked for too, as they come.
pub(crate) fn records_of(partition: &PartitionData) -> Vec<Record> {
    let mut bytes = partition.records.clone().unwrap_or_default();
    RecordBatchDecoder::decode_all(&mut bytes)
        .expect("whole batches")
        .into_iter()
        .flat_map(|set| set.records)
        .collect()
}

impl Raw {
    /// Produces to one partition and returns the answer, refused or not.
    pub(crate) fn produce(
        &mut self,
        topic: &str,
        partition: i32,
        records: Bytes,
    ) -> PartitionProduceResponse {
        let mut response = self.call(PRODUCE, &produce_request(topic, partition, records));
        let mut topic = response.responses.remove(0);
        topic.partition_responses.remove(0)
    }

    /// Produces to one partition, which must succeed, and returns the first offset.
    pub(crate) fn append(&mut self, topic: &str, partition: i32, records: Bytes) -> i64 {
        let answer = self.produce(topic, partition, records);
        assert_eq!(answer.error_code, NONE, "{answer:?}");
        answer.base_offset
    }

    /// Fetches one partition without waiting and returns the answer, refused or not.
    pub(crate) fn fetch(&mut self, topic: &str, partition: i32, offset: i64) -> PartitionData {
        let response = self.call(FETCH, &fetch_request(topic, partition, offset));
        assert_eq!(response.error_code, NONE);
        let mut topic = response.responses.into_iter().next().expect("the topic");
        topic.partitions.remove(0)
    }

    /// Everything that a partition holds from this offset on.
    pub(crate) fn read_from(&mut self, topic: &str, partition: i32, from: i64) -> Vec<Record> {
        let mut all = Vec::new();
        let mut next = from;
        loop {
            let answer = self.fetch(topic, partition, next);
            assert_eq!(answer.error_code, NONE, "{answer:?}");
            let records = records_of(&answer);
            let Some(last) = records.last().map(|record| record.offset) else {
                return all;
            };
            all.extend(records.into_iter().filter(|record| record.offset >= next));
            next = last + 1;
        }
    }

    /// Asks for an offset by a time, or by one of the three special ones.
    pub(crate) fn list_offset(
        &mut self,
        topic: &str,
        partition: i32,
        timestamp: i64,
    ) -> ListOffsetsPartitionResponse {
        let asked = ListOffsetsPartition::default()
            .with_partition_index(partition)
            .with_current_leader_epoch(-1)
            .with_timestamp(timestamp);
        let request = ListOffsetsRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_topics(vec![
                ListOffsetsTopic::default()
                    .with_name(topic_name(topic))
                    .with_partitions(vec![asked]),
            ]);
        let mut response = self.call(LIST_OFFSETS, &request);
        let mut topic = response.topics.remove(0);
        topic.partitions.remove(0)
    }

    /// The offsets of the first record and after the last one.
    pub(crate) fn watermarks(&mut self, topic: &str, partition: i32) -> (i64, i64) {
        let low = self.list_offset(topic, partition, EARLIEST);
        let high = self.list_offset(topic, partition, LATEST);
        assert_eq!((low.error_code, high.error_code), (NONE, NONE), "{topic}");
        (low.offset, high.offset)
    }

    /// What the broker says of one topic; nothing is created by asking.
    pub(crate) fn describe_topic(&mut self, topic: &str) -> MetadataResponseTopic {
        let asked = MetadataRequestTopic::default().with_name(Some(topic_name(topic)));
        let request = MetadataRequest::default()
            .with_topics(Some(vec![asked]))
            .with_allow_auto_topic_creation(false);
        self.call(METADATA, &request).topics.remove(0)
    }

    /// The identity of a new idempotent producer, with the first sequence.
    pub(crate) fn new_producer(&mut self) -> Stamp {
        let request = InitProducerIdRequest::default()
            .with_transactional_id(None)
            .with_transaction_timeout_ms(i32::MAX)
            .with_producer_id((-1).into())
            .with_producer_epoch(-1);
        // The broker may still be waiting for its block of ids.
        super::await_some("a producer id", || {
            let answer = self.call(4, &request);
            (answer.error_code == NONE).then_some(Stamp {
                id: answer.producer_id.0,
                epoch: answer.producer_epoch,
                sequence: 0,
            })
        })
    }
}
