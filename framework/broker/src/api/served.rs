//! What faults need to know of a request: which topics and partitions it names, and how it is refused.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::describe_configs_response::DescribeConfigsResult;
use kafka_protocol::messages::describe_groups_response::DescribedGroup;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse as IncrementalResponse;
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::offset_fetch_response::OffsetFetchResponseGroup;
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::Request;

use crate::faults::Touched;
use crate::topics::Index;

/// A request that is served.
pub(super) trait Served: Request {
    /// The topics that it names, with the partition where it names one.
    fn touched(&self, _index: &Index) -> Touched {
        Touched::new()
    }

    /// The answer that carries an error and nothing else.
    fn refuse(&self, error: ResponseError) -> Self::Response;
}

fn numbered(name: &str, partitions: impl IntoIterator<Item = i32>) -> Vec<(String, Option<i32>)> {
    let mut touched: Touched = partitions
        .into_iter()
        .map(|partition| (name.to_owned(), Some(partition)))
        .collect();
    if touched.is_empty() {
        touched.push((name.to_owned(), None));
    }
    touched
}

/// The name that stands in the request, or that its id stands for.
fn name_of(index: &Index, name: &str, id: &uuid::Uuid) -> String {
    if name.is_empty() {
        index
            .by_id(id)
            .map_or_else(String::new, |topic| topic.name.to_string())
    } else {
        name.to_owned()
    }
}

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

impl Served for ApiVersionsRequest {
    fn refuse(&self, error: ResponseError) -> ApiVersionsResponse {
        ApiVersionsResponse::default().with_error_code(error.code())
    }
}

impl Served for MetadataRequest {
    fn touched(&self, index: &Index) -> Touched {
        let Some(topics) = &self.topics else {
            return index
                .iter()
                .map(|topic| (topic.name.to_string(), None))
                .collect();
        };
        let name = |topic: &metadata_request::MetadataRequestTopic| {
            name_of(
                index,
                topic.name.as_ref().map_or("", |name| name),
                &topic.topic_id,
            )
        };
        topics.iter().map(|topic| (name(topic), None)).collect()
    }

    fn refuse(&self, error: ResponseError) -> MetadataResponse {
        let topics = self.topics.iter().flatten().map(|topic| {
            MetadataResponseTopic::default()
                .with_error_code(error.code())
                .with_name(topic.name.clone())
                .with_topic_id(topic.topic_id)
        });
        MetadataResponse::default().with_topics(topics.collect())
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

impl Served for FindCoordinatorRequest {
    fn refuse(&self, error: ResponseError) -> FindCoordinatorResponse {
        if self.coordinator_keys.is_empty() {
            return FindCoordinatorResponse::default().with_error_code(error.code());
        }
        let keys = self.coordinator_keys.iter();
        let coordinators = keys.map(|key| {
            Coordinator::default()
                .with_key(key.clone())
                .with_error_code(error.code())
        });
        FindCoordinatorResponse::default().with_coordinators(coordinators.collect())
    }
}

impl Served for InitProducerIdRequest {
    fn refuse(&self, error: ResponseError) -> InitProducerIdResponse {
        InitProducerIdResponse::default()
            .with_error_code(error.code())
            .with_producer_id(ProducerId(-1))
    }
}

impl Served for JoinGroupRequest {
    fn refuse(&self, error: ResponseError) -> JoinGroupResponse {
        // Old versions have no null in its place.
        JoinGroupResponse::default()
            .with_error_code(error.code())
            .with_protocol_name(Some(Default::default()))
            .with_member_id(self.member_id.clone())
    }
}

impl Served for SyncGroupRequest {
    fn refuse(&self, error: ResponseError) -> SyncGroupResponse {
        SyncGroupResponse::default().with_error_code(error.code())
    }
}

impl Served for HeartbeatRequest {
    fn refuse(&self, error: ResponseError) -> HeartbeatResponse {
        HeartbeatResponse::default().with_error_code(error.code())
    }
}

impl Served for LeaveGroupRequest {
    fn refuse(&self, error: ResponseError) -> LeaveGroupResponse {
        LeaveGroupResponse::default().with_error_code(error.code())
    }
}

impl Served for OffsetCommitRequest {
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

    fn refuse(&self, error: ResponseError) -> OffsetCommitResponse {
        let topics = self.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                OffsetCommitResponsePartition::default()
                    .with_partition_index(partition.partition_index)
                    .with_error_code(error.code())
            });
            OffsetCommitResponseTopic::default()
                .with_name(topic.name.clone())
                .with_partitions(partitions.collect())
        });
        OffsetCommitResponse::default().with_topics(topics.collect())
    }
}

