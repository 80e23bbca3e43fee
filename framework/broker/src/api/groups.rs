//! The APIs of groups, each a call of the coordinator.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{
    DeleteGroupsRequest, DeleteGroupsResponse, DescribeGroupsRequest, DescribeGroupsResponse,
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    LeaveGroupResponse, ListGroupsRequest, ListGroupsResponse, OffsetCommitRequest,
    OffsetCommitResponse, OffsetDeleteRequest, OffsetDeleteResponse, OffsetFetchRequest,
    OffsetFetchResponse, SyncGroupRequest, SyncGroupResponse,
};

use super::Call;
use super::served::Served;
use crate::group::{Answer, Context};
use crate::topics::Index;

impl Call<'_> {
    fn context(&self) -> Context {
        Context {
            version: self.version(),
            client_id: self.request.client_id.clone(),
            client_host: self.client.host.clone(),
        }
    }
}

/// The answer when what a request brought about could not be stored: the client tries again.
const NOT_STORED: ResponseError = ResponseError::CoordinatorNotAvailable;

fn has_partition(index: &Index) -> impl Fn(&str, i32) -> bool + '_ {
    |topic, partition| {
        index
            .by_name(topic)
            .is_some_and(|topic| topic.partition(partition).is_some())
    }
}

pub(super) async fn join(call: &Call<'_>, request: JoinGroupRequest) -> JoinGroupResponse {
    let context = call.context();
    let groups = call.node.groups();
    match groups
        .wait(|coordinator, now, token| coordinator.join(now, token, &context, &request))
        .await
    {
        Ok(Answer::Join(response)) => response,
        _ => request.refuse(NOT_STORED),
    }
}

pub(super) async fn sync(call: &Call<'_>, request: SyncGroupRequest) -> SyncGroupResponse {
    let context = call.context();
    let groups = call.node.groups();
    match groups
        .wait(|coordinator, now, token| coordinator.sync(now, token, &context, &request))
        .await
    {
        Ok(Answer::Sync(response)) => response,
        _ => request.refuse(NOT_STORED),
    }
}

pub(super) async fn heartbeat(call: &Call<'_>, request: HeartbeatRequest) -> HeartbeatResponse {
    let groups = call.node.groups();
    let beat =
        groups.call(|coordinator, now| (coordinator.heartbeat(now, &request), Default::default()));
    beat.await.unwrap_or_else(|_| request.refuse(NOT_STORED))
}

pub(super) async fn leave(call: &Call<'_>, request: LeaveGroupRequest) -> LeaveGroupResponse {
    let context = call.context();
    let left = call
        .node
        .groups()
        .call(|coordinator, now| coordinator.leave(now, &context, &request))
        .await;
    left.unwrap_or_else(|_| request.refuse(NOT_STORED))
}

pub(super) async fn commit(call: &Call<'_>, request: OffsetCommitRequest) -> OffsetCommitResponse {
    let index = call.node.catalogue.index();
    let groups = call.node.groups();
    let context = call.context();
    let stored = groups
        .call(|coordinator, now| coordinator.commit(now, &context, &request, has_partition(&index)))
        .await;
    stored.unwrap_or_else(|_| request.refuse(NOT_STORED))
}

pub(super) async fn fetch_offsets(
    call: &Call<'_>,
    request: OffsetFetchRequest,
) -> OffsetFetchResponse {
    let context = call.context();
    call.node
        .groups()
        .ask(|coordinator| coordinator.fetch_offsets(&context, &request))
}

pub(super) async fn delete_offsets(
    call: &Call<'_>,
    request: OffsetDeleteRequest,
) -> OffsetDeleteResponse {
    let index = call.node.catalogue.index();
    let groups = call.node.groups();
    let stored = groups
        .call(|coordinator, now| coordinator.delete_offsets(now, &request, has_partition(&index)))
        .await;
    stored.unwrap_or_else(|_| request.refuse(NOT_STORED))
}

pub(super) async fn describe(
    call: &Call<'_>,
    request: DescribeGroupsRequest,
) -> DescribeGroupsResponse {
    let context = call.context();
    call.node
        .groups()
        .ask(|coordinator| coordinator.describe(&context, &request))
}

pub(super) async fn list(call: &Call<'_>, request: ListGroupsRequest) -> ListGroupsResponse {
    let context = call.context();
    call.node
        .groups()
        .ask(|coordinator| coordinator.list(&context, &request))
}

pub(super) async fn delete(call: &Call<'_>, request: DeleteGroupsRequest) -> DeleteGroupsResponse {
    let deleted = call
        .node
        .groups()
        .call(|coordinator, _| coordinator.delete(&request))
        .await;
    deleted.unwrap_or_else(|_| request.refuse(NOT_STORED))
}
