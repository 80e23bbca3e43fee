//! One effect of one aggregate: the jobs that wait for a call, and whether one may be made.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use kolo_core::{CallPolicy, EffectDescription};
use slab::Slab;
use tokio::time::Instant;

use super::adapters::AnyAdapter;
use super::breaker::{Admission, Breaker, Turn};
use super::job::{Job, Phase};
use super::keys::Slot;
use super::rate::RateLimit;
use super::report::Report;

/// What a lane is called in logs and lists.
#[derive(Debug, Clone)]
pub(super) struct Name {
    /// `<service>.<aggregate>`
    pub(super) aggregate: Arc<str>,
    pub(super) port: &'static str,
    pub(super) request: &'static str,
}

pub(super) struct Lane {
    pub(super) name: Name,
    pub(super) adapter: Arc<dyn AnyAdapter>,
    pub(super) policy: CallPolicy,
    pub(super) timeout: Duration,
    ready: VecDeque<Slot>,
    paused: BinaryHeap<Reverse<(Instant, Slot)>>,
    calling: usize,
    /// Calls that were begun, and those that have failed.
    pub(super) calls: u64,
    pub(super) failures: u64,
    /// What went wrong last; empty while nothing has.
    pub(super) problem: String,
    breaker: Option<Breaker>,
    rate: Option<RateLimit>,
    pub(super) report: Report,
}

/// What a lane has to do.
pub(super) enum Next {
    /// Call this; whether it is the call that a breaker tries with.
    Call(Slot, bool),
    /// Nothing before then.
    At(Instant),
    /// Nothing before something else happens.
    Nothing,
}

impl Lane {
    pub(super) fn new(
        aggregate: Arc<str>,
        effect: &EffectDescription,
        adapter: Arc<dyn AnyAdapter>,
        default_timeout: Duration,
    ) -> Self {
        let policy = effect.policy;
        Lane {
            name: Name {
                aggregate,
                port: effect.port_name,
                request: effect.request.name,
            },
            adapter,
            policy,
            timeout: policy.timeout.unwrap_or(default_timeout),
            ready: VecDeque::new(),
            paused: BinaryHeap::new(),
            calling: 0,
            calls: 0,
            failures: 0,
            problem: String::new(),
            breaker: policy.breaker.map(Breaker::new),
            rate: policy.rate.and_then(RateLimit::new),
            report: Report::default(),
        }
    }

    /// A job may be called as soon as the lane may call.
    pub(super) fn ready(&mut self, slot: Slot) {
        self.ready.push_back(slot);
    }

    /// A job is to be called again then.
    pub(super) fn pause(&mut self, slot: Slot, until: Instant) {
        self.paused.push(Reverse((until, slot)));
    }

    /// The next call, which begins now.
    pub(super) fn next(&mut self, now: Instant, jobs: &mut Slab<Job>) -> Next {
        while let Some(&Reverse((due, slot))) = self.paused.peek()
            && due <= now
        {
            self.paused.pop();
            self.ready.push_back(slot);
            if let Some(job) = jobs.get_mut(slot) {
                job.phase = Phase::Ready;
            }
        }
        let Some(&slot) = self.ready.front() else {
            return self
                .paused
                .peek()
                .map_or(Next::Nothing, |&Reverse((due, _))| Next::At(due));
        };
        if self.policy.at_once.is_some_and(|most| self.calling >= most) {
            return Next::Nothing;
        }
        match self.breaker.as_ref().map(|breaker| breaker.admits(now)) {
            Some(Admission::Not(until)) => return Next::At(until),
            Some(Admission::NotYet) => return Next::Nothing,
            Some(Admission::Open) | None => {}
        }
        if let Some(Err(until)) = self.rate.as_ref().map(RateLimit::take) {
            return Next::At(until);
        }
        self.ready.pop_front();
        self.calling += 1;
        self.calls += 1;
        Next::Call(slot, self.breaker.as_mut().is_some_and(Breaker::begin))
    }

    /// A call has ended; whether its port works. Says whether no call is made for a while now.
    pub(super) fn ended(&mut self, works: bool, tried: bool, now: Instant) -> bool {
        self.calling -= 1;
        let turn = self.breaker.as_mut().and_then(|breaker| {
            if works {
                breaker.replied()
            } else {
                breaker.failed(tried, now)
            }
        });
        if let Some(turn) = turn {
            self.report
                .turned(&self.name, turn, tried, self.ready.len());
        }
        matches!(turn, Some(Turn::Opened(_)))
    }

    /// Takes out the jobs that wait and are past their time. They are looked for when a breaker opens: until it closes
    /// their call does not come.
    pub(super) fn take_overdue(&mut self, now: Instant, jobs: &Slab<Job>) -> Vec<Slot> {
        let retries = self.policy.retries;
        let mut overdue = Vec::new();
        self.ready.retain(|&slot| {
            let is_over = jobs
                .get(slot)
                .is_some_and(|job| job.deadline.is_some() && job.is_over(retries, now));
            if is_over {
                overdue.push(slot);
            }
            !is_over
        });
        overdue
    }

    /// Forgets the jobs that are no more.
    pub(super) fn forget_gone(&mut self, jobs: &Slab<Job>) {
        self.ready.retain(|&slot| jobs.contains(slot));
        self.paused
            .retain(|&Reverse((_, slot))| jobs.contains(slot));
        self.ready.shrink_to_fit();
        self.paused.shrink_to_fit();
    }

    pub(super) fn breaker(&self) -> Option<&Breaker> {
        self.breaker.as_ref()
    }
}

#[cfg(test)]
impl Lane {
    /// What the lines of those that wait could hold without growing.
    pub(super) fn waiting_capacity(&self) -> usize {
        self.ready.capacity() + self.paused.capacity()
    }
}
