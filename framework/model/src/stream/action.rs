//! What one step of the stream model does, in the words of a counterexample.

use std::fmt;

use super::state::{Record, name};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    // The environment.
    Assign {
        owner: usize,
    },
    Rebalance {
        from: usize,
        to: usize,
    },
    Crash {
        owner: usize,
    },
    Arrive {
        log: usize,
        id: u8,
    },
    FallDue,
    Recreate,
    Truncate {
        record: Record,
    },
    // The producer and the broker.
    Append {
        offset: u8,
        record: Record,
        late: bool,
    },
    Resend {
        owner: usize,
        first: Record,
        records: usize,
    },
    AppendAgain {
        offset: u8,
        record: Record,
        acknowledged: bool,
    },
    Drop {
        owner: usize,
        record: Record,
    },
    Lose {
        owner: usize,
    },
    Commit {
        owner: usize,
        offsets: [u8; 2],
    },
    LoseCommit {
        owner: usize,
    },
    // The owner.
    TakeOverAgain {
        before: usize,
        owner: usize,
    },
    Fenced {
        owner: usize,
        epoch: u8,
    },
    Restore {
        owner: usize,
        end: u8,
        positions: [u8; 2],
    },
    Refuse {
        owner: usize,
    },
    Sound {
        owner: usize,
        offset: u8,
    },
    Replaced {
        owner: usize,
        offset: u8,
    },
    Failure {
        owner: usize,
        ends: bool,
    },
    Decide {
        owner: usize,
        log: usize,
        offset: u8,
        id: u8,
        events: Option<u8>,
    },
    Mark {
        owner: usize,
        positions: [u8; 2],
    },
    Sample {
        owner: usize,
        watermark: [u8; 2],
    },
    Fire {
        owner: usize,
        events: u8,
    },
    SendCommit {
        owner: usize,
        offsets: [u8; 2],
    },
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Assign { owner } => write!(
                f,
                "the group assigns a new process: owner {owner} sends its fence"
            ),
            Self::Rebalance { from, to } => {
                write!(
                    f,
                    "FAULT rebalance: owner {from} is now a zombie, owner {to} sends its fence"
                )
            }
            Self::Crash { owner } => write!(f, "FAULT owner {owner} crashes"),
            Self::Arrive { log, id } => write!(f, "input {} arrives on I{}", name(id), log + 1),
            Self::FallDue => write!(f, "the deadline falls due"),
            Self::Recreate => write!(
                f,
                "input topic I1 is deleted and created again with other inputs"
            ),
            Self::Truncate { record } => {
                write!(f, "FAULT an unclean election cuts off the {record}")
            }
            Self::Append {
                offset,
                record,
                late,
            } => {
                write!(
                    f,
                    "log @{offset}: {record}{}",
                    if late { ", LATE" } else { "" }
                )
            }
            Self::Resend {
                owner,
                first,
                records,
            } => {
                write!(
                    f,
                    "FAULT owner {owner}'s producer will send {records} record(s) again, from {first}"
                )
            }
            Self::AppendAgain {
                offset,
                record,
                acknowledged,
            } => {
                let which = if acknowledged {
                    "its acknowledgement names this one"
                } else {
                    "a copy"
                };
                write!(f, "log @{offset}: {record}, AGAIN ({which})")
            }
            Self::Drop { owner, record } => {
                write!(
                    f,
                    "FAULT owner {owner}'s producer gives up the {record}, successors go on"
                )
            }
            Self::Lose { owner } => write!(f, "what owner {owner} had under way is lost"),
            Self::Commit { owner, offsets } => {
                write!(f, "owner {owner}'s commit of {offsets:?} arrives")
            }
            Self::LoseCommit { owner } => write!(f, "owner {owner}'s commit is lost"),
            Self::TakeOverAgain { before, owner } => {
                write!(
                    f,
                    "owner {before} takes over again: as owner {owner} it sends a fence"
                )
            }
            Self::Fenced { owner, epoch } => {
                write!(f, "owner {owner}'s fence is acknowledged: epoch {epoch}")
            }
            Self::Restore {
                owner,
                end,
                positions,
            } => {
                write!(
                    f,
                    "owner {owner} restores the log before {end}; inputs from {positions:?}"
                )
            }
            Self::Refuse { owner } => write!(
                f,
                "owner {owner} finds a newer version's fence and steps back"
            ),
            Self::Sound { owner, offset } => {
                write!(f, "owner {owner}: @{offset} acknowledged and sound")
            }
            Self::Replaced { owner, offset } => {
                write!(
                    f,
                    "owner {owner}: @{offset} acknowledged, not consecutive; its epoch ends"
                )
            }
            Self::Failure { owner, ends } => {
                write!(
                    f,
                    "owner {owner} learns of the failed append and {}",
                    if ends { "ends" } else { "goes on" }
                )
            }
            Self::Decide {
                owner,
                log,
                offset,
                id,
                events,
            } => {
                write!(
                    f,
                    "owner {owner} reads {} (I{}@{offset}): ",
                    name(id),
                    log + 1
                )?;
                match events {
                    Some(events) => write!(f, "{events} event(s)"),
                    None => write!(f, "skipped"),
                }
            }
            Self::Mark { owner, positions } => {
                write!(f, "owner {owner} sends a marker {positions:?}")
            }
            Self::Sample { owner, watermark } => {
                write!(
                    f,
                    "owner {owner} samples the inputs' ends after the due time: {watermark:?}"
                )
            }
            Self::Fire { owner, events } => {
                write!(f, "owner {owner} fires the deadline: {events} event(s)")
            }
            Self::SendCommit { owner, offsets } => {
                write!(f, "owner {owner} sends a commit of {offsets:?}")
            }
        }
    }
}
