//! A member of a group that sends what a case wants, when it wants.

use bytes::Bytes;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::offset_fetch_response::OffsetFetchResponsePartition;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    FindCoordinatorRequest, GroupId, HeartbeatRequest, JoinGroupRequest, JoinGroupResponse,
    LeaveGroupRequest, OffsetCommitRequest, OffsetFetchRequest, SyncGroupRequest,
    SyncGroupResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::await_that;
use super::calls::{text, topic_name};
use super::errors::{MEMBER_ID_REQUIRED, NONE};
use super::raw::Raw;

pub(crate) const JOIN: i16 = 7;
pub(crate) const SYNC: i16 = 5;
pub(crate) const HEARTBEAT: i16 = 4;
pub(crate) const LEAVE: i16 = 4;
pub(crate) const COMMIT: i16 = 8;
pub(crate) const OFFSETS: i16 = 7;

pub(crate) fn group_id(group: &str) -> GroupId {
    GroupId(text(group))
}

/// A member with a connection of its own.
pub(crate) struct RawMember {
    pub(crate) raw: Raw,
    pub(crate) group: String,
    pub(crate) id: StrBytes,
    pub(crate) instance: Option<String>,
    pub(crate) generation: i32,
    pub(crate) session_ms: i32,
    pub(crate) rebalance_ms: i32,
    pub(crate) protocols: Vec<(String, Bytes)>,
}

impl RawMember {
    /// Not yet a member; speaks a protocol that no client but this one knows.
    pub(crate) fn new(group: &str) -> Self {
        let mut raw = Raw::connect();
        await_coordinator(&mut raw, group);
        RawMember {
            raw,
            group: group.to_owned(),
            id: StrBytes::default(),
            instance: None,
            generation: -1,
            session_ms: 30_000,
            rebalance_ms: 30_000,
            protocols: vec![("contract".to_owned(), Bytes::from_static(b"meta"))],
        }
    }

    pub(crate) fn of_instance(group: &str, instance: &str) -> Self {
        RawMember {
            instance: Some(instance.to_owned()),
            ..RawMember::new(group)
        }
    }

    pub(crate) fn join_request(&self) -> JoinGroupRequest {
        let protocols = self.protocols.iter().map(|(name, metadata)| {
            JoinGroupRequestProtocol::default()
                .with_name(text(name))
                .with_metadata(metadata.clone())
        });
        JoinGroupRequest::default()
            .with_group_id(group_id(&self.group))
            .with_session_timeout_ms(self.session_ms)
            .with_rebalance_timeout_ms(self.rebalance_ms)
            .with_member_id(self.id.clone())
            .with_group_instance_id(self.instance.as_deref().map(text))
            .with_protocol_type(text("consumer"))
            .with_protocols(protocols.collect())
    }

    /// Asks to join, the second time with the id that the first answer gave, and does not wait for the others.
    pub(crate) fn send_join(&mut self) -> i32 {
        if self.id.is_empty() && self.instance.is_none() {
            let answer = self.raw.call(JOIN, &self.join_request());
            assert_eq!(answer.error_code, MEMBER_ID_REQUIRED, "{answer:?}");
            self.id = answer.member_id;
        }
        self.raw.send(JOIN, &self.join_request())
    }

    /// The answer to a join that was sent.
    pub(crate) fn joined(&mut self, correlation: i32) -> JoinGroupResponse {
        let answer = self.raw.receive::<JoinGroupRequest>(JOIN, correlation);
        assert_eq!(answer.error_code, NONE, "{answer:?}");
        self.id = answer.member_id.clone();
        self.generation = answer.generation_id;
        answer
    }

    pub(crate) fn join(&mut self) -> JoinGroupResponse {
        let correlation = self.send_join();
        self.joined(correlation)
    }

