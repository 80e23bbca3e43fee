//! All groups of the broker, and the ticks of the clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::output::{Entry, Output, Turn};
use super::state::Group;

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
    pub(super) config: GroupConfig,
    pub(super) groups: BTreeMap<String, Group>,
    /// Member ids given out so far.
    pub(super) ids: u64,
    /// Each group under its next deadline, so that a tick looks at no other.
    deadlines: BTreeSet<(Instant, String)>,
}

impl Coordinator {
    /// A coordinator without groups.
    pub(crate) fn new(config: GroupConfig) -> Self {
        Self {
            config,
            groups: BTreeMap::new(),
            ids: 0,
            deadlines: BTreeSet::new(),
        }
    }

    /// Ends what was due by `now`: sessions, rebalances that waited long enough, offsets kept long enough.
    pub(crate) fn tick(&mut self, now: Instant) -> Output {
        let mut turn = Turn::new(now, &self.config);
        let mut due = Vec::new();
        while let Some((at, _)) = self.deadlines.first()
            && *at <= now
        {
            due.extend(self.deadlines.pop_first().map(|(_, id)| id));
        }
        let mut forgotten = Vec::new();
        for id in &due {
            let Some(group) = self.groups.get_mut(id) else {
                continue;
            };
            group.expire(&mut turn);
            if group.forgotten_at(turn.config).is_some_and(|at| at <= now) {
                forgotten.push(id);
            }
        }
        let mut output = turn.output;
        for id in forgotten {
            output.entries.extend(self.forget(id));
        }
        for id in &due {
            self.settle(id);
        }
        output
    }

    /// When [`tick`](Self::tick) has something to do next, if nothing else happens before.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Ends a member's session as if its heartbeats had stopped; for tests that script it. Does nothing if there is no
    /// such member.
    pub(crate) fn expire_member(&mut self, now: Instant, group: &str, member: &str) -> Output {
        let mut turn = Turn::new(now, &self.config);
        if let Some(found) = self.groups.get_mut(group)
            && found.members.contains_key(member)
        {
            found.drop_member(&mut turn, member);
        }
        let output = turn.output;
        self.settle(group);
        output
    }

    /// Puts a group under its next deadline, after any change to it.
    pub(super) fn settle(&mut self, id: &str) {
        let Some(group) = self.groups.get_mut(id) else {
            return;
        };
        let next = group.next_deadline(&self.config);
        if next != group.scheduled {
            let scheduled = std::mem::replace(&mut group.scheduled, next);
            self.deadlines.extend(next.map(|at| (at, id.to_owned())));
            self.unschedule(scheduled, id);
        }
    }

    /// Lets go of a group that was made for a request which came to nothing.
    pub(super) fn settle_unless_nothing(&mut self, id: &str) {
        if self.groups.get(id).is_some_and(Group::is_nothing) {
            let _nothing_stored = self.forget(id);
        } else {
            self.settle(id);
        }
    }

    /// Lets go of a group. What deletes it from the store is returned.
    pub(super) fn forget(&mut self, id: &str) -> Vec<Entry> {
        let Some(group) = self.groups.remove(id) else {
            return Vec::new();
        };
        self.unschedule(group.scheduled, id);
        group.tombstones()
    }

    fn unschedule(&mut self, at: Option<Instant>, id: &str) {
        if let Some(at) = at {
            self.deadlines.remove(&(at, id.to_owned()));
        }
    }
}
