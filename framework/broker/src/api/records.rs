//! `DeleteRecords`: a log begins later.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse};
use uuid::Uuid;

use super::{Call, find_leader, find_topic};
use crate::topics::Index;

pub(super) async fn delete(
    call: &Call<'_>,
    request: DeleteRecordsRequest,
) -> DeleteRecordsResponse {
    let index = call.node.catalogue.index();
    let mut topics = Vec::with_capacity(request.topics.len());
    for wanted in request.topics {
        let mut partitions = Vec::with_capacity(wanted.partitions.len());
        for partition in wanted.partitions {
            let number = partition.partition_index;
            let described = DeleteRecordsPartitionResult::default().with_partition_index(number);
            partitions.push(
                match delete_before(call, &index, &wanted.name, number, partition.offset).await {
                    Ok(start) => described.with_low_watermark(start),
                    Err(error) => described
                        .with_error_code(error.code())
                        .with_low_watermark(-1),
                },
            );
        }
        topics.push(
            DeleteRecordsTopicResult::default()
                .with_name(wanted.name)
                .with_partitions(partitions),
        );
    }
    DeleteRecordsResponse::default().with_topics(topics)
}

async fn delete_before(
    call: &Call<'_>,
    index: &Index,
    topic: &str,
    number: i32,
    offset: i64,
) -> Result<i64, ResponseError> {
    let topic = find_topic(index, topic, Uuid::nil(), false)?;
    let leader = find_leader(call.node, topic, number, -1)?;
    if topic.is_internal() || !topic.config.log().cleanup.delete {
        // Of a log that is compacted only, nothing is deleted but what is superseded.
        return Err(ResponseError::PolicyViolation);
    }
    if offset < -1 {
        return Err(ResponseError::OffsetOutOfRange);
    }
    match leader.delete_records(offset).await {
        Ok(deleted) => deleted.map_err(|error| error.code()),
        Err(_gone) => Err(ResponseError::UnknownTopicOrPartition),
    }
}
