//! A router: it copies one partition of a source into an aggregate's inbox, at least once.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::rc::Rc;

use kolo_core::stream::{Cursor, StreamReader, Verdict};
use kolo_core::wire::{Source, Stamp};
use kolo_core::{Participant, Path, Position, TopicId};

use super::broken::Broken;
use super::cast::{Cast, Route};
use super::digest::Deeds;
use super::log::Log;
use super::producer::{Producer, Report};
use crate::record::at;

/// How far a router is known to have got: what the next one starts from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Committed {
    /// Of which topic: one that is created anew under its name is read from its beginning.
    topic: Option<TopicId>,
    next: usize,
    cursor: Option<Cursor>,
}

/// A record that was looked at.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Open {
    /// Where the router was after it.
    place: Committed,
    /// The numbers of its copies.
    copies: Range<usize>,
    /// How many of them are not acknowledged.
    waiting: usize,
}

/// One router, alive or not.
#[derive(Debug)]
pub(crate) struct Router {
    pub(crate) route: Route,
    pub(crate) partition: usize,
    pub(crate) producer: Producer,
    pub(crate) alive: bool,
    /// The source as it was when the router started.
    pub(crate) source: TopicId,
    reader: StreamReader,
    next: usize,
    /// What is known of each record that was looked at since the last commit.
    open: VecDeque<Open>,
    /// The last copy sent to each partition: the next one names it.
    sent: BTreeMap<usize, Position>,
    broken: Broken,
    keys: Vec<String>,
    /// What it forwarded, since it started.
    pub(crate) did: Deeds,
}

impl Router {
    pub(crate) fn start(
        route: Route,
        partition: usize,
        source: TopicId,
        committed: Committed,
        broken: Broken,
    ) -> Self {
        let from = if committed.topic == Some(source) {
            committed
        } else {
            Committed::default()
        };
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
            source,
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
        let is_another = log.id(self.route.source) != self.source;
        self.alive
            && (is_another || self.next < log.end(self.route.source, self.partition))
            && self.open.len() < window
    }

    /// Forwards the next record, if it is valid and concerns anybody; gives how many copies that were.
    pub(crate) fn forward(
        &mut self,
        log: &Log,
        participant: &dyn Participant,
        cast: &Cast,
    ) -> Result<usize, String> {
        if log.id(self.route.source) != self.source {
            self.alive = false;
            return Ok(0);
        }
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
            let target = cast.partition_of(key);
            let position = Position { offset, copy };
            let before = self.sent.insert(target, position);
            let stamp = Stamp {
                correlation: stamp.and_then(|stamp| stamp.correlation),
                causation: stamp.and_then(|stamp| stamp.causation),
                writer: None,
                source: Source::Copy {
                    path: Path::CURRENT_ROUTE,
                    topic: self.source,
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
            topic: Some(self.source),
            next: self.next,
            cursor: self.reader.cursor(),
        };
        let end = self.producer.sent();
        self.open.push_back(Open {
            place,
            copies: end - copies..end,
            waiting: copies,
        });
    }

    /// The next report of the client library. The router is thrown away whole when one of its copies failed.
    pub(crate) fn take_report(&mut self) {
        match self.producer.report() {
            Some(Report::Acknowledged { number, .. }) => {
                // Copies for different partitions are acknowledged in any order.
                let of = self.open.partition_point(|open| open.copies.end <= number);
                let open = self.open.get_mut(of);
                if let Some(open) = open.filter(|open| open.copies.contains(&number)) {
                    open.waiting -= 1;
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

    /// The records that are not committed.
    pub(crate) fn open(&self) -> &VecDeque<Open> {
        &self.open
    }

    /// Whether there is something that it may commit.
    pub(crate) fn can_commit(&self) -> bool {
        self.alive
            && self
                .open
                .front()
                .is_some_and(|open| open.waiting == 0 || self.broken.router_commits_after_ack)
    }

    /// How far this router may commit, if that is further than before.
    pub(crate) fn commit(&mut self) -> Option<Committed> {
        let mut last = None;
        while self.can_commit() {
            last = self.open.pop_front().map(|open| open.place);
        }
        last
    }
}
