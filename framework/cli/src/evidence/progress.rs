//! How far an aggregate has decided its inputs, read off its own stream: the position that an answer names, and markers.
//!
//! What was decided with nothing leaves no record but a position, and that only with the next answer or marker.

use std::collections::HashMap;

use kolo_core::wire::{Marker, Source};
use kolo_core::{Origin, Path, Position, TopicId};
use serde::{Deserialize, Serialize};

use crate::judge::Judge;

/// What one partition of a stream says about its inputs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// The next offset of each input, in the partition of the stream's own number.
    next: HashMap<TopicId, i64>,
    /// The last decided copy of each source's partition.
    copies: HashMap<(TopicId, i32), Position>,
}

impl Progress {
    /// Takes up what a valid record answers.
    pub(crate) fn answered(&mut self, source: &Source, judge: &Judge) {
        if let Source::Input {
            origin,
            partition,
            position,
        } = source
            && let Some(origin) = judge.origin(*origin)
        {
            self.decided(origin, *partition, *position);
        }
    }

    /// Takes up a marker; what is no marker says nothing.
    pub(crate) fn marked(&mut self, value: Option<&[u8]>, judge: &Judge) {
        let marker = value.and_then(|value| serde_json::from_slice(value).ok());
        let Some(Marker {
            reads,
            decided,
            others,
        }) = marker
        else {
            return;
        };
        for read in reads {
            self.read(read.topic, read.next);
        }
        for (number, partition, position) in decided {
            if let Some(origin) = judge.origin(number) {
                self.decided(origin, partition, position);
            }
        }
        for (origin, partition, position) in others {
            self.decided(&origin, partition, position);
        }
    }

    fn decided(&mut self, origin: &Origin, partition: i32, position: Position) {
        match origin.path {
            Path::Direct => self.read(origin.id, position.offset + 1),
            Path::Route(_) => {
                let last = self
                    .copies
                    .entry((origin.id, partition))
                    .or_insert(position);
                *last = (*last).max(position);
            }
        }
    }

    fn read(&mut self, topic: TopicId, next: i64) {
        let known = self.next.entry(topic).or_insert(next);
        *known = (*known).max(next);
    }

    /// The next offset of an input; none where the stream does not say.
    pub(crate) fn next(&self, topic: TopicId) -> Option<i64> {
        self.next.get(&topic).copied()
    }

    /// Whether a copy of what stands there was decided.
    pub(crate) fn has_decided(&self, source: TopicId, partition: i32, position: Position) -> bool {
        let last = self.copies.get(&(source, partition));
        last.is_some_and(|last| *last >= position)
    }
}

#[cfg(test)]
mod tests {
    use kolo_core::EventId;
    use kolo_core::wire::{FENCE, Fence, Headers, Read, Stamp, Writer};

    use super::*;

    fn id(name: &str) -> TopicId {
        TopicId(EventId::foreign(name).0)
    }

    fn origin(path: Path, topic: &str) -> Origin {
        Origin {
            path,
            id: id(topic),
            topic: topic.into(),
        }
    }

    /// A judge that has read a fence with these origins.
    fn judge(origins: Vec<Origin>) -> Judge {
        let fence = Fence {
            service: "shop".into(),
            aggregate: "order".into(),
            partitions: 1,
            version: 1,
            origins,
        };
        let writer = Writer {
            epoch: None,
            nonce: 7,
            number: 0,
        };
        let stamp = Stamp::own(writer).to_string();
        let headers = Headers {
            stamp: Some(&stamp),
            event_type: Some(FENCE),
            ..Headers::default()
        };
        let mut judge = Judge::new(true);
        judge.read(0, &headers, Some(&serde_json::to_vec(&fence).unwrap()));
        judge
    }

    #[test]
    fn answers_and_markers_move_positions_forward_only() {
        let routed = origin(Path::CURRENT_ROUTE, "source");
        let judge = judge(vec![origin(Path::Direct, "orders"), routed]);
        let mut progress = Progress::default();
        let answer = |origin, offset, copy| Source::Input {
            origin,
            partition: 0,
            position: Position { offset, copy },
        };
        assert_eq!(progress.next(id("orders")), None, "nothing is told");
        progress.answered(&answer(0, 41, 0), &judge);
        progress.answered(&answer(0, 7, 0), &judge);
        assert_eq!(progress.next(id("orders")), Some(42));
        progress.answered(&answer(1, 5, 1), &judge);
        let copy = |offset, copy| Position { offset, copy };
        assert!(progress.has_decided(id("source"), 0, copy(5, 1)));
        assert!(!progress.has_decided(id("source"), 0, copy(5, 2)));
        assert!(!progress.has_decided(id("source"), 1, copy(0, 0)));

        let marker = Marker {
            reads: vec![Read {
                topic: id("orders"),
                next: 50,
                cursor: None,
            }],
            decided: vec![(1, 0, copy(6, 0))],
            others: vec![(origin(Path::Direct, "former"), 0, copy(3, 0))],
        };
        progress.marked(Some(&serde_json::to_vec(&marker).unwrap()), &judge);
        progress.marked(Some(b"no marker"), &judge);
        assert_eq!(progress.next(id("orders")), Some(50));
        assert_eq!(progress.next(id("former")), Some(4));
        assert!(progress.has_decided(id("source"), 0, copy(5, 2)));
    }
}
