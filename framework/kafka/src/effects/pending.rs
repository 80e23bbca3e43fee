//! What others may see of the requests without an answer.

use std::sync::Arc;
use std::time::Duration;

use kolo_core::{CorrelationId, EventId, Timestamp};

use super::job::{Job, Now, Phase};
use super::lane::Lane;
use super::schedule::Schedule;

/// A request of this process that has no answer yet.
///
/// ```
/// # fn example(running: &kolo_kafka::Running) {
/// for effect in running.pending_effects() {
///     println!(
///         "{} of {} waits since {}, called {} times",
///         effect.request_type, effect.key, effect.since, effect.attempts
///     );
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingEffect {
    /// `<service>.<aggregate>`
    pub aggregate: String,
    /// The partition of its stream.
    pub partition: i32,
    /// The port's Rust name.
    pub port: &'static str,
    /// The name of the event that asks.
    pub request_type: &'static str,
    /// That event's id: the idempotency key.
    pub request: EventId,
    /// The saga.
    pub saga: CorrelationId,
    /// The aggregate's key.
    pub key: String,
    /// When the request was recorded.
    pub since: Timestamp,
    /// How many calls this owner has made, one in flight included.
    pub attempts: u32,
    /// What went wrong last.
    pub problem: Option<String>,
    /// What it waits for.
    pub progress: Progress,
    /// Whether the breaker of this effect is open, if it has one.
    pub breaker: Option<BreakerState>,
}

/// What a request without an answer waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// An earlier request of its key.
    Behind,
    /// A call: the process, or the effect's policy, allows none right now.
    Ready,
    /// The reply.
    Calling,
    /// The pause before the next call, which is due then.
    Paused(Timestamp),
    /// What follows, now that no more call is made.
    GivenUp,
}

/// What the breaker of an effect does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BreakerState {
    /// Calls are made.
    Closed,
    /// None is made before then.
    Open(Timestamp),
    /// One tries.
    HalfOpen,
}

pub(super) fn list(schedule: &Schedule, now: Now) -> Vec<PendingEffect> {
    let mut pending = Vec::with_capacity(schedule.jobs.len());
    for owner in schedule.owners.values() {
        for (slot, behind) in owner.turns() {
            let Some(job) = schedule.jobs.get(slot) else {
                continue;
            };
            let shown =
                |job: &Job, lane: usize| show(job, &schedule.lanes[lane], owner.partition, now);
            pending.push(shown(job, job.lane));
            for call in behind {
                let lane = owner.first_lane + call.effect;
                let waits = Job::new(job.owner, lane, call.clone(), Default::default(), now);
                pending.push(PendingEffect {
                    progress: Progress::Behind,
                    ..shown(&waits, lane)
                });
            }
        }
    }
    pending
}

/// How one effect of one aggregate stands, in figures.
#[derive(Debug, Clone)]
pub(crate) struct LaneStanding {
    /// `<service>.<aggregate>`
    pub(crate) aggregate: Arc<str>,
    pub(crate) request: &'static str,
    /// Requests without an answer, those behind others of their keys included.
    pub(crate) pending: usize,
    /// How long ago the earliest of them was recorded.
    pub(crate) oldest: Duration,
    pub(crate) calls: u64,
    pub(crate) failures: u64,
    /// Whether its breaker keeps calls back.
    pub(crate) is_open: bool,
}

pub(super) fn lanes(schedule: &Schedule, now: Now) -> Vec<LaneStanding> {
    let standing = |lane: &Lane| LaneStanding {
        aggregate: Arc::clone(&lane.name.aggregate),
        request: lane.name.request,
        pending: 0,
        oldest: Duration::ZERO,
        calls: lane.calls,
        failures: lane.failures,
        is_open: lane
            .breaker()
            .is_some_and(|breaker| breaker.opens_at().is_some()),
    };
    let mut lanes: Vec<LaneStanding> = schedule.lanes.iter().map(standing).collect();
    let mut count = |lane: usize, at: Timestamp| {
        if let Some(lane) = lanes.get_mut(lane) {
            lane.pending += 1;
            lane.oldest = lane.oldest.max(now.at.since(at));
        }
    };
    for owner in schedule.owners.values() {
        for (slot, behind) in owner.turns() {
            if let Some(job) = schedule.jobs.get(slot) {
                count(job.lane, job.call.at);
            }
            for call in behind {
                count(owner.first_lane + call.effect, call.at);
            }
        }
    }
    lanes
}

pub(super) fn show(job: &Job, lane: &Lane, partition: i32, now: Now) -> PendingEffect {
    PendingEffect {
        aggregate: lane.name.aggregate.to_string(),
        partition,
        port: lane.name.port,
        request_type: lane.name.request,
        request: job.call.request,
        saga: job.call.correlation,
        key: job.call.key.to_string(),
        since: job.call.at,
        attempts: job.attempts,
        problem: job.failing.as_ref().map(|failing| failing.problem.clone()),
        progress: match job.phase {
            Phase::Ready => Progress::Ready,
            Phase::Calling => Progress::Calling,
            Phase::Paused(until) => Progress::Paused(now.timestamp(until)),
            Phase::GivenUp => Progress::GivenUp,
        },
        breaker: lane.breaker().map(|breaker| match breaker.opens_at() {
            None => BreakerState::Closed,
            Some(Some(until)) => BreakerState::Open(now.timestamp(until)),
            Some(None) => BreakerState::HalfOpen,
        }),
    }
}
