//! From the first join to the assignment, and what ends a wait.

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::ResponseError;

use super::output::Turn;
use super::state::{Group, Initial, State};

/// How long a new member's join may wait. It cannot send heartbeats, so its session says nothing; but of a client that
/// gave up and tried again, the earlier attempts must not stay for ever.
pub(super) const NEW_MEMBER_JOIN: Duration = Duration::from_secs(5 * 60);

impl Group {
    /// Something changed that calls for a new generation: starts a rebalance, or ends the one under way if this was the
    /// last thing it waited for.
    pub(super) fn rebalance(&mut self, turn: &mut Turn<'_>) {
        if self.is_preparing() {
            self.maybe_complete_join(turn);
        } else {
            self.prepare(turn);
        }
    }

    /// Starts to gather joins. Whoever waits for an assignment is told to join again.
    pub(super) fn prepare(&mut self, turn: &mut Turn<'_>) {
        if self.state == State::Completing {
            for member in self.members.values_mut() {
                member.assignment = Bytes::new();
                if let Some(token) = member.syncing.take() {
                    turn.refuse_sync(token, ResponseError::RebalanceInProgress);
                    member.keep_alive(turn.now);
                }
            }
        }
        self.end_sync_wait();
        let rebalance_timeout = self.rebalance_timeout();
        if self.is_empty() {
            let delay = turn.config.initial_rebalance_delay;
            let remaining = rebalance_timeout.saturating_sub(delay);
            let initial = Some(Initial {
                delay,
                remaining,
                joined_meanwhile: false,
            });
            self.state = State::Preparing {
                until: turn.now + delay,
                initial,
            };
            if delay.is_zero() {
                self.complete_join(turn);
            }
        } else {
            self.state = State::Preparing {
                until: turn.now + rebalance_timeout,
                initial: None,
            };
            self.maybe_complete_join(turn);
        }
    }

    /// Makes up the generation if nobody is awaited. The first one waits out its delay in any case.
    pub(super) fn maybe_complete_join(&mut self, turn: &mut Turn<'_>) {
        if matches!(self.state, State::Preparing { initial: None, .. }) && self.all_joined() {
            self.complete_join(turn);
        }
    }

    /// Makes up the next generation of those who joined. Dynamic members who did not are dropped; static ones stay, for
    /// they may be restarting.
    fn complete_join(&mut self, turn: &mut Turn<'_>) {
        let absent = self
            .members
            .values()
            .filter(|m| m.joining.is_none() && m.instance.is_none());
        for id in absent.map(|m| m.id.clone()).collect::<Vec<_>>() {
            self.remove(turn, &id);
        }
        if self.members.is_empty() {
            self.become_empty(turn);
            return;
        }
        if !self.elect_joined_leader() {
            // Nobody is there to lead: the wait goes on until somebody joins, or the last session ends.
            self.state = State::Preparing {
                until: turn.now + self.rebalance_timeout(),
                initial: None,
            };
            return;
        }
        self.generation += 1;
        self.protocol = self.select_protocol();
        self.state = State::Completing;
        self.sync_until = Some(turn.now + self.rebalance_timeout());
        for id in self.members.keys().cloned().collect::<Vec<_>>() {
            let response = self.generation_for(&id);
            let Some(member) = self.members.get_mut(&id) else {
                continue;
            };
            member.is_new = false;
            member.owes_sync = true;
            member.keep_alive(turn.now);
            if let Some(token) = member.joining.take() {
                turn.answer_join(token, response);
            }
        }
    }

    fn become_empty(&mut self, turn: &mut Turn<'_>) {
        self.generation += 1;
        self.protocol = None;
        self.leader = None;
        self.state = State::Empty;
        self.idle_since = turn.now;
        turn.output.entries.push(self.to_entry());
    }

    /// Sees to it that the leader is one who joined; false if nobody did.
    fn elect_joined_leader(&mut self) -> bool {
        let joined = |id: &String| self.members.get(id).is_some_and(|m| m.joining.is_some());
        if !self.leader.as_ref().is_some_and(joined) {
            let other = self.members.values().find(|m| m.joining.is_some());
            match other.map(|m| m.id.clone()) {
                Some(id) => self.leader = Some(id),
                None => return false,
            }
        }
        true
    }

    fn end_sync_wait(&mut self) {
        self.sync_until = None;
        for member in self.members.values_mut() {
            member.owes_sync = false;
        }
    }

    /// A sync came in: its member is not dropped for want of it.
    pub(super) fn synced(&mut self, id: &str) {
        if let Some(member) = self.members.get_mut(id) {
            member.owes_sync = false;
        }
        if self.members.values().all(|m| !m.owes_sync) {
            self.sync_until = None;
        }
    }

    /// Takes a member out, whose session ended, and rebalances the others.
    pub(super) fn drop_member(&mut self, turn: &mut Turn<'_>, id: &str) {
        self.remove(turn, id);
        self.after_drop(turn);
    }

    fn after_drop(&mut self, turn: &mut Turn<'_>) {
        match &self.state {
            State::Stable | State::Completing => self.prepare(turn),
            // Unlike a join, an ended session may also end the wait for the first generation.
            State::Preparing { .. } if self.all_joined() => self.complete_join(turn),
            State::Preparing { .. } | State::Empty => {}
        }
    }

    /// Ends what was due by now.
    pub(super) fn expire(&mut self, turn: &mut Turn<'_>) {
        let pending = self.pending.len();
        self.pending.retain(|_, until| *until > turn.now);
        if self.pending.len() < pending && self.is_preparing() && self.all_joined() {
            self.complete_join(turn);
        }
        self.expire_sessions(turn);
        if let State::Preparing { until, initial } = &self.state
            && *until <= turn.now
        {
            match initial {
                Some(initial) if initial.joined_meanwhile && !initial.remaining.is_zero() => {
                    let delay = initial.remaining.min(turn.config.initial_rebalance_delay);
                    let remaining = initial.remaining.saturating_sub(initial.delay);
                    let initial = Some(Initial {
                        delay,
                        remaining,
                        joined_meanwhile: false,
                    });
                    self.state = State::Preparing {
                        until: turn.now + delay,
                        initial,
                    };
                }
                _ => self.complete_join(turn),
            }
        }
        if self.sync_until.is_some_and(|until| until <= turn.now) {
            self.expire_sync(turn);
        }
    }

    fn expire_sessions(&mut self, turn: &mut Turn<'_>) {
        for id in self.members.keys().cloned().collect::<Vec<_>>() {
            // Dropping the one before may have dropped or prolonged this one.
            let Some(member) = self.members.get_mut(&id) else {
                continue;
            };
            if member.session.is_none_or(|end| end > turn.now) {
                continue;
            }
            if member.waits() && !member.is_new {
                member.session = None;
            } else {
                self.drop_member(turn, &id);
            }
        }
    }

    /// Drops the members that never asked for their assignment; if this was the leader, none was ever made.
    fn expire_sync(&mut self, turn: &mut Turn<'_>) {
        self.sync_until = None;
        let owing = self
            .members
            .values()
            .filter(|m| m.owes_sync)
            .map(|m| m.id.clone())
            .collect::<Vec<_>>();
        for id in &owing {
            self.remove(turn, id);
        }
        if !owing.is_empty() {
            self.prepare(turn);
        }
    }
}
