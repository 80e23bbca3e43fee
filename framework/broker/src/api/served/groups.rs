//! Requests of groups and their offsets.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::describe_groups_response::DescribedGroup;
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::offset_fetch_response::OffsetFetchResponseGroup;
use kafka_protocol::messages::*;

use super::{Served, numbered};
use crate::faults::Touched;
use crate::topics::Index;

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