    /// Sends the leader's assignments, or none as a follower does.
    pub(crate) fn send_sync(&mut self, assignments: &[(StrBytes, &'static [u8])]) -> i32 {
        let assignments = assignments.iter().map(|(member, assignment)| {
            SyncGroupRequestAssignment::default()
                .with_member_id(member.clone())
                .with_assignment(Bytes::from_static(assignment))
        });
        let request = SyncGroupRequest::default()
            .with_group_id(group_id(&self.group))
            .with_generation_id(self.generation)
            .with_member_id(self.id.clone())
            .with_group_instance_id(self.instance.as_deref().map(text))
            .with_protocol_type(Some(text("consumer")))
            .with_protocol_name(Some(text(&self.protocols[0].0)))
            .with_assignments(assignments.collect());
        self.raw.send(SYNC, &request)
    }

    pub(crate) fn synced(&mut self, correlation: i32) -> SyncGroupResponse {
        self.raw.receive::<SyncGroupRequest>(SYNC, correlation)
    }

    /// Joins an empty group and gives itself everything.
    pub(crate) fn join_alone(&mut self) {
        let joined = self.join();
        assert_eq!(joined.leader, self.id, "the only member leads");
        let correlation = self.send_sync(&[(self.id.clone(), b"all")]);
        let synced = self.synced(correlation);
        assert_eq!(
            (synced.error_code, &synced.assignment[..]),
            (NONE, &b"all"[..])
        );
    }

    pub(crate) fn heartbeat(&mut self) -> i16 {
        let request = HeartbeatRequest::default()
            .with_group_id(group_id(&self.group))
            .with_generation_id(self.generation)
            .with_member_id(self.id.clone())
            .with_group_instance_id(self.instance.as_deref().map(text));
        self.raw.call(HEARTBEAT, &request).error_code
    }

    pub(crate) fn leave(&mut self) {
        let member = MemberIdentity::default().with_member_id(self.id.clone());
        let request = LeaveGroupRequest::default()
            .with_group_id(group_id(&self.group))
            .with_members(vec![member]);
        let answer = self.raw.call(LEAVE, &request);
        assert_eq!(
            (answer.error_code, answer.members[0].error_code),
            (NONE, NONE)
        );
    }

    /// Commits one offset as this member; returns the error code.
    pub(crate) fn commit(&mut self, topic: &str, partition: i32, offset: i64) -> i16 {
        self.commit_with(topic, partition, offset, "")
    }

    /// Commits one offset with its metadata.
    pub(crate) fn commit_with(
        &mut self,
        topic: &str,
        partition: i32,
        offset: i64,
        metadata: &str,
    ) -> i16 {
        let request = commit_request(&self.group, topic, partition, offset, Some(metadata))
            .with_generation_id_or_member_epoch(self.generation)
            .with_member_id(self.id.clone())
            .with_group_instance_id(self.instance.as_deref().map(text));
        commit_error(&mut self.raw, &request)
    }
}

/// Waits until the group's coordinator serves it: the broker makes its offsets topic when it is first asked for one.
pub(crate) fn await_coordinator(raw: &mut Raw, group: &str) {
    let request = FindCoordinatorRequest::default()
        .with_key(text(group))
        .with_key_type(0);
    await_that("a coordinator", || raw.call(2, &request).error_code == NONE);
    let request = OffsetFetchRequest::default()
        .with_group_id(group_id(group))
        .with_topics(None);
    await_that("a loaded coordinator", || {
        raw.call(OFFSETS, &request).error_code == NONE
    });
}

/// A commit by somebody who is no member.
pub(crate) fn commit_request(
    group: &str,
    topic: &str,
    partition: i32,
    offset: i64,
    metadata: Option<&str>,
) -> OffsetCommitRequest {
    let committed = OffsetCommitRequestPartition::default()
        .with_partition_index(partition)
        .with_committed_offset(offset)
        .with_committed_leader_epoch(-1)
        .with_committed_metadata(metadata.map(text));
    OffsetCommitRequest::default()
        .with_group_id(group_id(group))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![
            OffsetCommitRequestTopic::default()
                .with_name(topic_name(topic))
                .with_partitions(vec![committed]),
        ])
}

pub(crate) fn commit_error(raw: &mut Raw, request: &OffsetCommitRequest) -> i16 {
    raw.call(COMMIT, request).topics[0].partitions[0].error_code
}

/// What is committed for one partition.
pub(crate) fn committed(
    raw: &mut Raw,
    group: &str,
    topic: &str,
    partition: i32,
) -> OffsetFetchResponsePartition {
    let asked = OffsetFetchRequestTopic::default()
        .with_name(topic_name(topic))
        .with_partition_indexes(vec![partition]);
    let request = OffsetFetchRequest::default()
        .with_group_id(group_id(group))
        .with_topics(Some(vec![asked]));
    let mut answer = raw.call(OFFSETS, &request);
    assert_eq!(answer.error_code, NONE, "{answer:?}");
    answer.topics.remove(0).partitions.remove(0)
}
