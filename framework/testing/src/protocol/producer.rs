//! Records in flight: they arrive in order, and perhaps late, twice or never.

use std::collections::VecDeque;

use super::log::{Log, Stored};

/// What the client library reports of one record, in the order in which they were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Report {
    Acknowledged(i64),
    /// Given up, while its successors may have arrived.
    Failed,
}

/// One producer with its queue.
#[derive(Debug)]
pub(super) struct Producer {
    topic: &'static str,
    queue: VecDeque<Stored>,
    reports: VecDeque<Report>,
    /// What arrived and may be sent once more.
    last: Option<Stored>,
}

impl Producer {
    pub(super) fn new(topic: &'static str) -> Self {
        Producer {
            topic,
            queue: VecDeque::new(),
            reports: VecDeque::new(),
            last: None,
        }
    }

    pub(super) fn send(&mut self, stored: Stored) {
        self.queue.push_back(stored);
    }

    /// How many records are on their way.
    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// How many reports wait to be read.
    pub(super) fn reported(&self) -> usize {
        self.reports.len()
    }

    pub(super) fn can_resend(&self) -> bool {
        self.last.is_some()
    }

    /// The next record arrives.
    pub(super) fn land(&mut self, log: &mut Log) {
        let Some(stored) = self.queue.pop_front() else {
            return;
        };
        let at = log.append(self.topic, stored.clone());
        self.last = Some(stored);
        self.reports.push_back(Report::Acknowledged(at));
    }

    /// The next record is given up, and its successors are sent.
    pub(super) fn drop_one(&mut self) {
        if self.queue.pop_front().is_some() {
            self.reports.push_back(Report::Failed);
        }
    }

    /// What arrived last arrives once more, unasked.
    pub(super) fn resend(&mut self, log: &mut Log) {
        if let Some(stored) = self.last.take() {
            log.append(self.topic, stored);
        }
    }

    /// The process is gone: what is on its way never arrives.
    pub(super) fn purge(&mut self) {
        self.queue.clear();
    }

    pub(super) fn report(&mut self) -> Option<Report> {
        self.reports.pop_front()
    }
}
