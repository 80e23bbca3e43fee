//! A declaration as data: what a person, a graph or a manifest reads.

use std::any::TypeId;
use std::fmt;
use std::panic::Location;

use crate::emits::Outgoing;
use crate::event::EventType;
use crate::policy::CallPolicy;

/// What an aggregate reacts to, emits, undoes, routes and calls.
#[derive(Debug, Clone)]
pub struct Description {
    /// The aggregate's name.
    pub aggregate: &'static str,
    /// The version of the declaration.
    pub version: u32,
    /// Its stream's topic.
    pub stream: &'static str,
    /// The name of its key type.
    pub key: &'static str,
    /// The types of its stream.
    pub own_events: &'static [&'static EventType],
    /// The schema versions that it reads of each of them, in their order, as [`OwnEvents::VERSIONS`](crate::OwnEvents::VERSIONS).
    pub own_versions: &'static [&'static [u64]],
    /// Its reactions, in declared order.
    pub reactions: Vec<ReactionDescription>,
    /// Its compensations, in declared order.
    pub compensations: Vec<CompensationDescription>,
    /// Its effects, in declared order.
    pub effects: Vec<EffectDescription>,
    /// What it does when it has waited for too long.
    pub deadline: Option<DeadlineDescription>,
    /// The version of its snapshots, if it keeps any.
    pub snapshots: Option<u32>,
    /// The findings about it that were looked at and accepted.
    pub accepted: Vec<AcceptedFinding>,
}

/// A finding about the choreography that is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcceptedFinding {
    /// The finding's code, such as `never-consumed`.
    pub code: &'static str,
    /// Why.
    pub reason: &'static str,
    /// Where it is accepted.
    pub place: &'static Location<'static>,
}

/// By which way a reaction gets its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The aggregate reads the topic itself.
    On,
    /// A router forwards copies.
    Routed,
}

/// One reaction.
#[derive(Debug, Clone)]
pub struct ReactionDescription {
    /// How the event arrives.
    pub kind: Kind,
    /// The event that it answers.
    pub event: &'static EventType,
    /// The schema versions that it reads of the event, as [`Event::VERSIONS`](crate::Event::VERSIONS).
    pub versions: &'static [u64],
    /// What may leave.
    pub emits: Vec<Outgoing>,
    /// Whether it is the pivot.
    pub pivot: bool,
    /// The function.
    pub function: Function,
}

/// One compensation.
#[derive(Debug, Clone)]
pub struct CompensationDescription {
    /// The event that triggers it.
    pub event: &'static EventType,
    /// The schema versions that it reads of that event, as [`Event::VERSIONS`](crate::Event::VERSIONS).
    pub versions: &'static [u64],
    /// The own event that it undoes.
    pub undoes: &'static EventType,
    /// What may leave.
    pub emits: Vec<Outgoing>,
    /// The function.
    pub function: Function,
}

/// One effect.
#[derive(Debug, Clone)]
pub struct EffectDescription {
    /// The own event that requests it.
    pub request: &'static EventType,
    /// The port's type, to which an adapter is bound.
    pub port: TypeId,
    /// The port's Rust name.
    pub port_name: &'static str,
    /// The events that may answer, after a reply or without one.
    pub emits: Vec<Outgoing>,
    /// The function that turns a reply into the answer.
    pub function: Function,
    /// The function that answers where no more call is made; without it, the key is parked.
    pub exhausted: Option<Function>,
    /// How the port is called.
    pub policy: CallPolicy,
}

/// The reaction to a deadline.
#[derive(Debug, Clone)]
pub struct DeadlineDescription {
    /// What may leave.
    pub emits: Vec<Outgoing>,
    /// The function.
    pub function: Function,
}

/// A function of a declaration, and where it was declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function {
    /// Its name, without the path.
    pub name: &'static str,
    /// Where the declaration names it.
    pub place: &'static Location<'static>,
}

impl Function {
    pub(crate) fn of<F>(place: &'static Location<'static>) -> Self {
        let path = std::any::type_name::<F>();
        Function {
            name: path.rsplit("::").next().unwrap_or(path),
            place,
        }
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}:{})",
            self.name,
            self.place.file(),
            self.place.line()
        )
    }
}

impl Description {
    /// The topics that the aggregate reads itself, each once, in declared order. The inbox is not among them.
    #[must_use]
    pub fn direct_topics(&self) -> Vec<&'static str> {
        let direct = self
            .reactions
            .iter()
            .filter(|reaction| reaction.kind == Kind::On)
            .map(|reaction| reaction.event);
        unique(
            direct.chain(
                self.compensations
                    .iter()
                    .map(|compensation| compensation.event),
            ),
        )
    }

    /// The topics whose events are routed to the aggregate, each once, in declared order.
    #[must_use]
    pub fn routed_topics(&self) -> Vec<&'static str> {
        unique(
            self.reactions
                .iter()
                .filter(|reaction| reaction.kind == Kind::Routed)
                .map(|reaction| reaction.event),
        )
    }
}

fn unique(events: impl Iterator<Item = &'static EventType>) -> Vec<&'static str> {
    let mut topics = Vec::new();
    for event in events {
        if !topics.contains(&event.topic) {
            topics.push(event.topic);
        }
    }
    topics
}
