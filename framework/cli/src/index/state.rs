//! How far a partition was read, and what was learnt besides its sagas' records: what goes on where it ended.

use std::collections::HashMap;

use kolo_core::TopicId;
use kolo_core::wire::{ParkedQueues, Queued};
use serde::{Deserialize, Serialize};

use crate::evidence::part::Part;
use crate::evidence::plan::Topic;
use crate::evidence::progress::Progress;
use crate::evidence::versions::Versions;
use crate::judge::Judge;

/// What is kept of a partition, but for what is parked there.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct State {
    /// The first offset of which anything may be held.
    pub(super) first: i64,
    /// The next offset to read.
    pub(super) next: i64,
    judge: Judge,
    records: u64,
    unknown: u64,
    progress: Progress,
    routed: HashMap<(TopicId, i32), i64>,
    unread_with: Option<Versions>,
}

impl State {
    pub(super) fn of(part: &Part<'_>, next: i64) -> Self {
        State {
            first: part.held_from,
            next,
            judge: part.judge.clone(),
            records: part.records,
            unknown: part.unknown,
            progress: part.progress.clone(),
            routed: part.routed.clone(),
            unread_with: part.unread_with.clone(),
        }
    }

    /// The partition as it was, without what is parked; it begins and ends there now.
    pub(super) fn part(self, topic: &Topic, number: i32, ends: (i64, i64)) -> Part<'_> {
        let mut part = Part::new(topic, number, ends, true);
        part.held_from = self.first;
        part.judge = self.judge;
        part.records = self.records;
        part.unknown = self.unknown;
        part.progress = self.progress;
        part.routed = self.routed;
        part.unread_with = self.unread_with;
        part
    }
}

/// A key's queue as it was.
pub(super) fn park(into: &mut ParkedQueues, key: &str, queue: Vec<Queued>) {
    for queued in queue {
        let Queued {
            parked,
            since,
            tried,
        } = queued;
        let again = (tried != since).then(|| parked.clone());
        into.park(key, parked, since);
        if let Some(parked) = again {
            into.park(key, parked, tried);
        }
    }
}

#[cfg(test)]
mod tests {
    use kolo_core::wire::{Failure, FailureClass, Parked, ParkedKind};
    use kolo_core::{EventId, Timestamp};

    use super::*;

    #[test]
    fn a_queue_is_the_same_again() {
        let parked = |id: &str, attempts| Parked {
            kind: ParkedKind::Input,
            id: EventId::foreign(id),
            event_type: None,
            place: None,
            at: Timestamp::from_millis(1),
            value: None,
            too_large: false,
            headers: Vec::new(),
            failure: Failure {
                class: FailureClass::Decode,
                function: None,
                message: format!("try {attempts}"),
            },
            attempts,
        };
        let mut queues = ParkedQueues::without_bytes();
        queues.park("k", parked("a", 1), Timestamp::from_millis(2));
        queues.park("k", parked("b", 1), Timestamp::from_millis(3));
        queues.park("k", parked("a", 2), Timestamp::from_millis(4));
        let kept: Vec<Queued> = queues.of("k").cloned().collect();
        let mut again = ParkedQueues::without_bytes();
        park(&mut again, "k", kept.clone());
        assert_eq!(again.of("k").cloned().collect::<Vec<_>>(), kept);
        assert_eq!(kept[0].parked.attempts, 2);
    }
}
