//! What can be typed behind `state`.

use clap::{Args, Subcommand};

use super::at::At;

#[derive(Subcommand)]
pub(crate) enum Action {
    /// Show what a key is, or was at some time: its events, its state, and all that is known of it beside.
    ///
    /// Reads the one partition in which the key is, up to its end or to the time that is meant, and folds the key's
    /// valid records by the code of this binary.
    #[command(
        after_help = "Exit codes: 0 shown, 1 the stream cannot be read, 2 wrong usage, or the key never was (or not yet)."
    )]
    Show(Show),
    /// Compare the snapshots on this machine with what their streams say, folded by the code of this binary.
    ///
    /// Above all, it finds a change of `evolve` for which the version in `.snapshots(…)` was not raised. It only reads, and
    /// the service may run. Two copies of a partition's state are in memory at a time.
    #[command(
        after_help = "Exit codes: 0 all agree, or there is nothing to compare, 1 something differs or cannot be read, 2 wrong usage."
    )]
    Verify(Verify),
    /// Delete the snapshots on this machine, so that the next start folds the streams from their beginning.
    ///
    /// The streams are the state: nothing is lost but the time that the next start takes. The service must not run on
    /// these snapshots meanwhile. No broker is asked.
    #[command(
        after_help = "Exit codes: 0 deleted, or there was nothing to delete, 1 it cannot be done now, 2 wrong usage; nothing was deleted then."
    )]
    Rebuild(Rebuild),
}

#[derive(Args)]
pub(crate) struct Show {
    /// The key.
    #[arg(value_name = "KEY", value_parser = key)]
    pub(super) key: String,
    /// Only this aggregate of the service.
    #[arg(long, value_name = "NAME")]
    pub(super) aggregate: Option<String>,
    /// As it was at this time (RFC 3339, or how long ago, such as 10m or 2h), or right behind offset:123 of its partition.
    #[arg(long, value_name = "TIME|OFFSET", value_parser = At::typed)]
    pub(super) at: Option<At>,
    /// Show also what is sensitive, by the schemas of the service.
    #[arg(long)]
    pub(super) reveal: bool,
    /// Print one JSON array.
    #[arg(long)]
    pub(super) json: bool,
}

/// Which of the snapshots are meant.
#[derive(Args)]
pub(crate) struct Filter {
    /// Only this aggregate of the service.
    #[arg(long, value_name = "NAME")]
    pub(super) aggregate: Option<String>,
    /// Only this partition.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    pub(super) partition: Option<i32>,
}

#[derive(Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(super) filter: Filter,
    /// Print one JSON array.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
pub(crate) struct Rebuild {
    #[command(flatten)]
    pub(super) filter: Filter,
    /// Do not ask.
    #[arg(long, short)]
    pub(super) yes: bool,
}

fn key(text: &str) -> Result<String, String> {
    match text {
        "" => {
            Err("no key is empty; what came without one is shown by `parked show --no-key`".into())
        }
        key => Ok(key.to_owned()),
    }
}
