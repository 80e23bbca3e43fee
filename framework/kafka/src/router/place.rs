//! Place: how far one source partition is forwarded, and from where it goes on.

use std::collections::VecDeque;
use std::time::Instant;

use hashbrown::HashMap;
use kolo_core::stream::{Cursor, StreamReader};
use kolo_core::{Position, Timestamp, TopicId};
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
