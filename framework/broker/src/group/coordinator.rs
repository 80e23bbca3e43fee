//! All groups of the broker: one method an API, and the ticks of the clock.

use std::time::{Duration, Instant};

use kafka_protocol::messages::{
    DeleteGroupsRequest, DeleteGroupsResponse, DescribeGroupsRequest, DescribeGroupsResponse,
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, LeaveGroupRequest, LeaveGroupResponse,
    ListGroupsRequest, ListGroupsResponse, OffsetCommitRequest, OffsetCommitResponse,
    OffsetDeleteRequest, OffsetDeleteResponse, OffsetFetchRequest, OffsetFetchResponse,
    SyncGroupRequest,
};
use uuid::Uuid;

use super::entry::EntryError;
use super::output::{Context, Entry, Output, Token};

/// The coordinator's settings; the defaults are Kafka's, but for the initial delay.
#[derive(Debug, Clone)]
pub(crate) struct GroupConfig {
    /// How long the first rebalance of an empty group waits for further members; 0, where Kafka waits 3 s.
    pub(crate) initial_rebalance_delay: Duration,
    /// A join that asks for a shorter session is refused; 6 s.
    pub(crate) min_session_timeout: Duration,
    /// A join that asks for a longer session is refused; 30 min.
    pub(crate) max_session_timeout: Duration,
    /// The longest metadata of a committed offset; 4096.
    pub(crate) max_metadata_bytes: usize,
    /// How long an empty group that nobody commits to keeps its offsets, in time that the broker runs; 7 days.
    pub(crate) offsets_retention: Duration,
    /// What member ids are derived from. It must differ from start to start, or ids are given out twice.
    pub(crate) id_namespace: Uuid,
}

impl Default for GroupConfig {
    fn default() -> Self {
        Self {
            initial_rebalance_delay: Duration::ZERO,
            min_session_timeout: Duration::from_secs(6),
            max_session_timeout: Duration::from_secs(30 * 60),
            max_metadata_bytes: 4096,
            offsets_retention: Duration::from_secs(7 * 24 * 60 * 60),
            id_namespace: Uuid::new_v4(),
        }
    }
}

/// All groups of the broker.
///
/// Joins and syncs are answered through [`Output::answers`], at once or in a later call; all other requests are answered
/// by the value returned. Whatever an [`Output`] holds in entries is stored before anything of that call is sent.
#[derive(Debug)]
pub(crate) struct Coordinator {
    config: GroupConfig,
}

impl Coordinator {
    /// A coordinator without groups.
    pub(crate) fn new(config: GroupConfig) -> Self {
        Self { config }
    }

    /// Takes up what earlier calls handed out to be stored, in the order of the log. Members of a stable group are members
    /// still, and have one session's time from `now` to send a heartbeat.
    ///
    /// # Errors
    /// The first entry that cannot be read; nothing is taken up then.
    pub(crate) fn restore(
        &mut self,
        now: Instant,
        entries: impl IntoIterator<Item = Entry>,
    ) -> Result<(), EntryError> {
        todo!()
    }

    /// JoinGroup 0-9.
    pub(crate) fn join(
        &mut self,
        now: Instant,
        token: Token,
        context: &Context,
        request: JoinGroupRequest,
    ) -> Output {
        todo!()
    }

    /// SyncGroup 0-5.
    pub(crate) fn sync(
        &mut self,
        now: Instant,
        token: Token,
        context: &Context,
        request: SyncGroupRequest,
    ) -> Output {
        todo!()
    }

    /// Heartbeat 0-4.
    pub(crate) fn heartbeat(
        &mut self,
        now: Instant,
        request: &HeartbeatRequest,
    ) -> HeartbeatResponse {
        todo!()
    }

    /// LeaveGroup 0-5.
    pub(crate) fn leave(
        &mut self,
        now: Instant,
        context: &Context,
        request: LeaveGroupRequest,
    ) -> (LeaveGroupResponse, Output) {
        todo!()
    }

    /// OffsetCommit 2-9. `exists` tells whether there is such a topic and partition.
    pub(crate) fn commit(
        &mut self,
        now: Instant,
        request: OffsetCommitRequest,
        exists: impl Fn(&str, i32) -> bool,
    ) -> (OffsetCommitResponse, Output) {
        todo!()
    }

    /// OffsetFetch 1-9. Nothing is ever pending, as there are no transactions: `require_stable` changes nothing.
    pub(crate) fn fetch_offsets(
        &self,
        context: &Context,
        request: OffsetFetchRequest,
    ) -> OffsetFetchResponse {
        todo!()
    }

    /// OffsetDelete 0. `exists` tells whether there is such a topic and partition.
    pub(crate) fn delete_offsets(
        &mut self,
        now: Instant,
        request: OffsetDeleteRequest,
        exists: impl Fn(&str, i32) -> bool,
    ) -> (OffsetDeleteResponse, Output) {
        todo!()
    }

    /// DescribeGroups 0-6.
    pub(crate) fn describe(
        &self,
        context: &Context,
        request: DescribeGroupsRequest,
    ) -> DescribeGroupsResponse {
        todo!()
    }

    /// ListGroups 0-5.
    pub(crate) fn list(
        &self,
        context: &Context,
        request: &ListGroupsRequest,
    ) -> ListGroupsResponse {
        todo!()
    }

    /// DeleteGroups 0-2.
    pub(crate) fn delete(
        &mut self,
        request: DeleteGroupsRequest,
    ) -> (DeleteGroupsResponse, Output) {
        todo!()
    }

    /// Ends what was due by `now`: sessions, rebalances that waited long enough, offsets kept long enough.
    pub(crate) fn tick(&mut self, now: Instant) -> Output {
        todo!()
    }

    /// When [`tick`](Self::tick) has something to do next, if nothing else happens before.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        todo!()
    }

    /// The connection of a waiting request is gone, and its answer with it. The member stays: it lives by its session.
    pub(crate) fn gone(&mut self, now: Instant, token: Token) -> Output {
        todo!()
    }

    /// Ends a member's session as if its heartbeats had stopped; for tests that script it. Does nothing if there is no
    /// such member.
    pub(crate) fn expire_member(&mut self, now: Instant, group: &str, member: &str) -> Output {
        todo!()
    }

    /// Drops what all groups committed for a topic, which was deleted.
    pub(crate) fn forget_topic(&mut self, now: Instant, topic: &str) -> Output {
        todo!()
    }
}
