//! The list for programs: one object, whose shape stands in docs/explain.md.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::List;
use super::causes::{Group, groups};
use super::row::Row;
use crate::evidence::Cause;
use crate::tail::time;

impl List {
    pub(super) fn json(&self) -> Value {
        let counts = self.counts.iter();
        let counts: BTreeMap<&str, usize> = counts
            .map(|(status, &count)| (status.word(), count))
            .collect();
        json!({
            "sagas": self.rows[..self.lines].iter().map(row).collect::<Vec<_>>(),
            "matching": self.rows.len(),
            "counts": counts,
            "causes": groups(&self.rows).iter().map(cause).collect::<Vec<_>>(),
            "read": self.scanned.json(),
        })
    }
}

fn row(row: &Row) -> Value {
    let waits = row.waits.as_ref();
    json!({
        "name": row.name,
        "saga": row.saga,
        "status": row.status.word(),
        "began": time(Some(row.begun.as_millis())),
        "since": time(Some(row.since.as_millis())),
        "cause": waits.map(|waits| waits.cause.word()),
        "by": waits.map(|waits| &waits.by),
        "event": waits.map(|waits| &waits.event),
        "waits_for": row.by,
        "text": row.text,
        "next": row.next,
    })
}

fn cause(group: &Group<'_>) -> Value {
    json!({
        "cause": group.cause.map(Cause::word),
        "by": group.cause.map(|_| &group.by),
        "sagas": group.sagas,
        "oldest": time(Some(group.oldest.as_millis())),
        "text": group.text(),
        "next": group.next(),
        "example": group.example.name,
    })
}
