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
        let answers = |found: &Use<'_>| found.answers == Some(event);
        self.uses().filter(answers).collect()
    }

    /// Where it may emit an event, of this full name, in declared order.
    #[must_use]
    pub fn writers(&self, event: &str) -> Vec<Use<'_>> {
        let emits = |found: &Use<'_>| found.emits.iter().any(|edge| edge.event == event);
        self.uses().filter(emits).collect()
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

    fn uses(&self) -> impl Iterator<Item = Use<'_>> {
        self.aggregates.iter().flat_map(|known| {
            let found = |does, answers, emits, function| Use {
                service: &self.service,
                aggregate: &known.name,
                does,
                answers,
                emits,
                function,
            };
            let reactions = known.reactions.iter().map(move |known| {
                let does = Does::React {
                    routed: known.routed,
                };
                found(does, Some(&*known.event), &*known.emits, &known.function)
            });
            let compensations = known.compensations.iter().map(move |known| {
                let does = Does::Undo(&known.undoes);
                found(does, Some(&*known.event), &*known.emits, &known.function)
            });
            let effects = known.effects.iter().map(move |known| {
                let does = Does::Call(&known.port);
                found(does, Some(&*known.request), &*known.emits, &known.function)
            });
            let deadline = known
                .deadline
                .iter()
                .map(move |known| found(Does::Expire, None, &*known.emits, &known.function));
            reactions
                .chain(compensations)
                .chain(effects)
                .chain(deadline)
        })
    }
}
