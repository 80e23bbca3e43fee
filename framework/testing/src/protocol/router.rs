//! A router: it copies events of the first stream into the inbox of the second one, at least once.

use std::collections::VecDeque;

use kolo_core::stream::{Cursor, StreamReader, Verdict};
use kolo_core::wire::{Source, Stamp};
use kolo_core::{Participant, Path, Position};

use super::domain::{FIRST, INBOX};
use super::log::{Log, Stored};
use super::producer::{Producer, Report};
use super::scenario::Left;

/// How far a router is known to have got: what the next one starts from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Committed {
    pub(super) next: i64,
    cursor: Option<Cursor>,
}

/// One router, alive or not.
#[derive(Debug)]
pub(super) struct Router {
    pub(super) producer: Producer,
    reader: StreamReader,
    next: i64,
    /// Where the router was after each record, and how many copies of it are not acknowledged.
    open: VecDeque<(Committed, usize)>,
    pub(super) alive: bool,
    /// The last copy sent: the next one names it.
    sent: Option<Position>,
    left: Left,
}

impl Router {
    pub(super) fn start(from: Committed, left: Left) -> Self {
        let cursor = if left.router_cursor {
            None
        } else {
            from.cursor
        };
        let producer = Producer::new(INBOX);
        Router {
            producer,
            reader: StreamReader::resume(cursor),
            next: from.next,
            open: VecDeque::new(),
            alive: true,
            sent: None,
            left,
        }
    }

    pub(super) fn can_forward(&self, log: &Log, window: usize) -> bool {
        self.alive && self.next < log.end(FIRST) && self.open.len() < window
    }

    /// Forwards the next record, if it is valid and concerns anybody.
    pub(super) fn forward(&mut self, log: &Log, participant: &dyn Participant) {
        let Some(stored) = log.get(FIRST, self.next) else {
            return;
        };
        self.next += 1;
        let verdict = self.reader.read(stored.offset, &stored.record().headers);
        let is_valid = matches!(verdict, Ok(Verdict::Valid(_))) || self.left.router_validity;
        let mut keys = Vec::new();
        if is_valid
            && let Some(route) = participant.route(stored.event_type, &stored.value, &mut keys)
        {
            debug_assert!(route.is_ok(), "the simulation writes what it can read");
        }
        for (copy, key) in (0..).zip(&keys) {
            let after = self.sent.filter(|_| !self.left.router_chain);
            self.producer.send(copy_of(log, stored, copy, after, key));
            self.sent = Some(Position {
                offset: stored.offset,
                copy,
            });
        }
        self.open.push_back((
            Committed {
                next: self.next,
                cursor: self.reader.cursor(),
            },
            keys.len(),
        ));
    }

    /// The next report of the client library. The router is thrown away whole when one of its copies failed.
    pub(super) fn take_report(&mut self) {
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
    pub(super) fn crash(&mut self) {
        self.alive = false;
        self.producer.purge();
    }

    /// How far this router may commit, if that is further than before.
    pub(super) fn commit(&mut self) -> Option<Committed> {
        let mut last = None;
        while let Some(&(place, copies)) = self.open.front() {
            if copies > 0 && !self.left.router_commits_after_ack {
                break;
            }
            last = Some(place);
            self.open.pop_front();
        }
        last
    }
}

fn copy_of(log: &Log, stored: &Stored, copy: u32, after: Option<Position>, key: &str) -> Stored {
    let origin = stored.read_stamp();
    let stamp = Stamp {
        correlation: origin.and_then(|stamp| stamp.correlation),
        causation: origin.and_then(|stamp| stamp.causation),
        writer: None,
        source: Source::Copy {
            path: Path::Route(1),
            topic: log.topic(FIRST).id,
            partition: 0,
            position: Position {
                offset: stored.offset,
                copy,
            },
            after,
        },
        index: 1,
        count: 1,
    };
    Stored::event(
        stored.id,
        stored.event_type,
        key,
        stored.value.clone(),
        Some(stamp.to_string()),
    )
}
