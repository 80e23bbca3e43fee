//! Records deleted by hand.

use kafka_protocol::messages::DeleteRecordsRequest;
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::delete_records_response::DeleteRecordsPartitionResult;

use super::calls::topic_name;
use super::errors::NONE;
use super::raw::Raw;

/// Asks for the records before an offset to be deleted; returns the answer, refused or not.
pub(crate) fn ask_to_delete(
    raw: &mut Raw,
    topic: &str,
    partition: i32,
    before: i64,
) -> DeleteRecordsPartitionResult {
    let asked = DeleteRecordsPartition::default()
        .with_partition_index(partition)
        .with_offset(before);
    let request = DeleteRecordsRequest::default()
        .with_timeout_ms(20_000)
        .with_topics(vec![
            DeleteRecordsTopic::default()
                .with_name(topic_name(topic))
                .with_partitions(vec![asked]),
        ]);
    let mut answer = raw.call(2, &request);
    let mut topic = answer.topics.remove(0);
    topic.partitions.remove(0)
}

/// Deletes the records before an offset.
pub(crate) fn delete_records(raw: &mut Raw, topic: &str, partition: i32, before: i64) {
    let answer = ask_to_delete(raw, topic, partition, before);
    assert_eq!((answer.error_code, answer.low_watermark), (NONE, before));
}
