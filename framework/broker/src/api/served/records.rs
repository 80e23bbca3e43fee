//! Requests of the records and offsets in logs.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_protocol::messages::*;

use super::{Served, name_of, numbered};
use crate::faults::Touched;
use crate::topics::Index;

impl Served for ProduceRequest {
    fn touched(&self, index: &Index) -> Touched {
        let topics = self.topic_data.iter();
        let touched = topics.flat_map(|topic| {
            let name = name_of(index, &topic.name, &topic.topic_id);
            numbered(
                &name,
                topic.partition_data.iter().map(|partition| partition.index),
            )
        });
        touched.collect()
    }

    fn refuse(&self, _error: ResponseError) -> ProduceResponse {
        // Errors are its partitions'.
        ProduceResponse::default()
    }
}

impl Served for FetchRequest {
    fn touched(&self, index: &Index) -> Touched {
        let topics = self.topics.iter();
        let touched = topics.flat_map(|topic| {
            let name = name_of(index, &topic.topic, &topic.topic_id);
            numbered(
                &name,
                topic.partitions.iter().map(|partition| partition.partition),
            )
        });
        touched.collect()
    }

    fn refuse(&self, error: ResponseError) -> FetchResponse {
        FetchResponse::default().with_error_code(error.code())
    }
}

impl Served for ListOffsetsRequest {
    fn touched(&self, _index: &Index) -> Touched {
        let topics = self.topics.iter();
        let touched = topics.flat_map(|topic| {
            numbered(
                &topic.name,
                topic.partitions.iter().map(|part| part.partition_index),
            )
        });
        touched.collect()
    }

    fn refuse(&self, error: ResponseError) -> ListOffsetsResponse {
        let topics = self.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                ListOffsetsPartitionResponse::default()
                    .with_partition_index(partition.partition_index)
                    .with_error_code(error.code())
            });
            ListOffsetsTopicResponse::default()
                .with_partitions(partitions.collect())
                .with_name(topic.name.clone())
        });
        ListOffsetsResponse::default().with_topics(topics.collect())
    }
}

impl Served for OffsetForLeaderEpochRequest {
    fn touched(&self, _index: &Index) -> Touched {
        let topics = self.topics.iter();
        topics
            .flat_map(|topic| {
                numbered(
                    &topic.topic,
                    topic.partitions.iter().map(|part| part.partition),
                )
            })
            .collect()
    }

    fn refuse(&self, error: ResponseError) -> OffsetForLeaderEpochResponse {
        let topics = self.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                EpochEndOffset::default()
                    .with_partition(partition.partition)
                    .with_error_code(error.code())
            });
            OffsetForLeaderTopicResult::default()
                .with_partitions(partitions.collect())
                .with_topic(topic.topic.clone())
        });
        OffsetForLeaderEpochResponse::default().with_topics(topics.collect())
    }
}

impl Served for DeleteRecordsRequest {
    fn touched(&self, _index: &Index) -> Touched {
        let topics = self.topics.iter();
        let touched = topics.flat_map(|topic| {
            numbered(
                &topic.name,
                topic.partitions.iter().map(|part| part.partition_index),
            )
        });
        touched.collect()
    }

    fn refuse(&self, error: ResponseError) -> DeleteRecordsResponse {
        let topics = self.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                DeleteRecordsPartitionResult::default()
                    .with_partition_index(partition.partition_index)
                    .with_error_code(error.code())
            });
            DeleteRecordsTopicResult::default()
                .with_name(topic.name.clone())
                .with_partitions(partitions.collect())
        });
        DeleteRecordsResponse::default().with_topics(topics.collect())
    }
}
