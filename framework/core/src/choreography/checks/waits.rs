//! Whether what waits is let go some day.

use super::Checks;
use crate::choreography::codes::Code;
use crate::choreography::graph::{AggregateNo, Answer, EventNo};

impl<'a> Checks<'_, 'a> {
    /// An aggregate waits where it has gone a step ahead on one event and reacts to a later one, which another aggregate
    /// emits. Something that a deadline leads to must let it go.
    pub(super) fn waits(&mut self) {
        for aggregate in 0..self.graph.aggregates.len() {
            let awaited = self.awaited(aggregate);
            let Some((_, first)) = awaited.first() else {
                continue;
            };
            let mut answers = self.graph.answers_of(aggregate);
            let let_go = |answer: &Answer<'_>| match answer.trigger() {
                None => true,
                Some(trigger) => !answer.is_effect() && self.followed.after_deadlines.has(trigger),
            };
            if answers.any(let_go) {
                continue;
            }
            let name = self.aggregate(aggregate);
            let sources = awaited
                .iter()
                .flat_map(|&(event, _)| self.graph.emitters(event));
            let mut sources: Vec<String> = sources
                .map(|from| format!("`{}`", self.aggregate(from)))
                .collect();
            sources.sort();
            sources.dedup();
            let message = format!(
                "`{name}` waits for {} of {}, and no deadline ends the wait",
                self.list(awaited.iter().map(|&(event, _)| event)),
                super::and(&sources)
            );
            let place = first.function;
            let next = "declare `.deadline(due, reaction)`, or undo on what follows from another aggregate's deadline".to_owned();
            self.about(Code::WaitsForEver, aggregate, Some(place), message, next);
        }
    }

    fn awaited(&self, aggregate: AggregateNo) -> Vec<(EventNo, &'_ Answer<'a>)> {
        let steps = self.followed.steps(aggregate);
        let opened: Vec<EventNo> = steps
            .iter()
            .filter_map(|(_, answer)| answer.trigger())
            .collect();
        let waits = |event: EventNo| {
            let node = &self.graph.events[event];
            let mut emitting = self.graph.emitting(event);
            let comes_back = emitting.any(|answer| answer.aggregate != aggregate);
            let later = opened
                .iter()
                .any(|&first| first != event && self.followed.leads_to(first, event));
            node.is_in_saga() && comes_back && later && !self.followed.is_undoing(event)
        };
        let reactions = self
            .graph
            .answers_of(aggregate)
            .filter(|answer| answer.is_reaction());
        let triggers = reactions.filter_map(|answer| Some((answer.trigger()?, answer)));
        triggers.filter(|&(event, _)| waits(event)).collect()
    }
}
