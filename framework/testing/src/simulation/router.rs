//! A router: it copies one partition of a source into an aggregate's inbox, at least once.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use kolo_core::stream::{Cursor, StreamReader, Verdict};
use kolo_core::wire::{Source, Stamp};
use kolo_core::{Participant, Path, Position, partition_of};

use super::broken::Broken;
use super::cast::Route;
use super::digest::Deeds;
use super::log::Log;
use super::producer::{Producer, Report};
use crate::record::at;

/// How far a router is known to have got: what the next one starts from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Committed {
    pub(crate) next: usize,
    cursor: Option<Cursor>,
}

/// One router, alive or not.
#[derive(Debug)]
pub(crate) struct Router {
    pub(crate) route: Route,
    pub(crate) partition: usize,
    pub(crate) producer: Producer,
    pub(crate) alive: bool,
    reader: StreamReader,
    next: usize,
    /// Where the router was after each record, and how many copies of it are not acknowledged.
    open: VecDeque<(Committed, usize)>,
    /// The last copy sent to each partition: the next one names it.
    sent: BTreeMap<usize, Position>,
    broken: Broken,
    keys: Vec<String>,
    /// What it forwarded, since it started.
    pub(crate) did: Deeds,
}

impl Router {
    pub(crate) fn start(route: Route, partition: usize, from: Committed, broken: Broken) -> Self {
        let cursor = if broken.router_cursor {
            None
        } else {
            from.cursor
        };
        Router {
            route,
            partition,
            producer: Producer::new(route.inbox),
            alive: true,
            reader: StreamReader::resume(cursor),
            next: from.next,
            open: VecDeque::new(),
            sent: BTreeMap::new(),
            broken,
            keys: Vec::new(),
            did: Deeds::default(),
        }
    }

    pub(crate) fn can_forward(&self, log: &Log, window: usize) -> bool {
        self.alive
            && self.next < log.end(self.route.source, self.partition)
            && self.open.len() < window
    }

    /// Forwards the next record, if it is valid and concerns anybody; gives how many copies that were.
    pub(crate) fn forward(
        &mut self,
        log: &Log,
        participant: &dyn Participant,
        partitions: usize,
    ) -> Result<usize, String> {
        let Some(stored) = log
            .partition(self.route.source, self.partition)
            .get(self.next)
        else {
            return Ok(0);
        };
        let offset = at(self.next);
        self.did.note(1, self.next as u64);
        self.next += 1;
        let stamp = match self.reader.read(offset, &stored.headers()) {
            Ok(Verdict::Valid(stamp)) => Some(stamp),
            Ok(Verdict::Unfenced(stamp)) => stamp,
            Ok(Verdict::Void(_)) if self.broken.router_validity => stored.read_stamp(),
            Ok(Verdict::Fence(_) | Verdict::Void(_)) => {
                self.passed(0);
                return Ok(0);
            }
            Err(error) => return Err(error.to_string()),
        };
        self.keys.clear();
        if let Some(Err(failure)) =
            participant.route(stored.event_type, stored.value(), &mut self.keys)
        {
            return Err(format!(
                "the route of {} cannot be told: {failure}",
                stored.event_type
            ));
        }
        for (copy, key) in (0..).zip(&self.keys) {
            let wanted = i32::try_from(partitions).unwrap_or(1);
            let target = usize::try_from(partition_of(key.as_bytes(), wanted)).unwrap_or(0);
            let position = Position { offset, copy };
            let before = self.sent.insert(target, position);
            let stamp = Stamp {
                correlation: stamp.and_then(|stamp| stamp.correlation),
                causation: stamp.and_then(|stamp| stamp.causation),
                writer: None,
                source: Source::Copy {
                    path: Path::CURRENT_ROUTE,
                    topic: log.id(self.route.source),
                    partition: i32::try_from(self.partition).unwrap_or(0),
                    position,
                    after: before.filter(|_| !self.broken.router_chain),
                },
                index: 1,
                count: 1,
            };
            self.producer
                .send(target, Rc::new(stored.copied(key, &stamp)));
        }
        self.passed(self.keys.len());
        Ok(self.keys.len())
    }

    fn passed(&mut self, copies: usize) {
        let place = Committed {
            next: self.next,
            cursor: self.reader.cursor(),
        };
        self.open.push_back((place, copies));
    }

    /// The next report of the client library. The router is thrown away whole when one of its copies failed.
    pub(crate) fn take_report(&mut self) {
        match self.producer.report() {
            Some(Report::Acknowledged(_)) => {
                if let Some((_, copies)) = self.open.iter_mut().find(|(_, copies)| *copies > 0) {
                    *copies -= 1;
                }
            }
            Some(Report::Failed) => self.alive = false,
            None => {}
        }
    }

    /// Dies, and what it has in flight never arrives.
    pub(crate) fn crash(&mut self) {
        self.alive = false;
        self.producer.purge();
    }

    /// Where it was after each record that is not committed, and how many copies are not acknowledged.
    pub(crate) fn open(&self) -> &VecDeque<(Committed, usize)> {
        &self.open
    }

    /// Whether there is something that it may commit.
    pub(crate) fn can_commit(&self) -> bool {
        self.alive
            && self
                .open
                .front()
                .is_some_and(|(_, copies)| *copies == 0 || self.broken.router_commits_after_ack)
    }

    /// How far this router may commit, if that is further than before.
    pub(crate) fn commit(&mut self) -> Option<Committed> {
        let mut last = None;
        while self.can_commit() {
            last = self.open.pop_front().map(|(place, _)| place);
        }
        last
    }
}
