//! The effects whose calls fail: what is told of them beside the log.

use std::collections::BinaryHeap;
use std::sync::Arc;

use hashbrown::HashSet;
use kolo_core::{EventId, Timestamp};

use super::breaker::Breaker;
use super::job::Now;
use super::keys::{OwnerId, Slot};
use super::pending::{PendingEffect, show};
use super::schedule::Schedule;

/// What fails now, and who owned partitions when that was looked at: what another owner had is not known here.
#[derive(Debug, Default)]
pub(crate) struct FailingEffects {
    pub(crate) effects: Vec<FailingEffect>,
    pub(crate) owners: HashSet<OwnerId>,
}

/// One effect of one aggregate with a request whose calls fail, or with a breaker that keeps calls back.
#[derive(Debug, Clone)]
pub(crate) struct FailingEffect {
    /// `<service>.<aggregate>`
    pub(crate) aggregate: Arc<str>,
    /// The name of the event that asks.
    pub(crate) request: &'static str,
    /// Requests without an answer, those behind others of their keys included.
    pub(crate) pending: u64,
    /// When the breaker lets a call try; now, if one tries now.
    pub(crate) open_until: Option<Timestamp>,
    /// What went wrong last.
    pub(crate) problem: String,
    /// Those whose calls fail, the earliest ones, and whose they are.
    pub(crate) requests: Vec<(OwnerId, PendingEffect)>,
}

/// The latest is the greatest, and makes room for earlier ones; ids decide between requests of one millisecond.
type Earliest = BinaryHeap<(Timestamp, EventId, Slot, i32)>;

/// What fails now, with at most so many requests for each effect.
pub(super) fn failing(schedule: &Schedule, now: Now, most: usize) -> FailingEffects {
    let mut found: Vec<(u64, Earliest)> = Vec::new();
    found.resize_with(schedule.lanes.len(), Default::default);
    for owner in schedule.owners.values() {
        for (slot, behind) in owner.turns() {
            let Some(job) = schedule.jobs.get(slot) else {
                continue;
            };
            let (pending, earliest) = &mut found[job.lane];
            *pending += 1;
            if job.failing.is_some() {
                earliest.push((job.call.at, job.call.request, slot, owner.partition));
                if earliest.len() > most {
                    earliest.pop();
                }
            }
            for call in behind {
                found[owner.first_lane + call.effect].0 += 1;
            }
        }
    }
    let lanes = schedule.lanes.iter().zip(found);
    let effects = lanes.filter_map(|(lane, (pending, earliest))| {
        let opens_at = lane.breaker().and_then(Breaker::opens_at);
        if earliest.is_empty() && opens_at.is_none() {
            return None;
        }
        let requests = earliest.into_sorted_vec().into_iter();
        Some(FailingEffect {
            aggregate: Arc::clone(&lane.name.aggregate),
            request: lane.name.request,
            pending,
            open_until: opens_at.map(|until| until.map_or(now.at, |at| now.timestamp(at))),
            problem: lane.problem.clone(),
            requests: requests
                .filter_map(|(_, _, slot, partition)| {
                    let job = schedule.jobs.get(slot)?;
                    Some((job.owner, show(job, lane, partition, now)))
                })
                .collect(),
        })
    });
    FailingEffects {
        effects: effects.collect(),
        owners: schedule.owners.keys().copied().collect(),
    }
}
