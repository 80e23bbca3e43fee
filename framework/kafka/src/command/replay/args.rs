//! What can be typed behind `replay`.

use std::num::NonZeroU32;
use std::time::Duration;

use clap::{Args, Subcommand};
use kolo_core::processor::replay::ReplayFilter;
use kolo_core::{CorrelationId, Timestamp};

use super::super::failure::Failure;
use super::super::parked::{duration, since};
use super::super::terminal::time;

#[derive(Subcommand)]
pub(crate) enum Action {
    /// Decide again, by this binary, what was decided before, and say what would be decided otherwise. Writes nothing and
    /// calls no port.
    #[command(
        after_help = "Exit codes: 0 everything would be decided as it was, 1 the topics cannot be read, 2 wrong usage, 3 something\nwould be decided otherwise."
    )]
    Plan(Plan),
    /// Have the answers given that are missing: of inputs that were decided with nothing, and that this binary answers.
    ///
    /// Each input goes to the owner of its key in a control record, which decides it if it has no answer yet: whoever
    /// applies a plan twice, or again after being interrupted, changes nothing. What was decided otherwise stays as it is:
    /// it is history, and others have seen it.
    #[command(
        after_help = "Exit codes: 0 nothing is missing (any more), 1 something is, or the topics cannot be read, 2 wrong usage, and nothing was sent."
    )]
    Apply(Apply),
    /// Decide by this binary what its owner will decide next, and compare it with what others have seen: after a stream was
    /// imported from a backup that was not current. Writes nothing and calls no port.
    ///
    /// What was said after the backup was made is lost, but copies of it stand in inboxes, and other streams name it as a
    /// cause. The owner decides it again, on inputs that may come in another order now.
    #[command(
        after_help = "Exit codes: 0 nothing contradicts what others have seen, 1 the topics cannot be read, 2 wrong usage, 3 something\ndoes."
    )]
    Ahead(Ahead),
}

/// Which decisions are meant.
#[derive(Args)]
pub(crate) struct Filter {
    /// Only this aggregate of the service.
    #[arg(long, value_name = "NAME")]
    pub(super) aggregate: Option<String>,
    /// Only what was decided at this time or later: RFC 3339, or how long ago, such as 10m or 2h.
    #[arg(long, value_name = "TIME", value_parser = since)]
    from: Option<Timestamp>,
    /// Only what was published before this time: RFC 3339, or how long ago.
    #[arg(long, value_name = "TIME", value_parser = since)]
    to: Option<Timestamp>,
    /// Only this key.
    #[arg(long, value_name = "KEY")]
    pub(super) key: Option<String>,
    /// Only this saga.
    #[arg(long, value_name = "ID")]
    correlation: Option<CorrelationId>,
}

impl Filter {
    pub(super) fn wanted(&self) -> Result<ReplayFilter, Failure> {
        let (from, to) = (self.from, self.to);
        if let (Some(from), Some(to)) = (from, to)
            && from >= to
        {
            let (from, to) = (time(from), time(to));
            return Err(Failure::input(format!(
                "--from {from} is not before --to {to}: nothing lies between"
            )));
        }
        Ok(ReplayFilter {
            from,
            to,
            key: self.key.clone(),
            correlation: self.correlation,
        })
    }
}

#[derive(Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(super) filter: Filter,
    /// How many examples to show of each kind.
    #[arg(long, value_name = "NUMBER", default_value_t = 3)]
    pub(super) examples: usize,
    /// Print one JSON object, with every decision that would be another one.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
pub(crate) struct Apply {
    #[command(flatten)]
    pub(super) filter: Filter,
    /// How many inputs to send a second.
    #[arg(long, value_name = "NUMBER", default_value = "500")]
    pub(super) rate: NonZeroU32,
    /// How long to wait for the owners of the keys, once everything is sent.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub(super) timeout: Duration,
    /// Do not ask.
    #[arg(long, short)]
    pub(super) yes: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
pub(crate) struct Ahead {
    /// Only this aggregate of the service.
    #[arg(long, value_name = "NAME")]
    pub(super) aggregate: Option<String>,
    /// A stream or inbox in which others have seen the aggregate's events; all inboxes of the cluster if none is named.
    #[arg(long, value_name = "TOPIC")]
    pub(super) seen: Vec<String>,
    /// Print one JSON object.
    #[arg(long)]
    pub(super) json: bool,
}
