//! What can be typed behind `kolo sagas`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::args::{SchemaArgs, duration, since};
use crate::evidence::Status;

#[derive(Debug, Args)]
#[command(after_long_help = SAGAS_HELP)]
pub(crate) struct Sagas {
    /// Only sagas that do not go on: those that are stuck, and those that have waited for longer than a minute, or than
    /// --older says
    #[arg(long, conflicts_with = "status")]
    pub(super) stuck: bool,
    /// Only sagas that are not over and have waited for so long or longer: 30s, 5m, 2h
    #[arg(long, value_name = "AGE", value_parser = duration)]
    pub(super) older: Option<Duration>,
    /// Only sagas of this status, or of these, separated by commas [default: those that are not over]
    #[arg(long, value_name = "STATUS", value_enum, value_delimiter = ',')]
    pub(super) status: Vec<StatusArg>,
    /// Only sagas that wait for this service, or for this aggregate of it
    #[arg(long, value_name = "SERVICE[.AGGREGATE]")]
    pub(super) waits_for: Option<String>,
    /// Read only what was written since: a time, or how long ago (10m, 2h)
    #[arg(long, value_name = "WHEN", value_parser = since, conflicts_with = "last")]
    pub(super) since: Option<crate::tail::From>,
    /// Read only the last so many records of each partition
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    pub(super) last: Option<i64>,
    /// Ask the index in this directory, which is read on first, and made if need be; --since and --last do without
    ///
    /// Also read from KOLO_INDEX. Sagas that were over when they were listed before are then not counted, unless --status asks
    /// for them.
    #[arg(long, value_name = "DIR", env = "KOLO_INDEX", hide_env = true)]
    pub(super) index: Option<PathBuf>,
    /// List so many sagas at most, the worst first; all are counted [default: 50, and with --json all]
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<usize>,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) schemas: SchemaArgs,
}

/// A status, or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum StatusArg {
    /// It waits for something that will not come by itself
    Stuck,
    /// It has failed, and what follows is under way
    Compensating,
    /// It goes on, or waits for its turn
    Running,
    /// It has failed, and what was done is undone
    Compensated,
    /// It has failed, and there was nothing to undo
    Failed,
    /// It ended well
    Completed,
    /// Every saga that is there
    All,
}

impl StatusArg {
    pub(super) fn takes(self, status: Status) -> bool {
        match self {
            StatusArg::All => true,
            StatusArg::Stuck => status == Status::Stuck,
            StatusArg::Compensating => status == Status::Compensating,
            StatusArg::Running => status == Status::Running,
            StatusArg::Compensated => status == Status::Compensated,
            StatusArg::Failed => status == Status::Failed,
            StatusArg::Completed => status == Status::Completed,
        }
    }
}

impl Sagas {
    /// Whether sagas are asked for that are over.
    pub(super) fn asks_for_over(&self) -> bool {
        let over = |asked: &StatusArg| match asked {
            StatusArg::Stuck | StatusArg::Compensating | StatusArg::Running => false,
            StatusArg::Compensated | StatusArg::Failed | StatusArg::Completed | StatusArg::All => {
                true
            }
        };
        self.status.iter().any(over)
    }
}

const SAGAS_HELP: &str = "\
Examples:
  What is not over, the worst first, and what it waits for:
    kolo sagas

  What does not go on, of the last two hours, and the command for each cause:
    kolo sagas --stuck --since 2h

  All that has waited for the payment service for five minutes; for another program:
    kolo sagas --waits-for payment --older 5m --json | jq -r '.sagas[].name'

Each line names a saga as `kolo explain` takes it, how it stands, how long ago it began, how long it has waited, for whom
and why. The end counts all sagas that were read, and groups those listed by their cause, each with the command to type.

A saga is `stuck` where time alone will not help: something is parked, nobody is in a group, calls fail. One that is behind
an aggregate which is merely slow is `running`; --stuck lists it once it has waited for longer than a minute.

Only topics and the published manifests are read, as by `kolo explain`, and no service need run. --since and --last bound
what is read; of a saga that began before, only the rest is then seen. With an index (`kolo index --help`), what was written
since it was used last is read, and only sagas are judged that were not over then.

Exit codes: 0 they are listed, however they stand, 1 the topics cannot be read, 2 wrong usage.";
