//! `ListOffsets` and `OffsetForLeaderEpoch`: where a log begins, ends, and stood at a time.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_protocol::messages::{
    ListOffsetsRequest, ListOffsetsResponse, OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
};
use uuid::Uuid;

use super::{Call, find_leader, find_topic};
use crate::log::LogReader;
use crate::node::LEADER_EPOCH;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;

/// Stands for "there is none".
const NONE: (i64, i64) = (-1, -1);

pub(super) async fn list(call: &Call<'_>, request: ListOffsetsRequest) -> ListOffsetsResponse {
    let index = call.node.catalogue.index();
    let topics = request.topics.into_iter().map(|wanted| {
        let topic = find_topic(&index, &wanted.name, Uuid::nil(), false);
        let partitions = wanted.partitions.iter().map(|partition| {
            let found = topic.and_then(|topic| {
                let epoch = partition.current_leader_epoch;
                let leader = find_leader(call.node, topic, partition.partition_index, epoch)?;
                find_offset(leader.reader(), partition.timestamp)
            });
            let described = ListOffsetsPartitionResponse::default()
                .with_partition_index(partition.partition_index);
            match found {
                Ok((offset, timestamp)) => {
                    let described = described.with_offset(offset).with_timestamp(timestamp);
                    if call.version() >= 4 && offset >= 0 {
                        described.with_leader_epoch(LEADER_EPOCH)
                    } else {
                        described
                    }
                }
                Err(error) => described.with_error_code(error.code()),
            }
        });
        ListOffsetsTopicResponse::default()
            .with_partitions(partitions.collect())
            .with_name(wanted.name.clone())
    });
    ListOffsetsResponse::default().with_topics(topics.collect())
}

/// An offset and the time of its record, where one is asked for by time.
fn find_offset(reader: &LogReader, timestamp: i64) -> Result<(i64, i64), ResponseError> {
    match timestamp {
        LATEST => Ok((reader.end_offset(), -1)),
        EARLIEST | EARLIEST_LOCAL => Ok((reader.start_offset(), -1)),
        MAX_TIMESTAMP => reader
            .max_timestamp()
            .map(|found| found.unwrap_or(NONE))
            .map_err(|error| error.code()),
        LATEST_TIERED => Ok(NONE),
        ..0 => Err(ResponseError::UnsupportedVersion),
        _ => reader
            .offset_for_time(timestamp)
            .map(|found| found.unwrap_or(NONE))
            .map_err(|error| error.code()),
    }
}

pub(super) async fn for_leader_epoch(
    call: &Call<'_>,
    request: OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    let index = call.node.catalogue.index();
    let topics = request.topics.into_iter().map(|wanted| {
        let topic = find_topic(&index, &wanted.topic, Uuid::nil(), false);
        let partitions = wanted.partitions.iter().map(|partition| {
            let leader = topic.and_then(|topic| {
                find_leader(
                    call.node,
                    topic,
                    partition.partition,
                    partition.current_leader_epoch,
                )
            });
            let described = EpochEndOffset::default().with_partition(partition.partition);
            match leader {
                Ok(leader) if partition.leader_epoch == LEADER_EPOCH => described
                    .with_leader_epoch(LEADER_EPOCH)
                    .with_end_offset(leader.reader().end_offset()),
                Ok(_) => described,
                Err(error) => described.with_error_code(error.code()),
            }
        });
        OffsetForLeaderTopicResult::default()
            .with_partitions(partitions.collect())
            .with_topic(wanted.topic.clone())
    });
    OffsetForLeaderEpochResponse::default().with_topics(topics.collect())
}
