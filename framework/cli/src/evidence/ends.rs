//! Which events may be followed by one that ends a saga. A stock that is filled up is over when it is recorded: nothing that is
//! declared ever ends it.

use std::collections::{HashMap, HashSet};

use kolo_core::Mark;
use kolo_core::choreography::{Emitted, Manifest};
use kolo_core::saga::Saga;

use super::plan::aggregates;

/// The full names of those events.
#[derive(Debug, Default)]
pub(crate) struct Ends<'a>(HashSet<&'a str>);

impl<'a> Ends<'a> {
    pub(crate) fn of(manifests: &'a [Manifest]) -> Self {
        let causes = causes(manifests);
        let ending = manifests.iter().flat_map(|known| &known.events);
        let ending = ending.filter(|event| matches!(event.mark, Mark::Success | Mark::Failure));
        let mut next: Vec<&str> = ending.map(|event| &*event.name).collect();
        let mut ends = Ends::default();
        while let Some(event) = next.pop() {
            if ends.0.insert(event) {
                next.extend(causes.get(event).into_iter().flatten());
            }
        }
        ends
    }

    /// Whether what the saga has so far may be followed by its end.
    pub(crate) fn may_come(&self, saga: &Saga) -> bool {
        let mut told = saga.told().iter();
        told.any(|event| self.0.contains(&*event.event))
    }
}

/// By each event's name, those that may lead to it: which an answer takes up, or after which a deadline comes.
fn causes(manifests: &[Manifest]) -> HashMap<&str, Vec<&str>> {
    let mut causes: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut put = |cause, emits| {
        let emits: &[Emitted] = emits;
        for edge in emits {
            causes.entry(&*edge.event).or_default().push(cause);
        }
    };
    for (_, known) in aggregates(manifests) {
        for one in &known.reactions {
            put(&*one.event, &one.emits);
        }
        for one in &known.compensations {
            put(&*one.event, &one.emits);
        }
        for one in &known.effects {
            put(&*one.request, &one.emits);
        }
        if let Some(deadline) = &known.deadline {
            for own in &known.own_events {
                put(own, &deadline.emits);
            }
        }
    }
    causes
}
