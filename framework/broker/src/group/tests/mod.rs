//! The coordinator's rules, one by one, under a clock of the tests' own; and all of them at random in [`random`].

mod admin;
mod bench;
mod joining;
mod leaving;
mod offsets;
mod random;
mod restart;
mod static_members;
mod syncing;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::offset_fetch_response::OffsetFetchResponseTopics;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    GroupId, HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest, SyncGroupRequest,
    SyncGroupResponse, TopicName,
};
use kafka_protocol::protocol::Encodable;
use uuid::Uuid;

use super::output::text;
use super::state::Group;
use super::*;

const GROUP: &str = "orders";
const SESSION: u64 = 10;
const REBALANCE: u64 = 60;

/// A coordinator, its clock, what it answered and what it stored.
struct Bench {
    coordinator: Coordinator,
    now: Instant,
    tokens: u64,
    /// Requests without an answer, with their version.
    open: BTreeMap<Token, i16>,
    answers: BTreeMap<Token, Answer>,
    log: Vec<Entry>,
}

/// A join, as one of the clients would send it.
#[derive(Clone)]
struct Joiner {
    version: i16,
    member: String,
    instance: Option<&'static str>,
    protocol_type: &'static str,
    protocols: Vec<(&'static str, Bytes)>,
    session: u64,
    rebalance: u64,
}

fn joiner() -> Joiner {
    Joiner {
        version: 9,
        member: String::new(),
        instance: None,
        protocol_type: "consumer",
        protocols: vec![("range", Bytes::from_static(b"said"))],
        session: SESSION,
        rebalance: REBALANCE,
    }
}

impl Joiner {
    fn id(mut self, member: &str) -> Self {
        member.clone_into(&mut self.member);
        self
    }
    fn instance(mut self, instance: &'static str) -> Self {
        self.instance = Some(instance);
        self
    }
    fn version(mut self, version: i16) -> Self {
        self.version = version;
        self
    }
    fn protocols(mut self, protocols: &[(&'static str, &'static str)]) -> Self {
        self.protocols = protocols
            .iter()
            .map(|(name, said)| (*name, Bytes::from_static(said.as_bytes())))
            .collect();
        self
    }
    fn rebalance(mut self, seconds: u64) -> Self {
        self.rebalance = seconds;
        self
    }
    fn request(&self) -> JoinGroupRequest {
        let protocols = self.protocols.iter().map(|(name, metadata)| {
            JoinGroupRequestProtocol::default()
                .with_name(text(name))
                .with_metadata(metadata.clone())
        });
        JoinGroupRequest::default()
            .with_group_id(group())
            .with_member_id(text(&self.member))
            .with_group_instance_id(self.instance.map(text))
            .with_protocol_type(text(self.protocol_type))
            .with_protocols(protocols.collect())
            .with_session_timeout_ms(i32::try_from(self.session * 1000).unwrap())
            .with_rebalance_timeout_ms(i32::try_from(self.rebalance * 1000).unwrap())
    }
}

fn group() -> GroupId {
    GroupId(text(GROUP))
}

fn context(version: i16) -> Context {
    Context {
        version,
        client_id: text("shop"),
        client_host: text("/127.0.0.1"),
    }
}

fn sync_request(member: &str, generation: i32) -> SyncGroupRequest {
    SyncGroupRequest::default()
        .with_group_id(group())
        .with_member_id(text(member))
        .with_generation_id(generation)
        .with_protocol_type(Some(text("consumer")))
        .with_protocol_name(Some(text("range")))
}

fn bytes(value: &str) -> Bytes {
    Bytes::copy_from_slice(value.as_bytes())
}

/// An answer that its version cannot carry is a connection closed.
fn encodes(message: &impl Encodable, version: i16) {
    message.encode(&mut BytesMut::new(), version).unwrap();
}

fn code(error: ResponseError) -> i16 {
    error.code()
}

fn commit_request(
    member: &str,
    generation: i32,
    topic: &str,
    partition: i32,
    offset: i64,
) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition::default()
        .with_partition_index(partition)
        .with_committed_offset(offset)
        .with_committed_leader_epoch(3)
        .with_committed_metadata(Some(text("why")));
    let topic = OffsetCommitRequestTopic::default()
        .with_name(TopicName(text(topic)))
        .with_partitions(vec![partition]);
    OffsetCommitRequest::default()
        .with_group_id(group())
        .with_member_id(text(member))
        .with_generation_id_or_member_epoch(generation)
        .with_topics(vec![topic])
}
