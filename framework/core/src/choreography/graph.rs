//! All manifests as one graph: events, and the answers that lead from one to the next.

use std::collections::BTreeMap;

use super::manifest::{AggregateManifest, Declared, Emitted, EventManifest, Manifest};
use crate::event::Mark;

/// The place of an event in [`Graph::events`].
pub(super) type EventNo = usize;
/// The place of an aggregate in [`Graph::aggregates`].
pub(super) type AggregateNo = usize;

pub(super) struct Graph<'a> {
    pub(super) manifests: &'a [Manifest],
    pub(super) aggregates: Vec<AggregateNode<'a>>,
    pub(super) events: Vec<EventNode<'a>>,
    pub(super) answers: Vec<Answer<'a>>,
    numbers: BTreeMap<&'a str, EventNo>,
}

pub(super) struct AggregateNode<'a> {
    pub(super) service: &'a str,
    /// `service.aggregate`
    pub(super) name: String,
    pub(super) declared: &'a AggregateManifest,
}

pub(super) struct EventNode<'a> {
    pub(super) name: &'a str,
    /// As its owner knows it; as the language or else a consumer does, where no owner is known.
    pub(super) known: Option<&'a EventManifest>,
    /// The aggregates in whose stream it is.
    pub(super) owners: Vec<AggregateNo>,
    /// The answers that may emit it.
    pub(super) emitted_by: Vec<usize>,
    /// The answers that it triggers.
    pub(super) answered_by: Vec<usize>,
}

/// What an aggregate does about one thing.
pub(super) struct Answer<'a> {
    pub(super) aggregate: AggregateNo,
    pub(super) kind: AnswerKind,
    pub(super) emits: Vec<Edge>,
    pub(super) function: &'a Declared,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AnswerKind {
    Reaction {
        event: EventNo,
        routed: bool,
        pivot: bool,
    },
    Compensation {
        event: EventNo,
        undoes: EventNo,
    },
    Effect {
        request: EventNo,
        number: usize,
    },
    Deadline,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) event: EventNo,
    pub(super) failure: bool,
    pub(super) optional: bool,
}

impl Answer<'_> {
    /// The event that it answers; a deadline answers none.
    pub(super) fn trigger(&self) -> Option<EventNo> {
        match self.kind {
            AnswerKind::Reaction { event, .. } | AnswerKind::Compensation { event, .. } => {
                Some(event)
            }
            AnswerKind::Effect { request, .. } => Some(request),
            AnswerKind::Deadline => None,
        }
    }

    pub(super) fn is_reaction(&self) -> bool {
        matches!(self.kind, AnswerKind::Reaction { .. })
    }

    pub(super) fn is_compensation(&self) -> bool {
        matches!(self.kind, AnswerKind::Compensation { .. })
    }

    pub(super) fn is_effect(&self) -> bool {
        matches!(self.kind, AnswerKind::Effect { .. })
    }
}

impl EventNode<'_> {
    /// The name without its namespace.
    pub(super) fn short(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }

    pub(super) fn mark(&self) -> Mark {
        self.known.map_or(Mark::Step, |known| known.mark)
    }

    pub(super) fn is_public(&self) -> bool {
        self.known.is_none_or(|known| known.public)
    }

    /// Whether its schema names the saga that it belongs to.
    pub(super) fn is_in_saga(&self) -> bool {
        self.known.is_some_and(|known| known.saga_field.is_some())
    }
}

