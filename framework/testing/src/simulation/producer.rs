//! Records in flight: they arrive in order, and perhaps late, twice or never.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash};
use std::rc::Rc;

use super::cast::Topic;
use super::log::Log;
use crate::record::{Stored, at};

/// What the client library reports of one record, in the order in which they were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Report {
    Acknowledged(i64),
    /// Given up, while its successors may have arrived.
    Failed,
}

/// One producer with its queue.
#[derive(Debug)]
pub(crate) struct Producer {
    topic: Topic,
    queue: VecDeque<(usize, Rc<Stored>)>,
    reports: VecDeque<Report>,
    /// What arrived and may be sent once more.
    last: Option<(usize, Rc<Stored>)>,
}

impl Producer {
    pub(crate) fn new(topic: Topic) -> Self {
        Producer {
            topic,
            queue: VecDeque::new(),
            reports: VecDeque::new(),
            last: None,
        }
    }

    pub(crate) fn send(&mut self, partition: usize, stored: Rc<Stored>) {
        self.queue.push_back((partition, stored));
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
        for (partition, stored) in &self.queue {
            (partition, stored.id, stored.stamp()).hash(hash);
        }
        (self.queue.len(), &self.reports).hash(hash);
        self.last.as_ref().map(|(_, stored)| stored.id).hash(hash);
    }

    pub(crate) fn can_resend(&self) -> bool {
        self.last.is_some()
    }

    /// The next record arrives; gives what and where.
    pub(crate) fn land(&mut self, log: &mut Log) -> Option<usize> {
        let (partition, stored) = self.queue.pop_front()?;
        let offset = log.append(self.topic, partition, Rc::clone(&stored));
        self.last = Some((partition, stored));
        self.reports.push_back(Report::Acknowledged(at(offset)));
        Some(offset)
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
