//! The simulator's log by itself, so that it can be held against a broker.
//!
//! A [`Model`] is what the owners and routers of a simulation write to, with the same topics, producers and commits, and
//! nobody at work. Somebody outside decides what happens when, above all when a record that is on its way arrives. It
//! tells what a broker may be seen to do: whatever one does, there must be a choice of arrivals with which the model does
//! the same. The tests of `framework/broker-tests` look for that choice.
//!
//! ```
//! use kolo_core::processor::Append;
//! use kolo_core::{EventId, Timestamp};
//! use kolo_testing::simulation::model::{Model, Report};
//!
//! let mut model = Model::new(&["orders".to_owned()], 2);
//! let producer = model.producer(0);
//! let created = Append {
//!     event_type: "shop.OrderCreated",
//!     id: EventId::foreign("1"),
//!     at: Timestamp::from_millis(1_700_000_000_000),
//!     key: b"4711",
//!     value: b"{}",
//!     stamp: b"",
//!     rest: None,
//!     traceparent: None,
//! };
//! let number = model.send(producer, 1, &created)?;
//! assert_eq!(model.end(0, 1), 0, "it is on its way");
//!
//! assert_eq!(model.land(producer, 1), Some(0));
//! assert_eq!(model.report(producer), Some(Report::Acknowledged { number, offset: 0 }));
//! assert_eq!(model.read(0, 1, 0)?[0].key, Some(&b"4711"[..]));
//!
//! model.recreate(0);
//! assert!(model.read(0, 1, 1).is_err(), "the old position is out of range");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::rc::Rc;

use kolo_core::TopicId;
use kolo_core::processor::Append;
use kolo_core::wire::Record;

use super::commits::Commits;
use super::log::Log;
use super::producer::Producer;
use crate::record::{Stored, at};

pub use super::producer::Report;

/// A position with the text that was committed beside it.
pub type Committed = (i64, String);

/// Why the model refuses something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The topic has no such partition; nothing was sent.
    #[error("there is no partition {0}: name one that the topic was created with")]
    Partition(usize),
    /// The offset is neither that of a record nor the next one.
    #[error("offset {from} is out of range: the partition ends at {end}")]
    OutOfRange {
        /// Where to read from.
        from: i64,
        /// The next offset to be given.
        end: i64,
    },
}

/// A producer of a [`Model`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProducerId(usize);

/// A member of a group of a [`Model`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MemberId {
    group: usize,
    number: usize,
}

/// The simulator's topics, producers and commits. Topics and groups are named by their place.
#[derive(Debug)]
pub struct Model {
    log: Log,
    topics: usize,
    partitions: usize,
    producers: Vec<(usize, Producer)>,
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    joined: usize,
    commits: Commits<Option<Committed>>,
}

impl Model {
    /// Empty topics of so many partitions each, and no groups.
    #[must_use]
    pub fn new(topics: &[String], partitions: usize) -> Self {
        Model {
            log: Log::new(topics, partitions, true, true),
            topics: topics.len(),
            partitions,
            producers: Vec::new(),
            groups: Vec::new(),
        }
    }

    /// A new producer for one topic.
    pub fn producer(&mut self, topic: usize) -> ProducerId {
        self.producers.push((topic, Producer::new(topic)));
        ProducerId(self.producers.len() - 1)
    }

    /// Hands a record to a producer; from then on it is on its way. Gives its number, by which it is reported.
    ///
    /// # Errors
    /// When there is no such partition.
    pub fn send(
        &mut self,
        producer: ProducerId,
        partition: usize,
        record: &Append<'_>,
    ) -> Result<usize, Refused> {
        let (topic, producer) = &mut self.producers[producer.0];
        if self.log.partitions(*topic).get(partition).is_none() {
            return Err(Refused::Partition(partition));
        }
        Ok(producer.send(partition, Rc::new(Stored::of(record))))
    }

    /// The next record that is on its way to a partition arrives there; gives its offset, or none if there is none.
    pub fn land(&mut self, producer: ProducerId, partition: usize) -> Option<i64> {
        let (_, producer) = &mut self.producers[producer.0];
        producer.land(&mut self.log, partition).map(at)
    }

    /// What became of the next record that the producer was told of.
    pub fn report(&mut self, producer: ProducerId) -> Option<Report> {
        self.producers[producer.0].1.report()
    }

    /// The next offset of a partition; the first one is always 0.
    #[must_use]
    pub fn end(&self, topic: usize, partition: usize) -> i64 {
        at(self.log.end(topic, partition))
    }

    /// What stands in a partition from an offset on.
    ///
    /// # Errors
    /// When the offset is neither that of a record nor the next one.
    pub fn read(
        &self,
        topic: usize,
        partition: usize,
        from: i64,
    ) -> Result<Vec<Record<'_>>, Refused> {
        let records = self.log.partition(topic, partition);
        let first = usize::try_from(from).ok();
        let first = first.filter(|&first| first <= records.len());
        let Some(first) = first else {
            let end = at(records.len());
            return Err(Refused::OutOfRange { from, end });
        };
        let records = records.iter().enumerate().skip(first);
        Ok(records
            .map(|(offset, stored)| Rc::as_ref(stored).record(offset))
            .collect())
    }

    /// The id of a topic.
    #[must_use]
    pub fn id(&self, topic: usize) -> TopicId {
        self.log.id(topic)
    }

    /// Deletes a topic and creates it again; what groups committed for it goes with it.
    pub fn recreate(&mut self, topic: usize) {
        self.log.recreate(topic);
        for group in &mut self.groups {
            for partition in 0..self.partitions {
                group.commits.forget(topic * self.partitions + partition);
            }
        }
    }

    /// A new group without a member.
    pub fn group(&mut self) -> usize {
        self.groups.push(Group {
            joined: 0,
            commits: Commits::new(self.topics * self.partitions),
        });
        self.groups.len() - 1
    }

    /// A member joins a group; those before it are members no more.
    pub fn join(&mut self, group: usize) -> MemberId {
        let number = self.groups[group].joined;
        self.groups[group].joined += 1;
        MemberId { group, number }
    }

    /// A member commits a position for its group; false if it is a member no more, and nothing was committed.
    pub fn commit(
        &mut self,
        member: MemberId,
        topic: usize,
        partition: usize,
        committed: Committed,
    ) -> bool {
        let group = &mut self.groups[member.group];
        let age = group.joined - 1 - member.number;
        let place = topic * self.partitions + partition;
        group.commits.commit(place, age, Some(committed))
    }

    /// What a group has committed for a partition.
    #[must_use]
    pub fn committed(&self, group: usize, topic: usize, partition: usize) -> Option<&Committed> {
        let place = topic * self.partitions + partition;
        self.groups[group].commits.at(place).as_ref()
    }
}
