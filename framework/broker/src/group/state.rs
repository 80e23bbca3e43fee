//! One group: its state, and the choices made over its members.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{JoinGroupRequest, JoinGroupResponse};

use super::coordinator::GroupConfig;
use super::member::Member;
use super::offsets::Committed;
use super::output::{Turn, text};

/// What a group without members and offsets is kept for: the time between Kafka's sweeps over such groups.
const HOLLOW_GROUP: Duration = Duration::from_secs(600);

/// Where a group stands in its rebalance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// No members.
    Empty,
    /// Joins are gathered until all have come, or until a time.
    Preparing {
        until: Instant,
        initial: Option<Initial>,
    },
    /// The generation is made up, and the leader's assignment awaited.
    Completing,
    /// Every member has its assignment, or gets it with its sync.
    Stable,
}

/// The wait of the first rebalance, which grows while further members come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Initial {
    pub(super) delay: Duration,
    pub(super) remaining: Duration,
    pub(super) joined_meanwhile: bool,
}

impl State {
    /// The name that clients know it by.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Preparing { .. } => "PreparingRebalance",
            Self::Completing => "CompletingRebalance",
            Self::Stable => "Stable",
        }
    }
}

#[derive(Debug)]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) state: State,
    pub(super) generation: i32,
    /// What kind of members it has, such as `consumer`. None in a group that only ever committed offsets.
    pub(super) protocol_type: Option<String>,
    /// The assignor of this generation.
    pub(super) protocol: Option<String>,
    pub(super) leader: Option<String>,
    pub(super) members: BTreeMap<String, Member>,
    /// Member ids given out, whose join is awaited until then.
    pub(super) pending: BTreeMap<String, Instant>,
    /// When members are dropped that were told of this generation and have not synced.
    pub(super) sync_until: Option<Instant>,
    pub(super) offsets: BTreeMap<String, BTreeMap<i32, Committed>>,
    /// When it last became empty or was committed to.
    pub(super) idle_since: Instant,
    /// The deadline under which the coordinator finds it.
    pub(super) scheduled: Option<Instant>,
}

impl Group {
    pub(super) fn new(id: &str, now: Instant) -> Self {
        Self {
            id: id.to_owned(),
            state: State::Empty,
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            pending: BTreeMap::new(),
            sync_until: None,
            offsets: BTreeMap::new(),
            idle_since: now,
            scheduled: None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.state == State::Empty
    }

    pub(super) fn is_preparing(&self) -> bool {
        matches!(self.state, State::Preparing { .. })
    }

    pub(super) fn is_leader(&self, member: &str) -> bool {
        self.leader.as_deref() == Some(member)
    }

    /// The member id that an instance id stands for now.
    pub(super) fn member_of_instance(&self, instance: &str) -> Option<&str> {
        self.members
            .values()
            .find(|m| m.instance.as_deref() == Some(instance))
            .map(|m| m.id.as_str())
    }

    /// Whether a request comes from a member, and not from one that another took the place of.
    pub(super) fn check_member(
        &self,
        id: &str,
        instance: Option<&str>,
    ) -> Result<(), ResponseError> {
        if let Some(instance) = instance {
            match self.member_of_instance(instance) {
                None => return Err(ResponseError::UnknownMemberId),
                Some(current) if current != id => return Err(ResponseError::FencedInstanceId),
                Some(_) => {}
            }
        }
        if self.members.contains_key(id) {
            Ok(())
        } else {
            Err(ResponseError::UnknownMemberId)
        }
    }

    /// Whether one who joins like this would find a protocol in common with all members.
    pub(super) fn supports(&self, request: &JoinGroupRequest) -> bool {
        if self.is_empty() {
            return !request.protocol_type.is_empty() && !request.protocols.is_empty();
        }
        self.protocol_type.as_deref() == Some(request.protocol_type.as_str())
            && request
                .protocols
                .iter()
                .any(|p| self.members.values().all(|m| m.supports(&p.name)))
    }

    /// The protocol in common that most members like best; of equals, the one that the leader prefers.
    pub(super) fn select_protocol(&self) -> Option<String> {
        let leader = self
            .leader
            .as_ref()
            .and_then(|id| self.members.get(id))
            .or_else(|| self.members.values().next())?;
        let common: Vec<&str> = leader
            .protocols
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| self.members.values().all(|m| m.supports(name)))
            .collect();
        let mut votes = vec![0_usize; common.len()];
        for member in self.members.values() {
            let vote = member
                .protocols
                .iter()
                .find_map(|(name, _)| common.iter().position(|c| c == name));
            if let Some(vote) = vote {
                votes[vote] += 1;
            }
        }
        // `max_by_key` takes the last of equals.
        let most = (0..common.len()).rev().max_by_key(|&i| votes[i])?;
        Some(common[most].to_owned())
    }

