//! What is said of it: for people, and for programs.

use std::fmt::Write as _;

use kolo_core::Service;
use serde_json::{Value, json};

use super::super::super::terminal::{count, harmless, key_shown};
use super::future::Future;
use super::{Conflict, Seen};

impl Future<'_> {
    fn name(&self, service: &Service) -> String {
        format!("{}.{}", service.name(), self.description.aggregate)
    }

    pub(super) fn text(&self, service: &Service) -> String {
        let mut text = format!(
            "{}: {} will be decided, with {}\n",
            self.name(service),
            count(usize::try_from(self.inputs).unwrap_or(usize::MAX), "input"),
            count(usize::try_from(self.ahead).unwrap_or(usize::MAX), "event"),
        );
        if self.waiting > 0 {
            let waiting = count(self.waiting, "request");
            let _ = writeln!(
                text,
                "  {waiting} without an answer: what follows from the replies nobody can tell"
            );
        }
        if self.by_replies > 0 {
            let events = count(self.by_replies, "event");
            let _ = writeln!(
                text,
                "  {events} that others have seen can only follow from them: they come back if the ports say again what they said"
            );
        }
        for conflict in &self.conflicts {
            let Conflict {
                topic,
                partition,
                offset,
                ..
            } = conflict;
            let key = key_shown(&conflict.key);
            let _ = writeln!(text, "conflict: {key}, {}", conflict.id);
            let place = format!("{}[{partition}]@{offset}", harmless(topic));
            let _ = match &conflict.seen {
                Seen::Copy(event_type, value) => {
                    writeln!(text, "  seen in {place}: {}", self.event(event_type, value))
                }
                Seen::Cause(event_type) => {
                    let event_type = harmless(event_type);
                    writeln!(text, "  the cause of {event_type} in {place}")
                }
            };
            let _ = match self.events.get(&conflict.id) {
                Some(said) => {
                    writeln!(text, "  now {}", self.event(&said.event_type, &said.value))
                }
                None => writeln!(text, "  now nothing has this id"),
            };
        }
        if !self.conflicts.is_empty() {
            let conflicts = count(self.conflicts.len(), "conflict");
            let _ = writeln!(
                text,
                "  {conflicts}: as soon as the service is started, it says what stands here as now"
            );
        }
        text
    }

    pub(super) fn json(&self, service: &Service) -> Value {
        let conflicts = self.conflicts.iter().map(|conflict| {
            let now = self.events.get(&conflict.id);
            let (seen, cause_of) = match &conflict.seen {
                Seen::Copy(event_type, value) => (Some(self.event(event_type, value)), None),
                Seen::Cause(event_type) => (None, Some(event_type)),
            };
            json!({
                "key": conflict.key,
                "id": conflict.id,
                "topic": conflict.topic,
                "partition": conflict.partition,
                "offset": conflict.offset,
                "seen": seen,
                "cause_of": cause_of,
                "now": now.map(|said| self.event(&said.event_type, &said.value)),
                "key_now": now.map(|said| &said.key),
            })
        });
        json!({
            "aggregate": self.name(service),
            "inputs": self.inputs,
            "events": self.ahead,
            "requests_without_an_answer": self.waiting,
            "seen_and_by_replies": self.by_replies,
            "conflicts": conflicts.collect::<Vec<_>>(),
        })
    }
}
