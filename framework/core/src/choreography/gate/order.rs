//! One order of all services: those that must come first, step by step.

use std::collections::{BTreeMap, BTreeSet};

use super::NextSchema;

/// Which service must be deployed before which, and for which events.
#[derive(Default)]
pub(super) struct Order<'g> {
    /// By what comes later and what comes first.
    before: BTreeMap<(String, String), BTreeSet<&'g str>>,
}

/// Services that each must be deployed before another one of them.
pub(super) struct Circle {
    pub(super) services: Vec<String>,
    pub(super) events: Vec<String>,
}

impl<'g> Order<'g> {
    /// Demands that each of these is deployed before each of those. A service comes before itself in no order: what
    /// is to be done about that stands in its finding.
    pub(super) fn add(
        &mut self,
        first: &BTreeSet<String>,
        then: &BTreeSet<String>,
        next: &'g NextSchema,
    ) {
        for first in first {
            for then in then.iter().filter(|then| *then != first) {
                let events = self.before.entry((then.clone(), first.clone()));
                events.or_default().insert(&next.event);
            }
        }
    }

    /// The steps. What nothing is demanded of is in none.
    pub(super) fn steps(&self) -> Result<Vec<Vec<String>>, Circle> {
        let pairs = self.before.keys();
        let mut left: BTreeSet<&String> = pairs.flat_map(|(then, first)| [then, first]).collect();
        let mut steps = Vec::new();
        while !left.is_empty() {
            let waits = |service: &String| {
                let mut pairs = self.before.keys();
                pairs.any(|(then, first)| then == service && left.contains(first))
            };
            let step: Vec<&String> = left
                .iter()
                .copied()
                .filter(|service| !waits(service))
                .collect();
            if step.is_empty() {
                return Err(self.circle(&left));
            }
            for service in &step {
                left.remove(service);
            }
            steps.push(step.into_iter().cloned().collect());
        }
        Ok(steps)
    }

    /// The services among these that are in a circle: what only waits for one is left out.
    fn circle(&self, left: &BTreeSet<&String>) -> Circle {
        let mut within = left.clone();
        loop {
            let is_waited_for = |service: &String| {
                let mut pairs = self.before.keys();
                pairs.any(|(then, first)| first == service && within.contains(then))
            };
            let kept: BTreeSet<&String> = within
                .iter()
                .copied()
                .filter(|service| is_waited_for(service))
                .collect();
            if kept.len() == within.len() {
                break;
            }
            within = kept;
        }
        let inside = self
            .before
            .iter()
            .filter(|((then, first), _)| within.contains(then) && within.contains(first));
        let events: BTreeSet<&str> = inside
            .flat_map(|(_, events)| events.iter().copied())
            .collect();
        Circle {
            services: within.into_iter().cloned().collect(),
            events: events.into_iter().map(str::to_owned).collect(),
        }
    }
}
