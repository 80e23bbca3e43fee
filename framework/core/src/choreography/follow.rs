//! What follows from what: which events come after an event, which are failures, and which undo.

use super::graph::{AggregateNo, Answer, EventNo, Graph};
use crate::event::Mark;

/// A set of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Events(Vec<u64>);

impl Events {
    pub(super) fn none(of: usize) -> Self {
        Events(vec![0; of.div_ceil(64)])
    }

    /// Whether it was not in it before.
    pub(super) fn add(&mut self, event: EventNo) -> bool {
        let (word, bit) = (event / 64, 1 << (event % 64));
        let new = self.0[word] & bit == 0;
        self.0[word] |= bit;
        new
    }

    pub(super) fn has(&self, event: EventNo) -> bool {
        self.0[event / 64] & (1 << (event % 64)) != 0
    }
}

/// The graph with what is worked out from it once.
pub(super) struct Followed<'g, 'a> {
    pub(super) graph: &'g Graph<'a>,
    /// What each event may lead to, by way of all answers.
    after: Vec<Events>,
    /// The events that a saga begins with.
    pub(super) roots: Vec<EventNo>,
    /// What may happen at all.
    pub(super) reached: Events,
    /// Business failures: somebody emits them as `Err`, or they end a saga that has failed.
    pub(super) failures: Events,
    /// What compensations emit, and what is emitted only because of that.
    undoing: Events,
    /// What a deadline leads to.
    pub(super) after_deadlines: Events,
}

impl<'g, 'a> Followed<'g, 'a> {
    pub(super) fn new(graph: &'g Graph<'a>) -> Self {
        let none = Events::none(graph.events.len());
        let deadlines = deadline_edges(graph);
        let next = |event: EventNo| {
            let emitted = graph.answering(event).flat_map(|answer| &answer.emits);
            let own = deadlines[event].iter().copied();
            emitted
                .map(|edge| edge.event)
                .chain(own)
                .collect::<Vec<_>>()
        };
        let next: Vec<Vec<EventNo>> = (0..graph.events.len()).map(next).collect();
        let after: Vec<Events> = (0..graph.events.len())
            .map(|from| reach(&next, &next[from]))
            .collect();
        let roots = (0..graph.events.len()).filter(|&event| {
            let node = &graph.events[event];
            node.mark() == Mark::Intake
                || (node.emitted_by.is_empty() && !node.answered_by.is_empty())
        });
        let roots: Vec<EventNo> = roots.collect();
        let deadline = graph
            .answers
            .iter()
            .filter(|answer| answer.trigger().is_none());
        let decided: Vec<EventNo> = deadline.flat_map(|answer| emitted(answer)).collect();
        let mut followed = Followed {
            graph,
            reached: reach(&next, &roots),
            after_deadlines: reach(&next, &decided),
            after,
            roots,
            failures: none.clone(),
            undoing: none,
        };
        followed.find_failures();
        followed.find_undoing();
        followed
    }

    /// Whether `later` may come of `event`.
    pub(super) fn leads_to(&self, event: EventNo, later: EventNo) -> bool {
        self.after[event].has(later)
    }

    fn find_failures(&mut self) {
        let graph = self.graph;
        for (number, event) in graph.events.iter().enumerate() {
            let as_failure = |answer: &Answer<'_>| {
                answer
                    .emits
                    .iter()
                    .any(|edge| edge.event == number && edge.failure)
            };
            // What a compensation emits too is part of an undo, whatever else emits it.
            let fails = graph.emitting(number).any(as_failure)
                && !graph.emitting(number).any(Answer::is_compensation);
            if event.mark() == Mark::Failure || fails {
                self.failures.add(number);
            }
        }
    }

    fn find_undoing(&mut self) {
        let graph = self.graph;
        loop {
            let mut grown = false;
            for (number, event) in graph.events.iter().enumerate() {
                let only_because = |answer: &Answer<'_>| {
                    let trigger = answer.trigger();
                    trigger.is_some_and(|trigger| self.undoing.has(trigger))
                };
                let undoes = graph.emitting(number).any(Answer::is_compensation)
                    || (!event.emitted_by.is_empty() && graph.emitting(number).all(only_because));
                if undoes {
                    grown |= self.undoing.add(number);
                }
            }
            if !grown {
                return;
            }
        }
    }

    /// Whether an event is part of an undo.
    pub(super) fn is_undoing(&self, event: EventNo) -> bool {
        self.undoing.has(event)
    }

    /// The events by which an aggregate goes ahead in a saga, each with the answer that emits it: what may have to be undone.
    pub(super) fn steps(&self, aggregate: AggregateNo) -> Vec<(EventNo, &'g Answer<'a>)> {
        let mut steps: Vec<(EventNo, &Answer<'_>)> = Vec::new();
        for answer in self.graph.answers_of(aggregate) {
            let ahead = |event| !self.failures.has(event) && !self.undoing.has(event);
            if answer.is_compensation() || !answer.trigger().is_some_and(ahead) {
                continue;
            }
            for edge in answer.emits.iter().filter(|edge| !edge.failure) {
                let event = &self.graph.events[edge.event];
                let is_step = event.mark() == Mark::Step && event.is_in_saga() && ahead(edge.event);
                if is_step && !steps.iter().any(|&(known, _)| known == edge.event) {
                    steps.push((edge.event, answer));
                }
            }
        }
        steps
    }

    /// What is reached without any answer of one aggregate.
    pub(super) fn reached_without(&self, aggregate: AggregateNo) -> Events {
        let mut reached = Events::none(self.graph.events.len());
        let mut open = self.roots.clone();
        while let Some(event) = open.pop() {
            if !reached.add(event) {
                continue;
            }
            let answers = self.graph.answering(event);
            let others = answers.filter(|answer| answer.aggregate != aggregate);
            open.extend(others.flat_map(emitted));
        }
        reached
    }
}

fn emitted<'x>(answer: &'x Answer<'_>) -> impl Iterator<Item = EventNo> + use<'x> {
    answer.emits.iter().map(|edge| edge.event)
}

/// A deadline follows from what the aggregate's reactions emit, but for what ends a saga.
fn deadline_edges(graph: &Graph<'_>) -> Vec<Vec<EventNo>> {
    let mut edges = vec![Vec::new(); graph.events.len()];
    for deadline in graph
        .answers
        .iter()
        .filter(|answer| answer.trigger().is_none())
    {
        for cause in graph
            .answers_of(deadline.aggregate)
            .filter(|answer| answer.is_reaction())
        {
            for edge in cause.emits.iter().filter(|edge| !edge.failure) {
                if graph.events[edge.event].mark() == Mark::Step {
                    edges[edge.event].extend(emitted(deadline));
                }
            }
        }
    }
    edges
}

fn reach(next: &[Vec<EventNo>], from: &[EventNo]) -> Events {
    let mut reached = Events::none(next.len());
    let mut open = from.to_vec();
    while let Some(event) = open.pop() {
        if reached.add(event) {
            open.extend(&next[event]);
        }
    }
    reached
}
