//! Ownership: the requests of a partition, as its worker holds them.

use std::sync::Arc;

use crossbeam_channel::Sender;
use kolo_core::{CallFailure, EffectCall, Reply};

use crate::wake::Waker;

use super::job::Now;
use super::keys::OwnerId;
use super::pool::Shared;

/// The effects of one aggregate.
pub(crate) struct AggregateEffects {
    pub(super) shared: Arc<Shared>,
    pub(super) first_lane: usize,
}

impl AggregateEffects {
    /// Opens the requests of a partition that is owned from now on.
    pub(crate) fn own(&self, partition: i32, reply_to: ReplyTo) -> Ownership {
        let mut schedule = self.shared.schedule.lock();
        Ownership {
            id: schedule.own(partition, self.first_lane, reply_to),
            shared: Arc::clone(&self.shared),
        }
    }
}

/// The requests of a partition. Dropped with the partition: what waits is forgotten, and what is called replies to nobody.
pub(crate) struct Ownership {
    shared: Arc<Shared>,
    id: OwnerId,
}

impl Ownership {
    /// Has the ports called, for each key in this order.
    pub(crate) fn call(&self, calls: impl IntoIterator<Item = EffectCall>) {
        let mut calls = calls.into_iter().peekable();
        if calls.peek().is_none() {
            return;
        }
        let now = Now::read();
        let mut schedule = self.shared.schedule.lock();
        for call in calls {
            schedule.ask(self.id, call, now);
        }
        drop(schedule);
        self.shared.wake.notify_one();
    }

    /// A request that was given up has its answer, or is parked: the next one of its key is called.
    pub(crate) fn release(&self, call: &Arc<EffectCall>) {
        let mut schedule = self.shared.schedule.lock();
        schedule.release(call, self.id, Now::read());
        drop(schedule);
        self.shared.wake.notify_one();
    }

    /// Whether this ownership asked for it, and not an earlier one of the same partition.
    pub(crate) fn asked_for(&self, ended: &Ended) -> bool {
        ended.owner == self.id
    }
}

impl Drop for Ownership {
    fn drop(&mut self) {
        self.shared.schedule.lock().disown(self.id);
    }
}

/// What the worker that asked is told at the end: the reply, or that no more call is made.
pub(crate) struct Ended {
    pub(crate) partition: i32,
    pub(super) owner: OwnerId,
    pub(crate) call: Arc<EffectCall>,
    pub(crate) outcome: Result<Reply, CallFailure>,
}

/// Where one worker is told.
#[derive(Clone)]
pub(crate) struct ReplyTo {
    pub(crate) ended: Sender<Ended>,
    pub(crate) waker: Waker,
}

impl ReplyTo {
    pub(super) fn tell(&self, ended: Ended) {
        // The worker may be gone by now; then another owner has the request.
        let _ = self.ended.send(ended);
        self.waker.wake();
    }
}
