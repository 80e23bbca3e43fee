//! The pool: one task begins the calls of a process, and each call is a task of its own while it is made.

use std::sync::Arc;
use std::time::Duration;

use kolo_core::EffectDescription;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{timeout, timeout_at};

use crate::adapter::AdapterError;
use crate::traces::{CallSpan, Traces};

use super::adapters::{self, Adapters, AnyAdapter};
use super::failing::{FailingEffects, failing};
use super::job::Now;
use super::lane::Lane;
use super::ownership::AggregateEffects;
use super::pending::{LaneStanding, PendingEffect, lanes, list};
use super::schedule::{Begun, Schedule};

/// What the pool's tasks and the workers share.
pub(super) struct Shared {
    pub(super) schedule: Mutex<Schedule>,
    /// There is something to begin.
    pub(super) wake: Notify,
    traces: Option<Arc<Traces>>,
}

/// Runs the effects of a process.
#[derive(Clone)]
pub(crate) struct EffectPool {
    shared: Arc<Shared>,
    adapters: Arc<Adapters>,
    default_timeout: Duration,
}

impl EffectPool {
    /// A pool that makes so many calls at once, and ends those without a time limit of their own after `default_timeout`.
    pub(crate) fn new(
        runtime: &Handle,
        adapters: Adapters,
        max_effects: usize,
        default_timeout: Duration,
        traces: Option<Arc<Traces>>,
    ) -> Self {
        let shared = Arc::new(Shared {
            schedule: Mutex::new(Schedule::new(max_effects)),
            wake: Notify::new(),
            traces,
        });
        runtime.spawn(begin_calls(Arc::clone(&shared)));
        EffectPool {
            shared,
            adapters: Arc::new(adapters),
            default_timeout,
        }
    }

    /// Takes up the effects of an aggregate.
    ///
    /// # Errors
    /// The effect whose port has no adapter.
    pub(crate) fn serve<'a>(
        &self,
        aggregate: &str,
        effects: &'a [EffectDescription],
    ) -> Result<AggregateEffects, &'a EffectDescription> {
        let aggregate: Arc<str> = aggregate.into();
        let lanes = effects.iter().map(|effect| {
            let adapter = self.adapters.get(effect.port).ok_or(effect)?;
            Ok(Lane::new(
                Arc::clone(&aggregate),
                effect,
                adapter,
                self.default_timeout,
            ))
        });
        let lanes: Vec<Lane> = lanes.collect::<Result<_, _>>()?;
        let mut schedule = self.shared.schedule.lock();
        let first_lane = schedule.lanes.len();
        schedule.lanes.extend(lanes);
        Ok(AggregateEffects {
            shared: Arc::clone(&self.shared),
            first_lane,
        })
    }

    /// The requests without an answer.
    pub(crate) fn pending(&self) -> Vec<PendingEffect> {
        list(&self.shared.schedule.lock(), Now::read())
    }

    /// How each effect stands.
    pub(crate) fn lanes(&self) -> Vec<LaneStanding> {
        lanes(&self.shared.schedule.lock(), Now::read())
    }

    /// How many calls have failed so far.
    pub(crate) fn failures(&self) -> u64 {
        let schedule = self.shared.schedule.lock();
        schedule.lanes.iter().map(|lane| lane.failures).sum()
    }

    /// The effects whose calls fail, with at most so many requests for each, the earliest ones.
    pub(crate) fn failing(&self, most: usize) -> FailingEffects {
        failing(&self.shared.schedule.lock(), Now::read(), most)
    }

    #[cfg(test)]
    pub(super) fn with_schedule<R>(&self, look: impl FnOnce(&Schedule) -> R) -> R {
        look(&self.shared.schedule.lock())
    }
}

async fn begin_calls(shared: Arc<Shared>) {
    let mut begun = Vec::new();
    loop {
        let again = {
            let mut schedule = shared.schedule.lock();
            let again = schedule.begin(Now::read(), &mut begun);
            for call in begun.drain(..) {
                let lane = &schedule.lanes[call.lane];
                let (adapter, limit) = (Arc::clone(&lane.adapter), lane.timeout);
                let name = &lane.name;
                let span = shared.traces.as_ref().map(|traces| {
                    traces.begins(&name.aggregate, name.port, &call.call, call.attempt)
                });
                tokio::spawn(make(Arc::clone(&shared), call, adapter, limit, span));
            }
            again
        };
        let woken = shared.wake.notified();
        match again {
            // Woken or not, it is time to look.
            Some(again) => drop(timeout_at(again, woken).await),
            None => woken.await,
        }
    }
}

/// One call of a port.
async fn make(
    shared: Arc<Shared>,
    begun: Begun,
    adapter: Arc<dyn AnyAdapter>,
    limit: Duration,
    span: Option<CallSpan>,
) {
    let traceparent = span.as_ref().map(CallSpan::traceparent);
    let traceparent = traceparent.or(begun.call.traceparent.as_deref());
    let call = adapters::call(&*adapter, &begun.call, begun.attempt, traceparent);
    let outcome = timeout(limit, call)
        .await
        .unwrap_or_else(|_| Err(AdapterError::new(format!("no reply within {limit:?}"))));
    if let Some(span) = span {
        span.ended(outcome.as_ref().err());
    }
    shared.schedule.lock().ended(&begun, outcome, Now::read());
    shared.wake.notify_one();
}
