//! A saga for programs: one object, whose shape stands in docs/explain.md.

use serde_json::{Value, json};

use super::Answer;
use crate::evidence::{Wait, Why, waits_for};
use crate::tail::time;

impl Answer<'_> {
    pub(super) fn json(&self) -> Value {
        let tree = self.saga.tree();
        let events = tree.iter().map(|branch| {
            let record = branch.record;
            json!({
                "event": record.event,
                "id": record.id,
                "causation": record.causation,
                "by": record.by,
                "key": record.key,
                "depth": branch.depth,
                "timestamp": time(Some(record.at.as_millis())),
                "after_ms": branch.after.map(|after| after.as_millis()),
                "deadline": record.of_deadline,
                "undoes": self.saga.undone(record, self.manifests).map(|step| step.id),
                "topic": record.topic,
                "partition": record.partition,
                "offset": record.offset,
            })
        });
        let deadlines = self.deadlines.iter().map(|deadline| {
            json!({"by": deadline.by, "key": deadline.key, "function": deadline.function, "emits": deadline.emits})
        });
        json!({
            "saga": self.correlation,
            "status": self.status.word(),
            "verdict": self.sentence(),
            "next": self.next().into_iter().map(|(command, _)| command).collect::<Vec<_>>(),
            "waits": self.waits.iter().map(|wait| self.wait(wait)).collect::<Vec<_>>(),
            "deadlines": deadlines.collect::<Vec<_>>(),
            "events": events.collect::<Vec<_>>(),
            "read": self.scanned.json(),
        })
    }

    fn wait(&self, wait: &Wait<'_>) -> Value {
        let mut object = json!({
            "by": wait.by,
            "event": wait.event.event,
            "id": wait.event.id,
            "since": time(Some(wait.event.at.as_millis())),
            "text": waits_for(wait, self.now),
            "members": wait.members,
            "stuck": wait.is_stuck(),
            "cause": wait.cause().word(),
        });
        let (why, more) = match &wait.why {
            Why::Parked { key, queued, first } => (
                "parked",
                json!({
                    "key": key,
                    "class": queued.parked.failure.class.name(),
                    "message": queued.parked.failure.message,
                    "attempts": queued.parked.attempts,
                    "parked_since": time(Some(queued.since.as_millis())),
                    "first": first.parked.id,
                }),
            ),
            Why::Unread {
                topic,
                partition,
                behind,
            } => (
                "unread",
                json!({"topic": topic, "partition": partition, "behind": behind}),
            ),
            Why::Unrouted { inbox } => ("unrouted", json!({"inbox": inbox})),
            Why::Called { note, breaker } => (
                "called",
                json!({
                    "attempts": note.map(|note| note.attempts),
                    "problem": note.map(|note| &note.problem).or(breaker.map(|note| &note.problem)),
                    "next_call": note.and_then(|note| note.next).map(|next| time(Some(next.as_millis()))),
                    "open_until": breaker
                        .and_then(|note| note.open_until)
                        .map(|until| time(Some(until.as_millis()))),
                    "pending": breaker.map(|note| note.pending),
                }),
            ),
        };
        object["why"] = json!(why);
        object[why] = more;
        object
    }
}
