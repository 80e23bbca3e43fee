//! One request whose turn it is at its key, and what happened to it so far.

use std::sync::Arc;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use kolo_core::{EffectCall, Pauses, Retries, Timestamp};
use tokio::time::Instant;

use super::keys::OwnerId;

/// The same moment by the clock that timers run by, and by that of the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub(super) instant: Instant,
    pub(super) at: Timestamp,
}

impl Now {
    pub(super) fn read() -> Self {
        Now {
            instant: Instant::now(),
            at: crate::worker::record::now(),
        }
    }

    /// What time in the log an instant to come will be.
    pub(super) fn timestamp(self, then: Instant) -> Timestamp {
        let ahead = then.saturating_duration_since(self.instant).as_millis();
        let ahead = i64::try_from(ahead).unwrap_or(i64::MAX);
        Timestamp::from_millis(self.at.as_millis().saturating_add(ahead))
    }
}

/// One request whose turn it is at its key.
pub(super) struct Job {
    pub(super) owner: OwnerId,
    pub(super) call: Arc<EffectCall>,
    pub(super) lane: usize,
    pub(super) attempts: u32,
    pub(super) phase: Phase,
    /// When no more call begins.
    pub(super) deadline: Option<Instant>,
    pub(super) failing: Option<Box<Failing>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// It waits for the next call that its lane may make.
    Ready,
    Calling,
    /// It is called again then.
    Paused(Instant),
    /// The worker was told that no more call is made, and has not said what follows.
    GivenUp,
}

/// What a request has that was called without a reply.
pub(super) struct Failing {
    pub(super) problem: String,
    pub(super) pauses: ExponentialBackoff,
}

impl Job {
    pub(super) fn new(
        owner: OwnerId,
        lane: usize,
        call: EffectCall,
        retries: Retries,
        now: Now,
    ) -> Self {
        let deadline = match retries {
            // By the time in the log, so that a take-over does not lengthen it.
            Retries::ForAtMost(time) => now
                .instant
                .checked_add(time.saturating_sub(now.at.since(call.at))),
            Retries::ForEver | Retries::AtMost(_) => None,
        };
        Job {
            owner,
            call: Arc::new(call),
            lane,
            attempts: 0,
            phase: Phase::Ready,
            deadline,
            failing: None,
        }
    }

    /// Whether the policy allows no more call.
    pub(super) fn is_over(&self, retries: Retries, now: Instant) -> bool {
        match retries {
            Retries::ForEver => false,
            Retries::AtMost(calls) => self.attempts >= calls,
            Retries::ForAtMost(_) => self.deadline.is_some_and(|deadline| now >= deadline),
        }
    }

    /// Notes a failure, and says when the next call is due.
    pub(super) fn fail(&mut self, problem: String, pauses: Pauses, now: Instant) -> Instant {
        let failing = self.failing.get_or_insert_with(|| {
            Box::new(Failing {
                problem: String::new(),
                pauses: backoff(pauses),
            })
        });
        failing.problem = problem;
        let pause = failing.pauses.next().unwrap_or(pauses.longest);
        let due = now + pause;
        self.deadline.map_or(due, |deadline| due.min(deadline))
    }
}

fn backoff(pauses: Pauses) -> ExponentialBackoff {
    let builder = ExponentialBuilder::new()
        .with_min_delay(pauses.first)
        .with_max_delay(pauses.longest)
        .with_factor(pauses.factor)
        .without_max_times();
    if pauses.jitter {
        builder.with_jitter().build()
    } else {
        builder.build()
    }
}
