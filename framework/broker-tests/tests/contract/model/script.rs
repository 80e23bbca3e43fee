//! Scripts: what happens to a log, one operation after the other.

use std::fmt;

use proptest::collection::vec;
use proptest::prelude::*;

use super::record::{Draft, drafts};

pub(crate) const TOPICS: usize = 2;
pub(crate) const PARTITIONS: usize = 2;
/// Two for each topic: they write at the same time.
pub(crate) const PRODUCERS: usize = 4;
pub(crate) const GROUPS: usize = 2;

/// One operation. A record that is sent is known by the number of its operation.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    /// A producer is given a record, and nobody waits for its acknowledgement.
    Send {
        producer: usize,
        partition: usize,
        record: Draft,
    },
    /// A producer is given a record for a partition that its topic does not have.
    SendNowhere { producer: usize, record: Draft },
    /// All that a producer was given is acknowledged.
    Await { producer: usize },
    /// A producer is thrown away with what it has in flight, and another one takes its place.
    Replace { producer: usize },
    /// A process with a producer of its own stops in the midst of sending a record.
    Stall {
        topic: usize,
        partition: usize,
        record: Draft,
    },
    /// That process goes on: its record arrives late, and is acknowledged.
    GoOn,
    /// A partition is read from an offset to its end.
    Read {
        topic: usize,
        partition: usize,
        from: i64,
    },
    /// The first offset of a partition, and the next one.
    Ends { topic: usize, partition: usize },
    /// A topic's id.
    Id { topic: usize },
    /// A topic is deleted, and created again.
    Recreate { topic: usize },
    /// A new member takes the place of a group's only one.
    Join { group: usize },
    /// A member commits: the present one, or the one before it.
    Commit {
        group: usize,
        is_present: bool,
        topic: usize,
        partition: usize,
        next: i64,
        metadata: String,
    },
    /// What a group has committed.
    Committed {
        group: usize,
        topic: usize,
        partition: usize,
    },
}

/// The topic of a producer: it writes to one, as all producers of kolo do.
pub(crate) fn topic_of(producer: usize) -> usize {
    producer % TOPICS
}

fn ops() -> impl Strategy<Value = Op> {
    let producer = || 0..PRODUCERS;
    let partition = || 0..PARTITIONS;
    let topic = || 0..TOPICS;
    let group = || 0..GROUPS;
    let metadata = vec(prop::char::range(' ', '\u{ff}'), 0..30).prop_map(String::from_iter);
    let commit = (
        group(),
        any::<bool>(),
        topic(),
        partition(),
        0..20_i64,
        metadata,
    );
    prop_oneof![
        12 => (producer(), partition(), drafts())
            .prop_map(|(producer, partition, record)| Op::Send { producer, partition, record }),
        1 => (producer(), drafts())
            .prop_map(|(producer, record)| Op::SendNowhere { producer, record }),
        3 => producer().prop_map(|producer| Op::Await { producer }),
        2 => producer().prop_map(|producer| Op::Replace { producer }),
        1 => (topic(), partition(), drafts())
            .prop_map(|(topic, partition, record)| Op::Stall { topic, partition, record }),
        1 => Just(Op::GoOn),
        4 => (topic(), partition(), 0..8_i64)
            .prop_map(|(topic, partition, from)| Op::Read { topic, partition, from }),
        2 => (topic(), partition()).prop_map(|(topic, partition)| Op::Ends { topic, partition }),
        1 => topic().prop_map(|topic| Op::Id { topic }),
        1 => topic().prop_map(|topic| Op::Recreate { topic }),
        1 => group().prop_map(|group| Op::Join { group }),
        2 => commit.prop_map(|(group, is_present, topic, partition, next, metadata)| Op::Commit {
            group, is_present, topic, partition, next, metadata,
        }),
        2 => (group(), topic(), partition())
            .prop_map(|(group, topic, partition)| Op::Committed { group, topic, partition }),
    ]
}

/// What is drawn, and made smaller when it shows a difference.
pub(crate) fn drawn() -> impl Strategy<Value = Vec<Op>> {
    vec(ops(), 1..40)
}

/// What is run: what was drawn, with what must go before or after it. Whatever is left out of a drawing, this is a script.
///
/// Before a topic is deleted, all that its producers sent is acknowledged, all that it holds is read, and its producers are
/// replaced: as kolo throws its clients away where a topic was created again. In the end everything is at rest, and read.
pub(crate) fn settled(drawn: &[Op]) -> Vec<Op> {
    let mut script = Vec::new();
    let mut is_stalled = false;
    let mut members = [0; GROUPS];
    for op in drawn {
        match *op {
            Op::Stall { .. } if !is_stalled => is_stalled = true,
            Op::GoOn if is_stalled => is_stalled = false,
            Op::Stall { .. } | Op::GoOn => continue,
            Op::Recreate { topic } => {
                rest(topic, &mut script);
                let replaced = producers_of(topic).map(|producer| Op::Replace { producer });
                script.extend(replaced);
            }
            Op::Join { group } => members[group] += 1,
            Op::Commit {
                group, is_present, ..
            } => {
                let needed = if is_present { 1 } else { 2 };
                while members[group] < needed {
                    members[group] += 1;
                    script.push(Op::Join { group });
                }
            }
            _ => {}
        }
        script.push(op.clone());
    }
    if is_stalled {
        script.push(Op::GoOn);
    }
    for topic in 0..TOPICS {
        rest(topic, &mut script);
        let places = (0..GROUPS).flat_map(|group| (0..PARTITIONS).map(move |at| (group, at)));
        script.extend(places.map(|(group, partition)| Op::Committed {
            group,
            topic,
            partition,
        }));
    }
    script
}

fn producers_of(topic: usize) -> impl Iterator<Item = usize> {
    (0..PRODUCERS).filter(move |&producer| topic_of(producer) == topic)
}

fn rest(topic: usize, script: &mut Vec<Op>) {
    script.push(Op::Id { topic });
    script.extend(producers_of(topic).map(|producer| Op::Await { producer }));
    for partition in 0..PARTITIONS {
        let from = 0;
        script.push(Op::Ends { topic, partition });
        script.push(Op::Read {
            topic,
            partition,
            from,
        });
    }
}

/// A drawing, one operation a line.
pub(crate) struct Told<'a>(pub(crate) &'a [Op]);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..)
            .zip(self.0)
            .try_for_each(|(at, op)| writeln!(f, "{at:4}  {op:?}"))
    }
}
