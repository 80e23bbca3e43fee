//! Which record stands where, as far as anybody saw.

use std::collections::HashMap;

use kolo_core::EventId;

use super::record::id;
use super::script::{Op, TOPICS, topic_of};
use super::seen::Seen;

/// One partition of a topic, which may have been created again a number of times.
pub(crate) type Part = (usize, usize, usize);

/// Which record stands where, by what was seen first.
pub(crate) fn arrivals(script: &[Op], seen: &[Seen]) -> HashMap<(Part, i64), usize> {
    let ids: HashMap<EventId, usize> = (0..script.len()).map(|at| (id(at), at)).collect();
    let mut created = [0; TOPICS];
    let mut known = HashMap::new();
    for (op, seen) in script.iter().zip(seen) {
        match (op, seen) {
            (&Op::Recreate { topic }, _) => created[topic] += 1,
            (_, Seen::Reports(reports)) => {
                for (number, outcome) in reports {
                    if let (Some((topic, partition)), Ok(offset)) =
                        (target(&script[*number]), outcome)
                    {
                        let part = (topic, created[topic], partition);
                        known.entry((part, *offset)).or_insert(*number);
                    }
                }
            }
            (
                &Op::Read {
                    topic, partition, ..
                },
                Seen::Records(records),
            ) => {
                for record in records {
                    if let Some(number) = record.id().and_then(|id| ids.get(&id)) {
                        let part = (topic, created[topic], partition);
                        known.entry((part, record.offset)).or_insert(*number);
                    }
                }
            }
            _ => {}
        }
    }
    known
}

/// Where an operation sends a record.
fn target(op: &Op) -> Option<(usize, usize)> {
    match *op {
        Op::Send {
            producer,
            partition,
            ..
        } => Some((topic_of(producer), partition)),
        Op::Stall {
            topic, partition, ..
        } => Some((topic, partition)),
        _ => None,
    }
}
