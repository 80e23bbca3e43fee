//! Who has to do with an event, asked of one manifest: who answers it, who emits it, whose it is.

use std::fmt;

use super::manifest::{AggregateManifest, Declared, Emitted, EventManifest, Manifest};

/// One place in a declaration that answers or emits an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use<'a> {
    /// The service.
    pub service: &'a str,
    /// The aggregate, without the service's name.
    pub aggregate: &'a str,
    /// What it does there.
    pub does: Does<'a>,
    /// The event that it answers, by full name; a deadline answers none.
    pub answers: Option<&'a str>,
    /// What may leave.
    pub emits: &'a [Emitted],
    /// The function, and where it is declared.
    pub function: &'a Declared,
}

/// What an aggregate does about one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does<'a> {
    /// It reacts.
    React {
        /// Whether a router brings copies.
        routed: bool,
    },
    /// It undoes this own event, by full name.
    Undo(&'a str),
    /// It calls this port, by the Rust path.
    Call(&'a str),
    /// It has waited for too long.
    Expire,
}

impl fmt::Display for Use<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Declared { name, file, line } = self.function;
        write!(
            f,
            "{}.{} `{name}` ({file}:{line})",
            self.service, self.aggregate
        )
    }
}

impl Manifest {
    /// What its aggregates do about an event, of this full name, in declared order.
    #[must_use]
    pub fn readers(&self, event: &str) -> Vec<Use<'_>> {
        let all = self.uses().into_iter();
        all.filter(|found| found.answers == Some(event)).collect()
    }

    /// Where it may emit an event, of this full name, in declared order.
    #[must_use]
    pub fn writers(&self, event: &str) -> Vec<Use<'_>> {
        let emits = |found: &Use<'_>| found.emits.iter().any(|edge| edge.event == event);
        self.uses().into_iter().filter(emits).collect()
    }

    /// The aggregate in whose stream an event is, by the event's full name.
    #[must_use]
    pub fn owner(&self, event: &str) -> Option<&AggregateManifest> {
        let owns = |known: &&AggregateManifest| known.own_events.iter().any(|own| own == event);
        self.aggregates.iter().find(owns)
    }

    /// What the service knows of an event, by its full name.
    #[must_use]
    pub fn event(&self, name: &str) -> Option<&EventManifest> {
        self.events.iter().find(|event| event.name == name)
    }

    fn uses(&self) -> Vec<Use<'_>> {
        let mut all = Vec::new();
        for known in &self.aggregates {
            let mut put = |does, answers, emits, function| {
                all.push(Use {
                    service: &self.service,
                    aggregate: &known.name,
                    does,
                    answers,
                    emits,
                    function,
                });
            };
            for known in &known.reactions {
                let does = Does::React {
                    routed: known.routed,
                };
                put(does, Some(&*known.event), &*known.emits, &known.function);
            }
            for known in &known.compensations {
                let does = Does::Undo(&known.undoes);
                put(does, Some(&*known.event), &*known.emits, &known.function);
            }
            for known in &known.effects {
                let does = Does::Call(&known.port);
                put(does, Some(&*known.request), &*known.emits, &known.function);
            }
            if let Some(known) = &known.deadline {
                put(Does::Expire, None, &*known.emits, &known.function);
            }
        }
        all
    }
}
