//! What is in a state: the log, the owners with what they have in flight, and ghosts that only the invariants read.

use std::fmt;

use crate::violation::Violation;

/// The id that the deadline's answer goes by; inputs use the ids below it.
pub(crate) const DEADLINE_ID: u8 = 7;

/// An offset, a count or an index: bounded runs keep all of them small.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a bounded run appends a few dozen records"
)]
pub(crate) const fn small(n: usize) -> u8 {
    n as u8
}

/// One record of the stream.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Record {
    pub(crate) body: Body,
    /// Offset of the fence under which it was sent; 0 and unused in a fence, whose own offset is its epoch.
    pub(crate) epoch: u8,
    pub(crate) nonce: u8,
    pub(crate) number: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Body {
    Fence {
        version: u8,
    },
    Event(Event),
    /// The next offset of each input log.
    Marker([u8; 2]),
}

/// One event of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Event {
    pub(crate) answer: Answer,
    pub(crate) index: u8,
}

/// What all events of one answer have in common. The first record carries it whole (rule 7).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Answer {
    pub(crate) cause: Cause,
    pub(crate) id: u8,
    pub(crate) count: u8,
    /// The folded state that the decision saw.
    pub(crate) decided_on: u8,
    /// The version of the declaration that decided.
    pub(crate) version: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) enum Cause {
    Input { log: u8, offset: u8 },
    Deadline,
}

impl Event {
    /// Stands for the event's id: derived from the cause's id and the index alone.
    pub(crate) const fn id(self) -> u8 {
        2 * self.answer.id + self.index
    }

    /// Tells events apart by content too: histories are compared by it.
    pub(crate) const fn trace(self) -> u8 {
        5 * self.id() + self.answer.decided_on
    }

    pub(crate) const fn is_last(self) -> bool {
        self.index + 1 == self.answer.count
    }
}

/// One start of an owner: from its fence to its end. Its index is its nonce.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Owner {
    pub(crate) phase: Phase,
    /// Records that were handed to the producer and not yet reported, in order.
    pub(crate) in_flight: Vec<Sent>,
    /// Copies that the producer sends again although the broker has the originals.
    pub(crate) resends: Vec<Record>,
    pub(crate) epoch: u8,
    /// Where the next acknowledgement is expected (rule 9).
    pub(crate) next_offset: u8,
    pub(crate) next_number: u8,
    pub(crate) memory: Memory,
    /// An offset commit under way to the group coordinator; only where rule 4 is left out.
    pub(crate) commit: Option<[u8; 2]>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Phase {
    /// Waits for its fence's acknowledgement.
    Fencing,
    /// Has its epoch and restores next.
    Fenced,
    Working,
    /// Replaced or failed: it sends nothing more, but its process lives and may still be assigned.
    Ended,
    /// Crashed, refused, or started again as another owner.
    Gone,
}

impl Phase {
    pub(crate) const fn is_live(self) -> bool {
        matches!(self, Self::Fencing | Self::Fenced | Self::Working)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Sent {
    pub(crate) record: Record,
    pub(crate) delivery: Delivery,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Delivery {
    UnderWay,
    /// In the log; the offset that the acknowledgement will name.
    Appended(u8),
    /// Given up by the producer; the owner is not told yet.
    Failed,
}

/// What a working owner has in memory; it runs ahead of the log and is dropped whole.
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Memory {
    /// The next offset to read, per input log.
    pub(crate) positions: [u8; 2],
    /// What the next owner would restore `positions` to, once all that is in flight is in the log.
    pub(crate) recorded: [u8; 2],
    pub(crate) state: u8,
    /// Ids that were answered, as a set of bits.
    pub(crate) answered: u16,
    /// Every own event, to compare with the log's.
    pub(crate) history: Vec<u8>,
    /// An answer to complete: its next index and what all its events have in common.
    pub(crate) torn: Option<(u8, Answer)>,
    /// The inputs' ends, sampled after the deadline fell due (rule 12).
    pub(crate) watermark: Option<[u8; 2]>,
    /// The offsets last committed to the group; only where rule 4 is left out.
    pub(crate) committed: [u8; 2],
}

/// One moment of the whole system.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct State {
    pub(crate) stream: Vec<Record>,
    pub(crate) owners: Vec<Owner>,
    /// The owner whose process the group has assigned the partition to.
    pub(crate) assigned: usize,
    pub(crate) faults: u8,
    /// How many inputs have arrived, per log.
    pub(crate) arrived: [u8; 2],
    /// What `arrived` was when the deadline fell due.
    pub(crate) due: Option<[u8; 2]>,
    pub(crate) recreated: bool,
    pub(crate) truncated: bool,
    /// The group's committed offsets.
    pub(crate) committed: [u8; 2],
    /// Ghost: every decision that came to no event.
    pub(crate) ignored: Vec<Ignored>,
    /// Ghost: the first property that the run broke.
    pub(crate) violation: Option<Violation>,
}

/// A decision that came to no event: which input, and after which own events.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct Ignored {
    pub(crate) log: u8,
    pub(crate) offset: u8,
    pub(crate) history: Vec<u8>,
}

impl State {
    /// Remembers the first violation; a run stops there.
    pub(crate) fn accuse(&mut self, violation: Option<Violation>) {
        self.violation = self.violation.or(violation);
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            body,
            epoch,
            nonce,
            number,
        } = self;
        match body {
            Body::Fence { version } => write!(f, "fence of owner {nonce} (version {version})"),
            Body::Marker(positions) => write!(f, "marker {positions:?} [{epoch}.{nonce}.{number}]"),
            Body::Event(Event { answer, index }) => {
                let Answer {
                    cause,
                    id,
                    count,
                    decided_on,
                    ..
                } = answer;
                write!(f, "event {index}/{count} of {}", name(*id))?;
                if let Cause::Input { log, offset } = cause {
                    write!(f, " (I{}@{offset})", log + 1)?;
                }
                write!(
                    f,
                    " decided on state {decided_on} [{epoch}.{nonce}.{number}]"
                )
            }
        }
    }
}

/// Inputs are told apart by letters in counterexamples.
pub(crate) fn name(id: u8) -> String {
    if id == DEADLINE_ID {
        "the deadline".to_owned()
    } else {
        char::from(b'a' + id).to_string()
    }
}
