//! How far everybody is, for programs: one object, whose shape stands in docs/explain.md.

use serde_json::{Value, json};

use super::waiting::Behind;
use super::{AggregateLag, Lags};
use crate::tail::time;

impl Lags {
    pub(super) fn json(&self) -> Value {
        let aggregates: Vec<Value> = self.aggregates.iter().map(|one| self.of(one)).collect();
        json!({ "aggregates": aggregates })
    }

    fn of(&self, one: &AggregateLag) -> Value {
        let oldest = one.oldest();
        json!({
            "aggregate": one.name,
            "members": one.members,
            "behind": one.records(),
            "oldest": oldest.map(|at| time(Some(at.as_millis()))),
            "seconds": oldest.map(|at| self.now.since(at).as_secs_f64()),
            "parked_keys": one.parked,
            "inputs": one.inputs.iter().map(|input| self.one_input(input)).collect::<Vec<_>>(),
        })
    }

    fn one_input(&self, input: &Behind) -> Value {
        json!({
            "topic": input.topic,
            "partition": input.partition,
            "routed": input.routed,
            "next": input.next,
            "told_by": input.told_by.word(),
            "end": input.end,
            "behind": input.records,
            "oldest": input.oldest.map(|at| time(Some(at.as_millis()))),
            "seconds": input.oldest.map(|at| self.now.since(at).as_secs_f64()),
        })
    }
}
