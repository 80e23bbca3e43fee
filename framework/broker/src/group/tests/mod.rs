//! The coordinator's rules, one by one, under a clock of the tests' own; and all of them at random in [`random`].

mod admin;
mod joining;
mod offsets;
mod random;
mod restart;
mod static_members;
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

use super::group::Group;
use super::output::text;
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

impl Bench {
    fn new() -> Self {
        Self::with(GroupConfig::default())
    }

    fn with(config: GroupConfig) -> Self {
        Self {
            coordinator: Coordinator::new(config),
            now: Instant::now(),
            tokens: 0,
            open: BTreeMap::new(),
            answers: BTreeMap::new(),
            log: Vec::new(),
        }
    }

    fn take(&mut self, output: Output) {
        for (token, answer) in output.answers {
            let version = self
                .open
                .remove(&token)
                .expect("an answer to a request that waits");
            match &answer {
                Answer::Join(response) => encodes(response, version),
                Answer::Sync(response) => encodes(response, version),
            }
            self.answers.insert(token, answer);
        }
        self.log.extend(output.entries);
    }

    fn token(&mut self, version: i16) -> Token {
        self.tokens += 1;
        self.open.insert(Token(self.tokens), version);
        Token(self.tokens)
    }

    /// Lets time pass, waking the coordinator when it asks to be.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.coordinator.next_deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            let output = self.coordinator.tick(self.now);
            self.take(output);
            assert!(
                self.coordinator
                    .next_deadline()
                    .is_none_or(|at| at > self.now),
                "a tick leaves nothing due"
            );
        }
        self.now = end;
    }

    fn seconds(&mut self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    fn join(&mut self, joiner: &Joiner) -> Token {
        let token = self.token(joiner.version);
        let output =
            self.coordinator
                .join(self.now, token, &context(joiner.version), &joiner.request());
        self.take(output);
        token
    }

    fn joined(&mut self, token: Token) -> JoinGroupResponse {
        match self.answers.remove(&token) {
            Some(Answer::Join(response)) => response,
            other => panic!("a join's answer is due, not {other:?}"),
        }
    }

    fn waits(&self, token: Token) -> bool {
        self.open.contains_key(&token)
    }

    /// A dynamic member's first join: it is told its id, and joins with it.
    fn come(&mut self, joiner: Joiner) -> (String, Token) {
        let told = self.join(&joiner);
        let told = self.joined(told);
        assert_eq!(told.error_code, code(ResponseError::MemberIdRequired));
        let id = told.member_id.to_string();
        let token = self.join(&joiner.id(&id));
        (id, token)
    }

    fn sync(&mut self, member: &str, generation: i32, assignments: &[(&str, &str)]) -> Token {
        let assignments = assignments.iter().map(|(member, assignment)| {
            SyncGroupRequestAssignment::default()
                .with_member_id(text(member))
                .with_assignment(bytes(assignment))
        });
        self.send_sync(&sync_request(member, generation).with_assignments(assignments.collect()))
    }

    fn send_sync(&mut self, request: &SyncGroupRequest) -> Token {
        let token = self.token(5);
        let output = self.coordinator.sync(self.now, token, &context(5), request);
        self.take(output);
        token
    }

    fn synced(&mut self, token: Token) -> SyncGroupResponse {
        match self.answers.remove(&token) {
            Some(Answer::Sync(response)) => response,
            other => panic!("a sync's answer is due, not {other:?}"),
        }
    }

    fn heartbeat(&mut self, member: &str, generation: i32) -> i16 {
        self.beat(member, None, generation)
    }

    fn beat(&mut self, member: &str, instance: Option<&str>, generation: i32) -> i16 {
        let request = HeartbeatRequest::default()
            .with_group_id(group())
            .with_member_id(text(member))
            .with_group_instance_id(instance.map(text))
            .with_generation_id(generation);
        self.coordinator.heartbeat(self.now, &request).error_code
    }

    fn leave(&mut self, member: &str) -> i16 {
        self.send_away(member, None)
    }

    fn send_away(&mut self, member: &str, instance: Option<&str>) -> i16 {
        let identity = MemberIdentity::default()
            .with_member_id(text(member))
            .with_group_instance_id(instance.map(text));
        let request = LeaveGroupRequest::default()
            .with_group_id(group())
            .with_members(vec![identity]);
        let (response, output) = self.coordinator.leave(self.now, &context(5), &request);
        encodes(&response, 5);
        self.take(output);
        assert_eq!(response.error_code, 0);
        response.members[0].error_code
    }

    /// `count` dynamic members in generation `count`, each with its own id as assignment; the leader first.
    fn stable(&mut self, count: usize) -> Vec<String> {
        let mut ids: Vec<String> = Vec::new();
        for _ in 0..count {
            let (id, token) = self.come(joiner());
            let rejoins: Vec<Token> = ids
                .iter()
                .map(|id| joiner().id(id))
                .map(|again| self.join(&again))
                .collect();
            ids.push(id);
            for token in rejoins.into_iter().chain([token]) {
                assert_eq!(self.joined(token).error_code, 0);
            }
            let generation = self.group().generation;
            let assignments: Vec<(&str, &str)> =
                ids.iter().map(|id| (id.as_str(), id.as_str())).collect();
            for id in &ids {
                let token = self.sync(id, generation, &assignments);
                assert_eq!(self.synced(token).assignment, bytes(id));
            }
        }
        ids
    }

    fn group(&self) -> &Group {
        &self.coordinator.groups[GROUP]
    }

    fn state(&self) -> &'static str {
        self.group().state.name()
    }

    fn members(&self) -> BTreeSet<&str> {
        self.group().members.keys().map(String::as_str).collect()
    }

    fn commit(&mut self, request: &OffsetCommitRequest) -> OffsetCommitResponse {
        let exists = |topic: &str, partition| topic != "missing" && partition < 4;
        let (response, output) = self
            .coordinator
            .commit(self.now, &context(9), request, exists);
        encodes(&response, 9);
        self.take(output);
        response
    }

    /// The error of one partition's commit.
    fn commit_one(
        &mut self,
        member: &str,
        generation: i32,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> i16 {
        let response = self.commit(&commit_request(
            member, generation, topic, partition, offset,
        ));
        response.topics[0].partitions[0].error_code
    }

    /// All that the group committed.
    fn committed(&self) -> Vec<OffsetFetchResponseTopics> {
        let asked = OffsetFetchRequestGroup::default()
            .with_group_id(group())
            .with_topics(None);
        let request = OffsetFetchRequest::default().with_groups(vec![asked]);
        let response = self.coordinator.fetch_offsets(&context(9), &request);
        encodes(&response, 9);
        response.groups[0].topics.clone()
    }

    /// The broker stops and starts: what was stored is read, what waited is gone.
    fn restart(&mut self) {
        let config = GroupConfig {
            id_namespace: Uuid::new_v4(),
            ..self.coordinator.config.clone()
        };
        self.coordinator = Coordinator::new(config);
        self.coordinator
            .restore(self.now, self.log.clone())
            .unwrap();
        self.open.clear();
    }
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
