//! Records in flight: those for one partition arrive in order, and perhaps late, twice or never.

use std::collections::{BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash};
use std::rc::Rc;

use super::cast::Topic;
use super::log::Log;
use crate::record::{Stored, at};

/// What the client library reports of one record. Those of one partition are reported in the order in which they were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Report {
    /// It stands in the log.
    Acknowledged {
        /// The record, by the order in which this producer was given them: the first is 0.
        number: usize,
        /// Where it stands.
        offset: i64,
    },
    /// Given up, while its successors may have arrived.
    Failed,
}

/// A record on its way.
#[derive(Debug)]
struct InFlight {
    number: usize,
    partition: usize,
    stored: Rc<Stored>,
}

/// One producer with its queue.
#[derive(Debug)]
pub(crate) struct Producer {
    topic: Topic,
    sent: usize,
    queue: VecDeque<InFlight>,
    reports: VecDeque<Report>,
    /// What arrived and may be sent once more.
    last: Option<(usize, Rc<Stored>)>,
}

impl Producer {
    pub(crate) fn new(topic: Topic) -> Self {
        Producer {
            topic,
            sent: 0,
            queue: VecDeque::new(),
            reports: VecDeque::new(),
            last: None,
        }
    }

    /// Takes a record; gives its number, by which it is reported.
    pub(crate) fn send(&mut self, partition: usize, stored: Rc<Stored>) -> usize {
        let number = self.sent;
        self.sent += 1;
        self.queue.push_back(InFlight {
            number,
            partition,
            stored,
        });
        number
    }

    /// How many records it was given: the number of the next one.
    pub(crate) fn sent(&self) -> usize {
        self.sent
    }

    /// The partitions to which records are on their way: those for one overtake those for another.
    pub(crate) fn underway(&self) -> BTreeSet<usize> {
        self.queue.iter().map(|record| record.partition).collect()
    }

    /// How many records are on their way.
    pub(crate) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// How many reports wait to be read.
    pub(crate) fn reported(&self) -> usize {
        self.reports.len()
    }

    /// What is on its way and what is reported; of what it sent, others tell.
    pub(crate) fn digest(&self, hash: &mut DefaultHasher) {
        for record in &self.queue {
            let stored = &record.stored;
            (record.number, record.partition, stored.id, stored.stamp()).hash(hash);
        }
        (self.queue.len(), &self.reports).hash(hash);
        self.last.as_ref().map(|(_, stored)| stored.id).hash(hash);
    }

    pub(crate) fn can_resend(&self) -> bool {
        self.last.is_some()
    }

    /// The next record for a partition arrives; gives where.
    pub(crate) fn land(&mut self, log: &mut Log, partition: usize) -> Option<usize> {
        let mut queue = self.queue.iter();
        let next = queue.position(|record| record.partition == partition)?;
        let InFlight { number, stored, .. } = self.queue.remove(next)?;
        let offset = log.append(self.topic, partition, Rc::clone(&stored));
        self.last = Some((partition, stored));
        self.reports.push_back(Report::Acknowledged {
            number,
            offset: at(offset),
        });
        Some(offset)
    }

    /// Everything that is on its way arrives; false if nothing was.
    pub(crate) fn land_all(&mut self, log: &mut Log) -> bool {
        let any = self.queued() > 0;
        while let Some(partition) = self.queue.front().map(|record| record.partition) {
            self.land(log, partition);
        }
        any
    }

    /// The next record is given up, and its successors are sent.
    pub(crate) fn drop_one(&mut self) {
        if self.queue.pop_front().is_some() {
            self.reports.push_back(Report::Failed);
        }
    }

    /// What arrived last arrives once more, unasked.
    pub(crate) fn resend(&mut self, log: &mut Log) {
        if let Some((partition, stored)) = self.last.take() {
            log.append(self.topic, partition, stored);
        }
    }

    /// The process is gone: what is on its way never arrives.
    pub(crate) fn purge(&mut self) {
        self.queue.clear();
    }

    pub(crate) fn report(&mut self) -> Option<Report> {
        self.reports.pop_front()
    }
}
