//! The gate: every reader's schema against every writer's, over all builds that may run side by side.
//!
//! A build is what a service was made of once: its manifest says which versions of each event it reads, and which one it
//! writes. kolo's decoders are generated, so a build reads the versions that were published to it; others it resolves by
//! Avro's rules if a schema registry tells it of them, and without one it reads no other. What runs is given as manifests;
//! what the working schemas would make of each service is its *next* build. From both follows the order in which services
//! can be deployed.
//!
//! | file | idea |
//! |---|---|
//! | `edge.rs` | whether one build reads what another one writes |
//! | `running.rs` | the builds that run: what they cannot read of each other |
//! | `next.rs` | the builds to come: who must be deployed before whom |
//! | `order.rs` | one order of all services, if there is any |

pub(super) mod edge;
mod next;
mod order;
mod running;

use std::collections::BTreeSet;

use super::findings::{Report, accept, sort};
use super::manifest::{EventManifest, Manifest};
use super::{Finding, Reads};

/// An event as the working schemas have it: what the next build of every service knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextSchema {
    /// The event's full name.
    pub event: String,
    /// The whole text of the schema.
    pub schema: String,
    /// The fingerprints that the next builds read, in hex; the first is the one that they write.
    pub versions: Vec<String>,
}

/// The builds of all services, of which several of one service may run at the same time.
///
/// ```
/// use kolo_core::choreography::Gate;
///
/// let nobody = Gate::new([], []).check(&|_, _| Ok(()));
/// assert!(nobody.report.is_clean() && nobody.order == Some(vec![]));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Gate {
    running: Vec<Manifest>,
    next: Vec<NextSchema>,
    registry: bool,
}

/// What the gate finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// The findings, each with a code of `docs/choreography-checks.md`.
    pub report: Report,
    /// The services that have to be deployed before others, in steps; services of one step in any order. Empty where any
    /// order of all services will do, `None` where no order is safe.
    pub order: Option<Vec<Vec<String>>>,
}

impl Gate {
    /// The gate of the builds that run, and of the working schemas. Of several builds of one service, the older comes first.
    #[must_use]
    pub fn new(
        running: impl IntoIterator<Item = Manifest>,
        next: impl IntoIterator<Item = NextSchema>,
    ) -> Self {
        Gate {
            running: running.into_iter().collect(),
            next: next.into_iter().collect(),
            registry: false,
        }
    }

    /// The builds have a schema registry: those that resolve read what Avro's rules make readable, whichever versions were
    /// published to them.
    #[must_use]
    pub fn with_registry(mut self) -> Self {
        self.registry = true;
        self
    }

    /// What the builds cannot read of each other, and the order in which the next ones can be deployed. `reads` says whether
    /// a reader's schema reads what was written with a writer's schema.
    #[must_use]
    pub fn check(&self, reads: Reads<'_>) -> Passage {
        let mut findings = running::findings(self, reads);
        let (found, order) = next::findings(self, reads);
        findings.extend(found);
        self.accept(&mut findings);
        sort(&mut findings);
        Passage {
            report: Report { findings },
            order,
        }
    }

    /// Marks what an aggregate of any build accepts. What is accepted and not found is told by the checks of a choreography.
    fn accept(&self, findings: &mut [Finding]) {
        for manifest in &self.running {
            for known in &manifest.aggregates {
                let name = format!("{}.{}", manifest.service, known.name);
                for accepted in &known.accepted {
                    accept(findings, &name, accepted);
                }
            }
        }
    }

    /// The builds that own an event, each with what it knows of it.
    fn writers<'g>(
        &'g self,
        event: &'g str,
    ) -> impl Iterator<Item = (&'g Manifest, &'g EventManifest)> {
        let owners = self
            .running
            .iter()
            .filter(move |build| build.owner(event).is_some());
        owners.filter_map(move |build| Some((build, build.event(event)?)))
    }

    /// The names of all events that the builds know.
    fn events(&self) -> BTreeSet<&str> {
        let events = self.running.iter().flat_map(|build| &build.events);
        events.map(|event| event.name.as_str()).collect()
    }

    /// How a message calls a build: by its service, and by its number if there are several.
    fn name(&self, build: &Manifest) -> String {
        let same = || {
            self.running
                .iter()
                .filter(|known| known.service == build.service)
        };
        let number = same().position(|known| std::ptr::eq(known, build));
        match (same().count(), number) {
            (count @ 2.., Some(number)) => {
                format!("`{}` (build {} of {count})", build.service, number + 1)
            }
            _ => format!("`{}`", build.service),
        }
    }
}