    pub(super) fn all_joined(&self) -> bool {
        self.pending.is_empty() && self.members.values().all(|m| m.joining.is_some())
    }

    /// The longest of the members' rebalance timeouts.
    pub(super) fn rebalance_timeout(&self) -> Duration {
        let longest = self.members.values().map(|m| m.rebalance_timeout).max();
        longest.unwrap_or(Duration::from_millis(1))
    }

    pub(super) fn add(&mut self, member: Member) {
        if self.members.is_empty() {
            self.leader = None;
        }
        self.leader.get_or_insert_with(|| member.id.clone());
        self.pending.remove(&member.id);
        self.members.insert(member.id.clone(), member);
    }

    /// Takes a member out, or one whose join was awaited. What it waited for is answered: it is a member no more.
    pub(super) fn remove(&mut self, turn: &mut Turn<'_>, id: &str) {
        self.pending.remove(id);
        let Some(member) = self.members.remove(id) else {
            return;
        };
        if let Some(token) = member.joining {
            turn.refuse_join(token, "", ResponseError::UnknownMemberId);
        }
        if let Some(token) = member.syncing {
            turn.refuse_sync(token, ResponseError::UnknownMemberId);
        }
        if self.is_leader(id) {
            self.leader = self.members.keys().next().cloned();
        }
    }

    /// What a member is told of the generation; the leader also of everybody in it.
    pub(super) fn generation_for(&self, member: &str) -> JoinGroupResponse {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let members = if self.is_leader(member) {
            self.members
                .values()
                .map(|m| m.to_leader(protocol))
                .collect()
        } else {
            Vec::new()
        };
        JoinGroupResponse::default()
            .with_generation_id(self.generation)
            .with_protocol_type(self.protocol_type.as_deref().map(text))
            .with_protocol_name(Some(text(protocol)))
            .with_leader(text(self.leader.as_deref().unwrap_or_default()))
            .with_member_id(text(member))
            .with_members(members)
    }

    /// Nobody would miss it.
    pub(super) fn is_nothing(&self) -> bool {
        self.is_empty()
            && self.generation == 0
            && self.pending.is_empty()
            && self.offsets.is_empty()
    }

    /// When it goes, offsets and all, because nobody used it for long.
    pub(super) fn forgotten_at(&self, config: &GroupConfig) -> Option<Instant> {
        let kept = if self.offsets.is_empty() {
            HOLLOW_GROUP
        } else {
            config.offsets_retention
        };
        (self.is_empty() && self.pending.is_empty()).then(|| self.idle_since + kept)
    }

    /// When the clock next changes something here.
    pub(super) fn next_deadline(&self, config: &GroupConfig) -> Option<Instant> {
        let joins = match &self.state {
            State::Preparing { until, .. } => Some(*until),
            _ => None,
        };
        let sessions = self.members.values().filter_map(|m| m.session);
        let pending = self.pending.values().copied();
        sessions
            .chain(pending)
            .chain(joins)
            .chain(self.sync_until)
            .chain(self.forgotten_at(config))
            .min()
    }
}
