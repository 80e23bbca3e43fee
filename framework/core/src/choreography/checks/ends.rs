//! Whether sagas end: outcomes that are reached, no refusal behind the pivot, no cycle without an end.

use super::Checks;
use crate::choreography::codes::Code;
use crate::choreography::follow::Events;
use crate::choreography::graph::{Answer, AnswerKind, EventNo};
use crate::event::Mark;

impl Checks<'_, '_> {
    pub(super) fn ends(&mut self) {
        for (number, event) in self.graph.events.iter().enumerate() {
            let ends = matches!(event.mark(), Mark::Success | Mark::Failure);
            if !ends || (self.followed.reached.has(number) && !event.emitted_by.is_empty()) {
                continue;
            }
            let name = event.short();
            let message = format!("no event from outside leads to `{name}`, which ends a saga");
            let next = format!(
                "declare the reactions that lead to `{name}`, and mark the schema of what begins them `\"intake\": true`"
            );
            let place = self
                .graph
                .emitting(number)
                .next()
                .map(|answer| answer.function);
            match event.owners.first() {
                Some(&owner) => self.about(Code::UnreachableOutcome, owner, place, message, next),
                None => self.about_all(Code::UnreachableOutcome, message, next),
            }
        }
        self.behind_pivots();
    }

    fn behind_pivots(&mut self) {
        for pivot in &self.graph.answers {
            if !matches!(pivot.kind, AnswerKind::Reaction { pivot: true, .. }) {
                continue;
            }
            let mut seen = Events::none(self.graph.events.len());
            let passed = pivot
                .emits
                .iter()
                .filter(|edge| !edge.failure)
                .map(|edge| edge.event);
            let mut open: Vec<EventNo> = passed.collect();
            while let Some(event) = open.pop() {
                if !seen.add(event) {
                    continue;
                }
                for answer in self.graph.answering(event) {
                    if !answer.is_compensation() {
                        self.refuses(pivot, event, answer);
                        open.extend(answer.emits.iter().map(|edge| edge.event));
                    }
                }
            }
        }
    }

    fn refuses(&mut self, pivot: &Answer<'_>, event: EventNo, answer: &Answer<'_>) {
        let Some(failure) = answer.emits.iter().find(|edge| edge.failure) else {
            return;
        };
        let message = format!(
            "`{}` answers `{}`, behind the pivot `{}` of `{}`, and may refuse with `{}`",
            self.aggregate(answer.aggregate),
            self.event(event),
            pivot.function.name,
            self.aggregate(pivot.aggregate),
            self.event(failure.event)
        );
        let next = "let it refuse before the pivot, or answer with what must succeed in the end"
            .to_owned();
        self.about(
            Code::RefusesAfterPivot,
            answer.aggregate,
            Some(answer.function),
            message,
            next,
        );
    }

    /// Cycles of which no answer may be left out.
    pub(super) fn cycles(&mut self) {
        let next: Vec<Vec<(EventNo, usize)>> = self
            .graph
            .events
            .iter()
            .map(|event| {
                let answered = event.answered_by.iter().flat_map(|&answer| {
                    let emits = self.graph.answers[answer].emits.iter();
                    emits
                        .filter(|edge| !edge.optional)
                        .map(move |edge| (edge.event, answer))
                });
                answered.collect()
            })
            .collect();
        let mut told = Events::none(self.graph.events.len());
        for start in 0..self.graph.events.len() {
            if told.has(start) {
                continue;
            }
            let Some(cycle) = way_back(start, &next) else {
                continue;
            };
            cycle.iter().for_each(|&(event, _)| {
                told.add(event);
            });
            let names: Vec<&str> = cycle.iter().map(|&(event, _)| self.event(event)).collect();
            let message = format!(
                "`{}` leads to itself, and no answer on the way may stop it: {} -> {}",
                names[0],
                names.join(" -> "),
                names[0]
            );
            let answer = &self.graph.answers[cycle[0].1];
            let next = format!(
                "let one of the answers, such as `{}`, return `Option`, and nothing once it has answered",
                answer.function.name
            );
            self.about(
                Code::EndlessCycle,
                answer.aggregate,
                Some(answer.function),
                message,
                next,
            );
        }
    }
}

/// The shortest way from an event to itself: each event with the answer that leads on.
fn way_back(start: EventNo, next: &[Vec<(EventNo, usize)>]) -> Option<Vec<(EventNo, usize)>> {
    let mut from: Vec<Option<(EventNo, usize)>> = vec![None; next.len()];
    let mut open = std::collections::VecDeque::from([start]);
    while let Some(event) = open.pop_front() {
        for &(later, answer) in &next[event] {
            if from[later].is_none() {
                from[later] = Some((event, answer));
                open.push_back(later);
            }
        }
    }
    let mut way = Vec::new();
    let mut at = from[start]?;
    way.push(at);
    while at.0 != start {
        at = from[at.0]?;
        way.push(at);
    }
    way.reverse();
    Some(way)
}
