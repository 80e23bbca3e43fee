//! Requests without an answer, in the order in which they were recorded.

use hashbrown::HashMap;

use crate::effect::EffectCall;
use crate::id::{CorrelationId, EventId};
use crate::time::Timestamp;

/// A request without an answer.
pub(super) struct Pending {
    pub(super) effect: usize,
    pub(super) key: Box<str>,
    pub(super) correlation: CorrelationId,
    pub(super) value: Box<[u8]>,
    pub(super) traceparent: Option<Box<str>>,
    pub(super) at: Timestamp,
}

impl Pending {
    fn call(&self, request: EventId) -> EffectCall {
        EffectCall {
            effect: self.effect,
            request,
            correlation: self.correlation,
            key: self.key.clone(),
            value: self.value.clone(),
            at: self.at,
        }
    }
}

/// The requests of one partition that have no answer.
#[derive(Default)]
pub(super) struct Requests {
    by_id: HashMap<EventId, (u64, Pending)>,
    /// How many were ever taken up: the place of the next one.
    taken: u64,
}

impl Requests {
    pub(super) fn insert(&mut self, request: EventId, pending: Pending) {
        self.by_id.insert(request, (self.taken, pending));
        self.taken += 1;
    }

    pub(super) fn remove(&mut self, request: &EventId) -> Option<Pending> {
        self.by_id.remove(request).map(|(_, pending)| pending)
    }

    pub(super) fn get(&self, request: &EventId) -> Option<&Pending> {
        self.by_id.get(request).map(|(_, pending)| pending)
    }

    pub(super) fn contains_key(&self, request: &EventId) -> bool {
        self.by_id.contains_key(request)
    }

    /// The call that a request asks for.
    pub(super) fn call(&self, request: EventId) -> Option<EffectCall> {
        self.get(&request).map(|pending| pending.call(request))
    }

    /// The calls that all of them ask for, in the order in which they were recorded: the ports of one key are called in it.
    pub(super) fn calls(&self) -> Vec<EffectCall> {
        let mut calls: Vec<_> = self.by_id.iter().collect();
        calls.sort_unstable_by_key(|(_, (place, _))| *place);
        let calls = calls.into_iter();
        calls.map(|(&id, (_, pending))| pending.call(id)).collect()
    }
}
