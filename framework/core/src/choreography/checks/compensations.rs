//! Whether what is done is undone when another step fails.

use std::collections::VecDeque;

use super::{Checks, and};
use crate::choreography::codes::Code;
use crate::choreography::follow::Events;
use crate::choreography::graph::{AggregateNo, Answer, AnswerKind, EventNo};

/// How an aggregate hears of a failure.
enum Hears {
    /// It answers the failure, or what its own service or the failing one makes of it.
    Itself,
    /// It answers an event that another service emits.
    ByWayOf(EventNo),
    /// Not at all.
    Never,
}

/// Failures that one aggregate hears of in the same insufficient way.
struct Missed<'g, 'a> {
    /// The event by which it hears of them in the end; `None` if it does not.
    by_way_of: Option<EventNo>,
    failures: Vec<EventNo>,
    /// What it may have done by then.
    steps: Vec<EventNo>,
    done_by: &'g Answer<'a>,
}

impl Checks<'_, '_> {
    pub(super) fn compensations(&mut self) {
        let failures = 0..self.graph.events.len();
        let failures: Vec<EventNo> = failures
            .filter(|&event| self.followed.failures.has(event))
            .collect();
        let aggregates = 0..self.graph.aggregates.len();
        // What each failing aggregate is not asked about: its failure may come beside that.
        let mut beside: Vec<Option<Events>> = aggregates.clone().map(|_| None).collect();
        for &failure in &failures {
            for aggregate in self.graph.emitters(failure) {
                beside[aggregate].get_or_insert_with(|| self.followed.reached_without(aggregate));
            }
        }
        for aggregate in aggregates {
            let steps = self.followed.steps(aggregate);
            let mut missed: Vec<Missed<'_, '_>> = Vec::new();
            for &failure in &failures {
                let emitters = self.graph.emitters(failure);
                let elsewhere = emitters.iter().any(|&emitter| emitter != aggregate);
                let stays = steps.iter().copied().filter(|&(step, _)| {
                    self.followed.leads_to(step, failure)
                        || emitters.iter().any(|&emitter| {
                            let apart = beside[emitter]
                                .as_ref()
                                .is_some_and(|apart| apart.has(step));
                            emitter != aggregate && apart && self.begin_together(step, failure)
                        })
                });
                let stays: Vec<(EventNo, &Answer<'_>)> = stays.collect();
                let Some(&(_, done_by)) = stays.first().filter(|_| elsewhere) else {
                    continue;
                };
                let by_way_of = match self.hears(aggregate, failure) {
                    Hears::Itself => continue,
                    Hears::ByWayOf(event) => Some(event),
                    Hears::Never => None,
                };
                let steps = stays.iter().map(|&(step, _)| step);
                match missed.iter_mut().find(|known| known.by_way_of == by_way_of) {
                    Some(known) => {
                        known.failures.push(failure);
                        known.steps.extend(steps);
                    }
                    None => missed.push(Missed {
                        by_way_of,
                        failures: vec![failure],
                        steps: steps.collect(),
                        done_by,
                    }),
                }
            }
            for missed in &missed {
                self.tell(aggregate, missed);
            }
        }
    }

    /// Whether one event from outside leads to both.
    fn begin_together(&self, step: EventNo, failure: EventNo) -> bool {
        let mut roots = self.followed.roots.iter();
        roots.any(|&root| {
            self.followed.leads_to(root, step) && self.followed.leads_to(root, failure)
        })
    }

    fn tell(&mut self, aggregate: AggregateNo, missed: &Missed<'_, '_>) {
        let (name, steps) = (
            self.aggregate(aggregate),
            self.list(missed.steps.iter().copied()),
        );
        let failures = missed.failures.iter();
        let failed = failures
            .map(|&failure| format!("`{}` ({})", self.event(failure), self.emitters(failure)));
        let failed = and(&failed.collect::<Vec<_>>());
        let undo = self.list(missed.failures.iter().copied());
        let place = Some(missed.done_by.function);
        match missed.by_way_of {
            Some(event) => {
                let message = format!(
                    "`{name}` does {steps}, and hears of {failed} only by way of `{}` ({})",
                    self.event(event),
                    self.emitters(event)
                );
                let next = format!("undo on {undo} as well: `.undo(compensation)`");
                self.about(Code::CompensatedByWayOf, aggregate, place, message, next);
            }
            None => {
                let message = format!("`{name}` does {steps}, and nothing undoes it on {failed}");
                let next = format!(
                    "declare `.undo(compensation)` on {undo} or on what follows; mark what needs no undoing `\"terminal\": true`"
                );
                self.about(Code::NotCompensated, aggregate, place, message, next);
            }
        }
    }

    fn hears(&self, aggregate: AggregateNo, failure: EventNo) -> Hears {
        let handles = |event: EventNo| {
            let mut answered = self.graph.answering(event);
            answered.any(|answer| answer.aggregate == aggregate && !answer.is_effect())
        };
        if handles(failure) {
            return Hears::Itself;
        }
        let service = |aggregate: AggregateNo| self.graph.aggregates[aggregate].service;
        let mut near: Vec<&str> = self
            .graph
            .emitters(failure)
            .into_iter()
            .map(service)
            .collect();
        near.push(service(aggregate));
        // Events of one answer come together: who hears one of them has heard of the failure.
        let failing = self.graph.emitting(failure);
        let beside = failing.flat_map(|answer| {
            let fails = answer
                .emits
                .iter()
                .any(|edge| edge.event == failure && edge.failure);
            let together = answer
                .emits
                .iter()
                .filter(move |edge| edge.failure == fails);
            together.map(|edge| edge.event)
        });
        // Near ways are walked to their ends before any way through a third service.
        let mut open: VecDeque<(EventNo, Option<EventNo>)> =
            beside.chain([failure]).map(|event| (event, None)).collect();
        let mut seen = Events::none(self.graph.events.len());
        while let Some((event, by_way_of)) = open.pop_front() {
            if !seen.add(event) {
                continue;
            }
            if handles(event) {
                return by_way_of.map_or(Hears::Itself, Hears::ByWayOf);
            }
            for answer in self.graph.answering(event) {
                let is_near = near.contains(&service(answer.aggregate));
                for edge in &answer.emits {
                    match by_way_of {
                        None if is_near => open.push_front((edge.event, None)),
                        None => open.push_back((edge.event, Some(edge.event))),
                        way => open.push_back((edge.event, way)),
                    }
                }
            }
        }
        Hears::Never
    }

    /// Whether each compensation can run, and whether its trigger may come first.
    pub(super) fn undos(&mut self) {
        for answer in &self.graph.answers {
            let AnswerKind::Compensation { event, undoes } = answer.kind else {
                continue;
            };
            let (name, function) = (self.aggregate(answer.aggregate), &answer.function.name);
            let (trigger, undone) = (self.event(event), self.event(undoes));
            let done = self
                .graph
                .emitting(undoes)
                .any(|answer| !answer.is_compensation());
            let comes = self.followed.reached.has(event);
            if !done || !comes || !self.followed.reached.has(undoes) {
                let missing = if comes { undone } else { trigger };
                let message = format!(
                    "`{function}` of `{name}` undoes `{undone}` on `{trigger}`, and nothing leads to `{missing}`"
                );
                let next = format!("declare what leads to `{missing}`, or delete the compensation");
                self.about(
                    Code::NeverUndone,
                    answer.aggregate,
                    Some(answer.function),
                    message,
                    next,
                );
            } else if !self.followed.leads_to(undoes, event) {
                let message = format!(
                    "`{function}` of `{name}` undoes `{undone}` on `{trigger}`, which does not follow from it: if `{trigger}` comes first, `{undone}` is refused"
                );
                let next = format!("nothing, if a saga ends in which `{undone}` was refused");
                self.about(
                    Code::UndoRaces,
                    answer.aggregate,
                    Some(answer.function),
                    message,
                    next,
                );
            }
        }
    }
}
