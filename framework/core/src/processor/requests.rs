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
    /// Its place in the order of requests, given when it is taken up.
    pub(super) place: u64,
    /// Whether it is parked: not called until it is redriven.
    pub(super) is_parked: bool,
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
            traceparent: self.traceparent.clone(),
        }
    }
}

/// The requests of one partition that have no answer.
#[derive(Default)]
pub(super) struct Requests {
    by_id: HashMap<EventId, Pending>,
    /// How many were ever taken up.
    taken: u64,
}

impl Requests {
    /// Takes a new request up, behind all others.
    pub(super) fn insert(&mut self, request: EventId, pending: Pending) {
        self.taken += 1;
        let place = self.taken;
        self.by_id.insert(request, Pending { place, ..pending });
    }

    /// A request that was removed is pending after all, in its old place.
    pub(super) fn put_back(&mut self, request: EventId, pending: Pending) {
        self.by_id.insert(request, pending);
    }

    pub(super) fn remove(&mut self, request: &EventId) -> Option<Pending> {
        self.by_id.remove(request)
    }

    pub(super) fn get(&self, request: &EventId) -> Option<&Pending> {
        self.by_id.get(request)
    }

    pub(super) fn get_mut(&mut self, request: &EventId) -> Option<&mut Pending> {
        self.by_id.get_mut(request)
    }

    pub(super) fn contains_key(&self, request: &EventId) -> bool {
        self.by_id.contains_key(request)
    }

    /// The call that a request asks for.
    pub(super) fn call(&self, request: EventId) -> Option<EffectCall> {
        self.get(&request).map(|pending| pending.call(request))
    }

    /// The calls that all of them ask for but those that are parked, in the order in which they were recorded: the ports
    /// of one key are called in it.
    pub(super) fn calls(&self) -> Vec<EffectCall> {
        let all = self.in_order().into_iter();
        let open = all.filter(|(_, pending)| !pending.is_parked);
        open.map(|(&id, pending)| pending.call(id)).collect()
    }

    /// All of them, in the order in which they were recorded.
    pub(super) fn in_order(&self) -> Vec<(&EventId, &Pending)> {
        let mut all: Vec<_> = self.by_id.iter().collect();
        all.sort_unstable_by_key(|(_, pending)| pending.place);
        all
    }
}
