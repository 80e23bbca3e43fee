//! Whether each event has somebody who emits it, and somebody who answers it.

use super::Checks;
use crate::choreography::codes::Code;
use crate::choreography::graph::{Answer, EventNo};
use crate::event::Mark;

impl Checks<'_, '_> {
    pub(super) fn events(&mut self) {
        for event in 0..self.graph.events.len() {
            let node = &self.graph.events[event];
            match (node.emitted_by.is_empty(), node.answered_by.is_empty()) {
                (true, _) if node.mark() != Mark::Intake => self.never_emitted(event),
                (true, true) => self.unheard_from_outside(event),
                (false, _) => self.unheard(event),
                (true, false) => {}
            }
        }
    }

    fn never_emitted(&mut self, event: EventNo) {
        let node = &self.graph.events[event];
        let name = node.short();
        let consumers: Vec<&Answer<'_>> = self.graph.answering(event).collect();
        for answer in consumers.iter().filter(|answer| !answer.is_effect()) {
            let message = format!(
                "`{}` answers `{name}`, which no service emits",
                self.aggregate(answer.aggregate)
            );
            let next = format!(
                "add the service that emits `{name}`, or mark its schema `\"intake\": true` if it comes from outside"
            );
            self.about(
                Code::NeverProduced,
                answer.aggregate,
                Some(answer.function),
                message,
                next,
            );
        }
        if let Some(&owner) = node.owners.first() {
            let message = format!(
                "`{name}` is an event of the stream of `{}`, and none of its answers emits it",
                self.aggregate(owner)
            );
            let next = format!("emit `{name}`, or take its schema out of the stream");
            self.about(Code::NeverEmitted, owner, None, message, next);
        } else if consumers.is_empty() {
            let message =
                format!("`{name}` is in the language, and no service emits or answers it");
            let next =
                "use it, delete its schema, or mark it `\"intake\": true` if it comes from outside"
                    .to_owned();
            self.about_all(Code::NeverEmitted, message, next);
        }
    }

    fn unheard_from_outside(&mut self, event: EventNo) {
        let name = self.event(event);
        let message = format!("`{name}` comes from outside, and no service answers it");
        let next = format!("react to `{name}`, or delete its schema");
        self.about_all(Code::NeverConsumed, message, next);
    }

    fn unheard(&mut self, event: EventNo) {
        let node = &self.graph.events[event];
        let (name, mark) = (node.short(), node.mark());
        let Some(emitting) = self.graph.emitting(event).next() else {
            return;
        };
        let aggregate = emitting.aggregate;
        let heard = !node.answered_by.is_empty();
        if heard || mark != Mark::Step {
            return;
        }
        if self.followed.failures.has(event) {
            let message = format!(
                "`{}` fails with `{name}`, and nobody answers it",
                self.aggregate(aggregate)
            );
            let next = format!(
                "react to `{name}` or undo on it, or mark its schema `\"outcome\": \"failure\"` if it ends the saga"
            );
            self.about(
                Code::FailureUnhandled,
                aggregate,
                Some(emitting.function),
                message,
                next,
            );
        } else if node.is_public() {
            let message = format!(
                "`{}` emits `{name}` for others, and no service answers it",
                self.aggregate(aggregate)
            );
            let next = format!(
                "react to `{name}`, mark its schema `\"terminal\": true` if it is for people and reports, or `\"public\": false` if it is for nobody"
            );
            self.about(
                Code::NeverConsumed,
                aggregate,
                Some(emitting.function),
                message,
                next,
            );
        }
    }
}
