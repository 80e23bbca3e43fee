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

/// A use with the event that it answers, which a deadline has not, and with what it may emit.
type Answer<'a> = (Use<'a>, Option<&'a str>, &'a [Emitted]);

impl Manifest {
    /// What its aggregates do about an event, of this full name, in declared order.
    #[must_use]
    pub fn readers(&self, event: &str) -> Vec<Use<'_>> {
        let answers = self.answers().into_iter();
        answers
            .filter(|(_, trigger, _)| *trigger == Some(event))
            .map(|(found, ..)| found)
            .collect()
    }

    /// Where it may emit an event, of this full name, in declared order.
    #[must_use]
    pub fn writers(&self, event: &str) -> Vec<Use<'_>> {
        let answers = self.answers().into_iter();
        answers
            .filter(|(.., emits)| emits.iter().any(|edge| edge.event == event))
            .map(|(found, ..)| found)
            .collect()
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

    fn answers(&self) -> Vec<Answer<'_>> {
        let mut answers = Vec::new();
        for known in &self.aggregates {
            let place = |does, function| Use {
                service: &self.service,
                aggregate: &known.name,
                does,
                function,
            };
            for reaction in &known.reactions {
                let does = Does::React {
                    routed: reaction.routed,
                };
                let found = place(does, &reaction.function);
                answers.push((found, Some(&*reaction.event), &*reaction.emits));
            }
            for undo in &known.compensations {
                let found = place(Does::Undo(&undo.undoes), &undo.function);
                answers.push((found, Some(&*undo.event), &*undo.emits));
            }
            for effect in &known.effects {
                let found = place(Does::Call(&effect.port), &effect.function);
                answers.push((found, Some(&*effect.request), &*effect.emits));
            }
            if let Some(deadline) = &known.deadline {
                let found = place(Does::Expire, &deadline.function);
                answers.push((found, None, &*deadline.emits));
            }
        }
        answers
    }
}
