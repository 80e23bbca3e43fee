//! What can be typed behind `kolo lag`.

use std::time::Duration;

use clap::Args;

use crate::args::duration;

#[derive(Debug, Args)]
#[command(after_long_help = LAG_HELP)]
pub(crate) struct Lag {
    /// Only this service, or this aggregate of it
    #[arg(value_name = "SERVICE[.AGGREGATE]")]
    pub(super) whom: Option<String>,
    /// List every partition, not only those that are behind
    #[arg(long)]
    pub(super) all: bool,
    /// Count parked keys as well, for which all streams are read whole
    #[arg(long)]
    pub(super) parked: bool,
    /// Fail if an aggregate is more records behind than this
    #[arg(long, value_name = "N")]
    pub(super) max_records: Option<i64>,
    /// Fail if a record waits for longer than this: 30s, 5m, 2h
    #[arg(long, value_name = "AGE", value_parser = duration)]
    pub(super) max_age: Option<Duration>,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

const LAG_HELP: &str = "\
Examples:
  Who is behind, on what, and since when?
    kolo lag

  One aggregate, partition by partition; for another program:
    kolo lag payment.payment --all
    kolo lag payment.payment --json | jq '.aggregates[].inputs[] | select(.behind > 0)'

  In a probe: it fails, and says why, where records wait for longer than a minute:
    kolo lag --max-age 1m --max-records 10000

How far an aggregate has decided its inputs stands in its own stream, of which the last records are read; what its group has
committed is asked only where the stream does not tell within 32,000 records, and marked so. A router's position is what its
group has committed. Records of kolo's own, such as markers, are nothing to decide: they do not count among the next 500.

No service need run. Exit codes: 0 it is told, 1 a bound of --max-records or --max-age is passed, or it cannot be read, 2 wrong
usage.";
