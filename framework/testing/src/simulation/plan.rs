//! The plan: what is the same in every run of a simulation.

use kolo_core::EventId;

use super::broken::Broken;
use super::cast::{Cast, Topic};
use super::fact::{Fact, Sagas};
use super::faults::Faults;
use super::outside::Ports;
use super::seen::Seen;

/// What must hold once everything is at rest.
pub(crate) type Holds = dyn Fn(&Seen<'_>) -> Result<(), String> + Send + Sync;

pub(crate) struct Invariant {
    pub(crate) name: String,
    pub(crate) holds: Box<Holds>,
}

pub(crate) struct Plan {
    pub(crate) cast: Cast,
    pub(crate) ports: Ports,
    /// What is published before anything else.
    pub(crate) given: Vec<(Fact, EventId)>,
    pub(crate) sagas: Box<Sagas>,
    /// How many sagas run at once in one run, at most.
    pub(crate) at_once: u64,
    pub(crate) invariants: Vec<Invariant>,
    pub(crate) faults: Faults,
    pub(crate) broken: Broken,
    /// How many steps are drawn at most before the faults cease.
    pub(crate) steps: usize,
    /// How many records an owner or a router may have in flight.
    pub(crate) window: usize,
    /// Whether newer declarations decide as the older ones do: then also their answers are decided again.
    pub(crate) decides_alike: bool,
}

impl Plan {
    /// Whether a topic has no owner: what stands in it comes from outside.
    pub(crate) fn is_intake(&self, topic: Topic) -> bool {
        let cast = &self.cast;
        cast.owner_of(topic).is_none() && cast.routes.iter().all(|route| route.inbox != topic)
    }

    /// Whether there are newer declarations.
    pub(crate) fn has_deploy(&self) -> bool {
        self.cast.members.iter().any(|member| member.next.is_some())
    }
}
