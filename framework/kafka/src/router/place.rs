//! Place: how far one source partition is forwarded, and from where it goes on.

use std::collections::VecDeque;
use std::time::Instant;

use hashbrown::HashMap;
use kolo_core::stream::{Cursor, StreamReader};
use kolo_core::{Position, Timestamp, TopicId};
use rdkafka::topic_partition_list::{Offset, TopicPartitionListElem};
use serde::{Deserialize, Serialize};

/// One source partition.
pub(super) struct Place {
    pub(super) number: usize,
    pub(super) reader: StreamReader,
    /// The offset at which the first record is due; none if nothing was ever committed.
    pub(super) resumes_at: Option<i64>,
    /// Whether the reader was sent back to that offset.
    pub(super) sought: bool,
    /// The last copy that went to each partition of the inbox: the next one names it.
    pub(super) sent: HashMap<i32, Position>,
    /// How many records were read here.
    pub(super) read: u64,
    /// The last of them: from the first one with a copy that is not acknowledged.
    pub(super) open: VecDeque<Forwarded>,
    /// The next offset, and the fence in force there, of what is acknowledged without a hole.
    pub(super) committable: Option<(i64, Option<Cursor>)>,
    pub(super) committed: Option<i64>,
    /// The timestamp of what was read last.
    pub(super) read_at: Option<Timestamp>,
    /// Since when it is here.
    pub(super) since: Instant,
    /// Where the partition ended when everything before it was read. That may be behind the last record: the marks of
    /// transactions are none.
    pub(super) ended: Option<i64>,
}

pub(super) struct Forwarded {
    pub(super) next: i64,
    pub(super) cursor: Option<Cursor>,
    pub(super) copies: usize,
}

impl Place {
    pub(super) fn settle(&mut self) {
        while let Some(done) = self.open.pop_front_if(|first| first.copies == 0) {
            self.committable = Some((done.next, done.cursor));
        }
    }
}

/// What a router commits beside an offset.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The topic that the offset is of: a recreated one has another id, and offsets of its own.
    pub(super) topic: TopicId,
    /// The fence in force there.
    pub(super) cursor: Option<Cursor>,
}

impl Kept {
    /// What stands beside an offset, if that is of this topic.
    pub(super) fn of(topic: TopicId, committed: &TopicPartitionListElem<'_>) -> Option<Self> {
        let kept: Kept = serde_json::from_str(committed.metadata()).ok()?;
        (kept.topic == topic).then_some(kept)
    }
}

/// The next offset of a partition that a router forwards, by what its group has committed there; none where that is nothing, or of an
/// earlier topic of the name. All copies of what stands before it are acknowledged.
#[must_use]
pub fn routed_until(topic: TopicId, committed: &TopicPartitionListElem<'_>) -> Option<i64> {
    Kept::of(topic, committed)?;
    match committed.offset() {
        Offset::Offset(next) => Some(next),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use kolo_core::EventId;
    use rdkafka::topic_partition_list::TopicPartitionList;

    use super::*;

    #[test]
    fn an_offset_counts_for_the_topic_that_it_was_committed_for() {
        let id = |name: &str| TopicId(EventId::foreign(name).0);
        let kept = Kept {
            topic: id("orders"),
            cursor: None,
        };
        let mut list = TopicPartitionList::new();
        let mut element = list.add_partition("orders", 0);
        element.set_offset(Offset::Offset(7)).unwrap();
        assert_eq!(routed_until(id("orders"), &element), None);
        element.set_metadata(serde_json::to_string(&kept).unwrap());
        assert_eq!(routed_until(id("orders"), &element), Some(7));
        assert_eq!(routed_until(id("orders, created again"), &element), None);
        element.set_offset(Offset::Invalid).unwrap();
        assert_eq!(routed_until(id("orders"), &element), None);
    }
}