impl<'a> Graph<'a> {
    pub(super) fn new(manifests: &'a [Manifest], language: &'a [EventManifest]) -> Self {
        let mut graph = Graph {
            manifests,
            aggregates: Vec::new(),
            events: Vec::new(),
            answers: Vec::new(),
            numbers: BTreeMap::new(),
        };
        let declared = manifests.iter().flat_map(|manifest| {
            manifest
                .aggregates
                .iter()
                .map(move |known| (manifest, known))
        });
        for (manifest, known) in declared {
            let number = graph.aggregates.len();
            graph.aggregates.push(AggregateNode {
                service: &manifest.service,
                name: format!("{}.{}", manifest.service, known.name),
                declared: known,
            });
            for event in &known.own_events {
                let event = graph.number(event);
                let node = &mut graph.events[event];
                node.owners.push(number);
                let described = || manifest.events.iter().find(|known| known.name == node.name);
                node.known = node.known.or_else(described);
            }
        }
        let consumed = manifests.iter().flat_map(|manifest| &manifest.events);
        for event in language.iter().chain(consumed) {
            let number = graph.number(&event.name);
            graph.events[number].known.get_or_insert(event);
        }
        for number in 0..graph.aggregates.len() {
            graph.add_answers(number);
        }
        for (number, answer) in graph.answers.iter().enumerate() {
            if let Some(trigger) = answer.trigger() {
                graph.events[trigger].answered_by.push(number);
            }
            for edge in &answer.emits {
                let emitted_by = &mut graph.events[edge.event].emitted_by;
                if emitted_by.last() != Some(&number) {
                    emitted_by.push(number);
                }
            }
        }
        graph
    }

    fn number(&mut self, name: &'a str) -> EventNo {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        self.events.push(EventNode {
            name,
            known: None,
            owners: Vec::new(),
            emitted_by: Vec::new(),
            answered_by: Vec::new(),
        });
        self.numbers.insert(name, self.events.len() - 1);
        self.events.len() - 1
    }

    fn add_answers(&mut self, aggregate: AggregateNo) {
        let known = self.aggregates[aggregate].declared;
        for reaction in &known.reactions {
            let kind = AnswerKind::Reaction {
                event: self.number(&reaction.event),
                routed: reaction.routed,
                pivot: reaction.pivot,
            };
            self.add_answer(aggregate, kind, &reaction.emits, &reaction.function);
        }
        for undo in &known.compensations {
            let kind = AnswerKind::Compensation {
                event: self.number(&undo.event),
                undoes: self.number(&undo.undoes),
            };
            self.add_answer(aggregate, kind, &undo.emits, &undo.function);
        }
        for (number, effect) in known.effects.iter().enumerate() {
            let request = self.number(&effect.request);
            let kind = AnswerKind::Effect { request, number };
            self.add_answer(aggregate, kind, &effect.emits, &effect.function);
        }
        if let Some(deadline) = &known.deadline {
            self.add_answer(
                aggregate,
                AnswerKind::Deadline,
                &deadline.emits,
                &deadline.function,
            );
        }
    }

    fn add_answer(
        &mut self,
        aggregate: AggregateNo,
        kind: AnswerKind,
        emits: &'a [Emitted],
        function: &'a Declared,
    ) {
        let emits = emits
            .iter()
            .map(|edge| Edge {
                event: self.number(&edge.event),
                failure: edge.failure,
                optional: edge.optional,
            })
            .collect();
        self.answers.push(Answer {
            aggregate,
            kind,
            emits,
            function,
        });
    }

    /// An event by its full or short name; the first of several with the short one.
    pub(super) fn find(&self, name: &str) -> Option<EventNo> {
        let short = || self.events.iter().position(|event| event.short() == name);
        self.numbers.get(name).copied().or_else(short)
    }

    /// The answers of one aggregate.
    pub(super) fn answers_of(&self, aggregate: AggregateNo) -> impl Iterator<Item = &Answer<'a>> {
        self.answers
            .iter()
            .filter(move |answer| answer.aggregate == aggregate)
    }

    /// The answers that may emit an event.
    pub(super) fn emitting(&self, event: EventNo) -> impl Iterator<Item = &Answer<'a>> {
        let numbers = self.events[event].emitted_by.iter();
        numbers.map(|&number| &self.answers[number])
    }

    /// The answers that an event triggers.
    pub(super) fn answering(&self, event: EventNo) -> impl Iterator<Item = &Answer<'a>> {
        let numbers = self.events[event].answered_by.iter();
        numbers.map(|&number| &self.answers[number])
    }

    /// The aggregates that emit an event, each once.
    pub(super) fn emitters(&self, event: EventNo) -> Vec<AggregateNo> {
        let emitting = self.emitting(event);
        let mut emitters: Vec<_> = emitting.map(|answer| answer.aggregate).collect();
        emitters.sort_unstable();
        emitters.dedup();
        emitters
    }
}
