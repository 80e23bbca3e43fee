//! What kind of thing a saga waits for: one word for each, the worst first.

use kolo_core::wire::FailureClass;

use super::waits::{Wait, Why};

/// Why something has not been done, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// It is parked.
    Parked,
    /// Its key is parked, for something that came before it.
    Queued,
    /// Nobody is in the aggregate's group.
    Down,
    /// So many calls have failed that none is made for now, but for one that tries.
    Breaker,
    /// Calls fail.
    Failing,
    /// There are records before it that are not decided.
    Behind,
    /// No router has copied it.
    Unrouted,
    /// The call is under way.
    Calling,
}

impl Cause {
    pub(super) fn of(wait: &Wait<'_>) -> Self {
        match &wait.why {
            Why::Parked { queued, .. } => match queued.parked.failure.class {
                FailureClass::Behind => Cause::Queued,
                _ => Cause::Parked,
            },
            _ if wait.members == 0 => Cause::Down,
            Why::Unread { .. } => Cause::Behind,
            Why::Unrouted { .. } => Cause::Unrouted,
            Why::Called {
                breaker: Some(note),
                ..
            } if note.open_until.is_some() => Cause::Breaker,
            Why::Called {
                note: None,
                breaker: None,
            } => Cause::Calling,
            Why::Called { .. } => Cause::Failing,
        }
    }

    /// Whether time alone will not help, as far as can be told.
    pub(crate) fn is_stuck(self) -> bool {
        match self {
            Cause::Parked | Cause::Queued | Cause::Down | Cause::Breaker | Cause::Failing => true,
            Cause::Behind | Cause::Unrouted | Cause::Calling => false,
        }
    }

    /// Whether it has not been its turn yet.
    pub(crate) fn is_behind(self) -> bool {
        matches!(self, Cause::Behind | Cause::Unrouted)
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Cause::Parked => "parked",
            Cause::Queued => "queued",
            Cause::Down => "down",
            Cause::Breaker => "breaker",
            Cause::Failing => "failing",
            Cause::Behind => "behind",
            Cause::Unrouted => "unrouted",
            Cause::Calling => "calling",
        }
    }
}