impl Served for OffsetFetchRequest {
    fn refuse(&self, error: ResponseError) -> OffsetFetchResponse {
        if self.groups.is_empty() {
            return OffsetFetchResponse::default().with_error_code(error.code());
        }
        let groups = self.groups.iter().map(|group| {
            OffsetFetchResponseGroup::default()
                .with_group_id(group.group_id.clone())
                .with_error_code(error.code())
        });
        OffsetFetchResponse::default().with_groups(groups.collect())
    }
}

impl Served for OffsetDeleteRequest {
    fn refuse(&self, error: ResponseError) -> OffsetDeleteResponse {
        OffsetDeleteResponse::default().with_error_code(error.code())
    }
}

impl Served for DescribeGroupsRequest {
    fn refuse(&self, error: ResponseError) -> DescribeGroupsResponse {
        let groups = self.groups.iter();
        let groups = groups.map(|group| {
            DescribedGroup::default()
                .with_group_id(group.clone())
                .with_error_code(error.code())
        });
        DescribeGroupsResponse::default().with_groups(groups.collect())
    }
}

impl Served for ListGroupsRequest {
    fn refuse(&self, error: ResponseError) -> ListGroupsResponse {
        ListGroupsResponse::default().with_error_code(error.code())
    }
}

impl Served for DeleteGroupsRequest {
    fn refuse(&self, error: ResponseError) -> DeleteGroupsResponse {
        let groups = self.groups_names.iter();
        let results = groups.map(|group| {
            DeletableGroupResult::default()
                .with_group_id(group.clone())
                .with_error_code(error.code())
        });
        DeleteGroupsResponse::default().with_results(results.collect())
    }
}

impl Served for CreateTopicsRequest {
    fn touched(&self, _index: &Index) -> Touched {
        self.topics
            .iter()
            .map(|topic| (topic.name.to_string(), None))
            .collect()
    }

    fn refuse(&self, error: ResponseError) -> CreateTopicsResponse {
        let topics = self.topics.iter();
        let topics = topics.map(|topic| {
            CreatableTopicResult::default()
                .with_name(topic.name.clone())
                .with_error_code(error.code())
        });
        CreateTopicsResponse::default().with_topics(topics.collect())
    }
}

impl Served for DeleteTopicsRequest {
    fn touched(&self, index: &Index) -> Touched {
        let named = self.topic_names.iter().map(|name| (name.to_string(), None));
        let states = self.topics.iter().map(|topic| {
            (
                name_of(
                    index,
                    topic.name.as_ref().map_or("", |name| name),
                    &topic.topic_id,
                ),
                None,
            )
        });
        named.chain(states).collect()
    }

    fn refuse(&self, error: ResponseError) -> DeleteTopicsResponse {
        let refused = |name, id| {
            DeletableTopicResult::default()
                .with_name(name)
                .with_topic_id(id)
                .with_error_code(error.code())
        };
        let named = self
            .topic_names
            .iter()
            .map(|name| refused(Some(name.clone()), uuid::Uuid::nil()));
        let states = self
            .topics
            .iter()
            .map(|topic| refused(topic.name.clone(), topic.topic_id));
        DeleteTopicsResponse::default().with_responses(named.chain(states).collect())
    }
}

impl Served for CreatePartitionsRequest {
    fn touched(&self, _index: &Index) -> Touched {
        self.topics
            .iter()
            .map(|topic| (topic.name.to_string(), None))
            .collect()
    }

    fn refuse(&self, error: ResponseError) -> CreatePartitionsResponse {
        let results = self.topics.iter().map(|topic| {
            CreatePartitionsTopicResult::default()
                .with_name(topic.name.clone())
                .with_error_code(error.code())
        });
        CreatePartitionsResponse::default().with_results(results.collect())
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

impl Served for DescribeConfigsRequest {
    fn refuse(&self, error: ResponseError) -> DescribeConfigsResponse {
        let results = self.resources.iter().map(|resource| {
            DescribeConfigsResult::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name.clone())
                .with_error_code(error.code())
        });
        DescribeConfigsResponse::default().with_results(results.collect())
    }
}

impl Served for AlterConfigsRequest {
    fn refuse(&self, error: ResponseError) -> AlterConfigsResponse {
        let responses = self.resources.iter().map(|resource| {
            AlterConfigsResourceResponse::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name.clone())
                .with_error_code(error.code())
        });
        AlterConfigsResponse::default().with_responses(responses.collect())
    }
}

impl Served for IncrementalAlterConfigsRequest {
    fn refuse(&self, error: ResponseError) -> IncrementalAlterConfigsResponse {
        let responses = self.resources.iter().map(|resource| {
            IncrementalResponse::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name.clone())
                .with_error_code(error.code())
        });
        IncrementalAlterConfigsResponse::default().with_responses(responses.collect())
    }
}

impl Served for DescribeClusterRequest {
    fn refuse(&self, error: ResponseError) -> DescribeClusterResponse {
        DescribeClusterResponse::default().with_error_code(error.code())
    }
}
