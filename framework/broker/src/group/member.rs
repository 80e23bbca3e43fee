//! One member of a group.

use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::messages::JoinGroupRequest;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;

use super::output::{Context, Token, text};

#[derive(Debug)]
pub(super) struct Member {
    pub(super) id: String,
    /// The instance id of a static member, which outlives its member ids.
    pub(super) instance: Option<String>,
    pub(super) client_id: String,
    pub(super) client_host: String,
    pub(super) session_timeout: Duration,
    pub(super) rebalance_timeout: Duration,
    /// The assignors it supports, its favourite first, each with what it tells the leader.
    pub(super) protocols: Vec<(String, Bytes)>,
    pub(super) assignment: Bytes,
    /// Its join that waits for the others.
    pub(super) joining: Option<Token>,
    /// Its sync that waits for the leader's.
    pub(super) syncing: Option<Token>,
    /// It was told of a generation, and its sync has not come.
    pub(super) owes_sync: bool,
    /// It does not know its member id before its first join is answered, so it cannot send heartbeats.
    pub(super) is_new: bool,
    /// When its session ends. None while it waits for an answer that took longer than a session: this is no fault of its.
    pub(super) session: Option<Instant>,
}

impl Member {
    pub(super) fn new(id: String, context: &Context, request: &JoinGroupRequest) -> Self {
        let mut member = Self {
            id,
            instance: request.group_instance_id.as_deref().map(ToOwned::to_owned),
            client_id: context.client_id.to_string(),
            client_host: context.client_host.to_string(),
            session_timeout: Duration::ZERO,
            rebalance_timeout: Duration::ZERO,
            protocols: Vec::new(),
            assignment: Bytes::new(),
            joining: None,
            syncing: None,
            owes_sync: false,
            is_new: true,
            session: None,
        };
        member.update(context, request);
        member
    }

    /// Takes up what a later join says.
    pub(super) fn update(&mut self, context: &Context, request: &JoinGroupRequest) {
        self.session_timeout = millis(request.session_timeout_ms);
        // Version 0 has no such field: the session's timeout stands for both.
        self.rebalance_timeout = if context.version == 0 {
            self.session_timeout
        } else {
            millis(request.rebalance_timeout_ms)
        };
        self.protocols = request
            .protocols
            .iter()
            .map(|p| (p.name.to_string(), Bytes::copy_from_slice(&p.metadata)))
            .collect();
    }

    pub(super) fn supports(&self, protocol: &str) -> bool {
        self.protocols.iter().any(|(name, _)| name == protocol)
    }

    /// Whether a join repeats what this member said before.
    pub(super) fn says_the_same(&self, request: &JoinGroupRequest) -> bool {
        self.protocols.len() == request.protocols.len()
            && self
                .protocols
                .iter()
                .zip(&request.protocols)
                .all(|(a, b)| a.0 == *b.name && a.1 == b.metadata)
    }

    /// What it says to the leader under this protocol.
    pub(super) fn metadata(&self, protocol: &str) -> Bytes {
        let said = self.protocols.iter().find(|(name, _)| name == protocol);
        said.map(|(_, metadata)| metadata.clone())
            .unwrap_or_default()
    }

    pub(super) fn keep_alive(&mut self, now: Instant) {
        self.session = Some(now + self.session_timeout);
    }

    pub(super) fn waits(&self) -> bool {
        self.joining.is_some() || self.syncing.is_some()
    }

    pub(super) fn to_leader(&self, protocol: &str) -> JoinGroupResponseMember {
        JoinGroupResponseMember::default()
            .with_member_id(text(&self.id))
            .with_group_instance_id(self.instance.as_deref().map(text))
            .with_metadata(self.metadata(protocol))
    }
}

/// A timeout off the wire. At least a millisecond, so that what waits for it always moves on in time.
pub(super) fn millis(value: i32) -> Duration {
    Duration::from_millis(u64::try_from(value).unwrap_or(0).max(1))
}
