//! What is in a state: the inbox, the routers, the target with its stream, and ghosts for the invariants.

use std::fmt;

#[expect(
    clippy::cast_possible_truncation,
    reason = "a bounded run appends a few dozen records"
)]
pub(crate) const fn small(n: usize) -> u8 {
    n as u8
}

/// A record of an origin; its copies carry both, and ids are derived from both.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct Original {
    pub(crate) origin: u8,
    pub(crate) offset: u8,
}

/// A copy of an original in the inbox.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Copied {
    pub(crate) original: Original,
    /// The offset of the copy that the same run of the router sent before it; none for the first of a run, which
    /// begins where all copies before it are acknowledged.
    pub(crate) previous: Option<u8>,
}

/// A record of the target's stream. All of them are valid: what the fence makes void is modelled in the stream model,
/// so here a crash loses the tail that was in flight.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Entry {
    Answer {
        to: Original,
        /// Where the copy stood in the inbox. The wire does not carry it; one variant left out would.
        copy_at: u8,
    },
    Marker(Positions),
}

/// What a marker makes durable.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Positions {
    /// The next inbox offset to read.
    pub(crate) read: u8,
    /// How many records of each origin are decided.
    pub(crate) decided: [u8; 2],
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Router {
    pub(crate) is_live: bool,
    /// The next record of the origin to copy.
    pub(crate) next: u8,
    /// The record copied last in this run.
    pub(crate) previous: Option<u8>,
    pub(crate) in_flight: Vec<SentCopy>,
    pub(crate) committed: u8,
    /// An offset commit under way.
    pub(crate) commit: Option<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct SentCopy {
    pub(crate) copy: Copied,
    pub(crate) is_appended: bool,
}

/// The target's memory, and what it has in flight to its stream.
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Target {
    pub(crate) positions: Positions,
    /// `positions.decided` as the next restore would find it.
    pub(crate) recorded: [u8; 2],
    /// The inbox offset of the last marker.
    pub(crate) marked: u8,
    pub(crate) state: u8,
    pub(crate) history: Vec<Original>,
    pub(crate) in_flight: Vec<Entry>,
}

/// One moment of the whole system.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct State {
    pub(crate) inbox: Vec<Copied>,
    /// Copies of the second origin that have arrived.
    pub(crate) others: u8,
    pub(crate) routers: Vec<Router>,
    /// The routers' group offset on the first origin.
    pub(crate) committed: u8,
    pub(crate) router_faults: u8,
    pub(crate) target_crashes: u8,
    pub(crate) stream: Vec<Entry>,
    pub(crate) target: Target,
    /// Ghost: copies that were decided with no event, and after which answers.
    pub(crate) ignored: Vec<(Original, Vec<Original>)>,
}

impl fmt::Display for Original {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{}",
            if self.origin == 0 { 'x' } else { 'y' },
            self.offset
        )
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer { to, .. } => write!(f, "answer to {to}"),
            Self::Marker(Positions { read, decided }) => {
                write!(f, "marker: inbox {read}, decided {decided:?}")
            }
        }
    }
}
