//! What one step of the inbox model does, in the words of a counterexample.

use std::fmt;

use super::state::{Entry, Original, Positions};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    StartRouter {
        router: usize,
        at: u8,
    },
    RebalanceRouter {
        from: usize,
        to: usize,
        at: u8,
    },
    CrashRouter {
        router: usize,
    },
    DropCopy {
        router: usize,
        original: Original,
    },
    SendCopy {
        router: usize,
        original: Original,
    },
    AppendCopy {
        router: usize,
        at: u8,
        original: Original,
    },
    Lose {
        router: usize,
    },
    Acknowledge {
        router: usize,
    },
    SendCommit {
        router: usize,
        offset: u8,
    },
    Commit {
        router: usize,
        offset: u8,
    },
    LoseCommit {
        router: usize,
    },
    Other {
        at: u8,
        original: Original,
    },
    Decide {
        at: u8,
        original: Original,
        what: &'static str,
    },
    Mark,
    Append {
        entry: Entry,
    },
    Restart {
        positions: Positions,
    },
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::StartRouter { router, at } => write!(f, "router {router} starts at {at}"),
            Self::RebalanceRouter { from, to, at } => {
                write!(
                    f,
                    "FAULT rebalance: router {from} is now a zombie, router {to} starts at {at}"
                )
            }
            Self::CrashRouter { router } => write!(f, "FAULT router {router} crashes"),
            Self::DropCopy { router, original } => {
                write!(f, "FAULT router {router}'s copy of {original} fails")
            }
            Self::SendCopy { router, original } => {
                write!(f, "router {router} sends a copy of {original}")
            }
            Self::AppendCopy {
                router,
                at,
                original,
            } => write!(f, "inbox @{at}: {original} from router {router}"),
            Self::Lose { router } => write!(f, "what router {router} had under way is lost"),
            Self::Acknowledge { router } => write!(f, "router {router} gets an acknowledgement"),
            Self::SendCommit { router, offset } => {
                write!(f, "router {router} sends a commit of {offset}")
            }
            Self::Commit { router, offset } => {
                write!(f, "router {router}'s commit of {offset} arrives")
            }
            Self::LoseCommit { router } => write!(f, "router {router}'s commit is lost"),
            Self::Other { at, original } => write!(f, "inbox @{at}: {original}"),
            Self::Decide { at, original, what } => {
                write!(f, "the target reads {original} (inbox @{at}): {what}")
            }
            Self::Mark => write!(f, "the target sends a marker"),
            Self::Append { entry } => write!(f, "stream: {entry}"),
            Self::Restart {
                positions: Positions { read, decided },
            } => {
                write!(
                    f,
                    "FAULT the target restarts: inbox from {read}, decided {decided:?}"
                )
            }
        }
    }
}
