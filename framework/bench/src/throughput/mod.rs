//! Throughput: consume, decide, evolve, append, at saturation; kolo beside a bare rdkafka loop, in alternation.
//!
//! Each run has an empty stream and inputs of its own, which were produced in one open transaction: nobody sees them
//! until it is committed, and that is done when the loop has its partitions and stands ready. So no group join, no
//! take-over and no preload is measured. Time runs from the timestamp of the first record appended to the moment when
//! the stream's high watermarks say that the last one is acknowledged; CPU time from the commit to the same moment.

mod bare;
mod input;
mod participant;
mod settings;
mod watch;

use anyhow::ensure;
use clap::{Args, ValueEnum};
use kolo::{Config, OwnEvents};

use crate::bench::AccountEvent;
use crate::broker::{Topics, process_at};
use crate::machine::{cpu_seconds, load_text};
use crate::say;
use crate::spread::Spread;

use input::Input;
use watch::Watch;

/// The topic that the bare loop writes.
const BARE_STREAM: &str = "bench.bare";

/// `kolo-bench loop`
#[derive(Debug, Clone, Args)]
pub(crate) struct LoopArgs {
    /// The brokers, as host:port. Topics named bench.* there are deleted and created again.
    #[arg(long, value_name = "HOST:PORT")]
    bootstrap: String,
    /// How many records each run takes.
    #[arg(long, default_value_t = 1_000_000)]
    records: u32,
    /// How many keys they have.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    keys: u32,
    /// Partitions of input and stream.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(i32).range(1..))]
    partitions: i32,
    /// Worker threads of kolo, and threads of the bare loop.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    workers: u16,
    /// How many records a thread may have appended without acknowledgement; kolo's default unless told.
    #[arg(long)]
    in_flight: Option<usize>,
    /// How many runs of each.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Run only one side, to profile it.
    #[arg(long)]
    only: Option<Side>,
    /// The broker's process, for its CPU time; found by scripts/kafka/status if it runs on this machine.
    #[arg(long, value_name = "PID")]
    broker_pid: Option<u32>,
}

/// What is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Side {
    Bare,
    Kolo,
}

impl Side {
    const fn name(self) -> &'static str {
        match self {
            Side::Bare => "bare",
            Side::Kolo => "kolo",
        }
    }

    const fn stream(self) -> &'static str {
        match self {
            Side::Bare => BARE_STREAM,
            Side::Kolo => AccountEvent::STREAM,
        }
    }
}

/// What one run came to.
#[derive(Debug, Clone, Copy)]
struct Run {
    records_per_second: f64,
    /// CPU seconds a million records: of this process, and of the broker.
    client: Option<f64>,
    broker: Option<f64>,
    bytes_per_record: f64,
}

/// Runs the benchmark.
///
/// # Errors
/// When the broker cannot be reached, or a run does not come to its end.
pub(crate) fn run(arguments: &LoopArgs) -> anyhow::Result<()> {
    let broker = arguments
        .broker_pid
        .or_else(|| process_at(&arguments.bootstrap));
    if broker.is_none() {
        say(
            "The broker's process is not known here: its CPU time is left out (--broker-pid names it).",
        );
    }
    say(format!(
        "{} records, {} keys, {} partitions, {} threads a side; load average {}",
        arguments.records,
        arguments.keys,
        arguments.partitions,
        arguments.workers,
        load_text()
    ));
    say("side  run  records/s  client CPU s/M  broker CPU s/M  bytes/record  load");
    let mut runs: [Vec<Run>; 2] = [Vec::new(), Vec::new()];
    for number in 1..=arguments.runs {
        // The order alternates, so that neither always follows the other.
        let mut sides = [Side::Bare, Side::Kolo];
        if number.is_multiple_of(2) {
            sides.reverse();
        }
        for side in sides {
            if arguments.only.is_some_and(|only| only != side) {
                continue;
            }
            let run = one(side, arguments, broker)?;
            say(format!(
                "{}  {number:>3}  {:>9.0}  {:>14}  {:>14}  {:>12.0}  {:>4}",
                side.name(),
                run.records_per_second,
                figure(run.client),
                figure(run.broker),
                run.bytes_per_record,
                load_text(),
            ));
            runs[side as usize].push(run);
        }
    }
    summary(&runs);
    Ok(())
}

fn figure(figure: Option<f64>) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.2}"))
}

fn one(side: Side, arguments: &LoopArgs, broker: Option<u32>) -> anyhow::Result<Run> {
    let mut config = Config::new(&arguments.bootstrap);
    config.workers = usize::from(arguments.workers);
    config.partitions = arguments.partitions;
    if let Some(in_flight) = arguments.in_flight {
        config.max_in_flight_records = in_flight;
    }

    let topics = Topics::connect(&config)?;
    topics.renew(input::TOPIC, arguments.partitions)?;
    topics.renew(side.stream(), arguments.partitions)?;
    let input = Input::preload(&config, arguments)?;
    let watch = Watch::open(&config, side.stream(), arguments.partitions)?;

    let running = match side {
        Side::Bare => Running::Bare(bare::start(&config, arguments)?),
        Side::Kolo => Running::Kolo(Box::new(participant::start(&config)?)),
    };
    if let Running::Kolo(service) = &running {
        participant::await_ready(service, &config, &watch)?;
    }
    let before = watch.offsets()?;
    let target = before.iter().sum::<i64>() + i64::from(arguments.records);
    let cpu = [
        cpu_seconds(None),
        broker.and_then(|broker| cpu_seconds(Some(broker))),
    ];

    input.release()?;
    let ended = watch.await_total(target, || running.check())?;

    let million = f64::from(arguments.records) / 1e6;
    let since = |before: Option<f64>, now: Option<f64>| Some((now? - before?) / million);
    let client = since(cpu[0], cpu_seconds(None));
    let broker = since(cpu[1], broker.and_then(|broker| cpu_seconds(Some(broker))));
    running.stop()?;

    let total: i64 = watch.offsets()?.iter().sum();
    ensure!(
        total == target,
        "{} records more than answers stand in `{}`: a rebalance or a marker fell into the run, so it says nothing",
        total - target,
        side.stream()
    );
    let sample = watch.sample(&before)?;
    let seconds = ended.since(sample.first_at).as_secs_f64();
    topics.delete(side.stream())?;
    topics.delete(input::TOPIC)?;
    Ok(Run {
        records_per_second: f64::from(arguments.records) / seconds,
        client,
        broker,
        bytes_per_record: sample.bytes_per_record,
    })
}

enum Running {
    Bare(bare::Bare),
    Kolo(Box<kolo::Running>),
}

impl Running {
    fn check(&self) -> anyhow::Result<()> {
        match self {
            Running::Bare(bare) => bare.check(),
            Running::Kolo(service) => participant::check(service),
        }
    }

    fn stop(self) -> anyhow::Result<()> {
        match self {
            Running::Bare(bare) => bare.stop(),
            Running::Kolo(service) => Ok(service.stop()?),
        }
    }
}

/// One column of the table.
type Figure = fn(&Run) -> Option<f64>;

fn summary(runs: &[Vec<Run>; 2]) {
    say("\nmin / median / max");
    let columns: [(&str, Figure); 3] = [
        ("records/s", |run| Some(run.records_per_second)),
        ("client CPU s/M", |run| run.client),
        ("broker CPU s/M", |run| run.broker),
    ];
    for (name, column) in columns {
        let digits = if name == "records/s" { 0 } else { 2 };
        for (side, runs) in [Side::Bare, Side::Kolo].into_iter().zip(runs) {
            if let Some(spread) = Spread::of(runs.iter().filter_map(column)) {
                say(format!("{name:<15} {}   {spread:.digits$}", side.name()));
            }
        }
        let ratios = runs[1]
            .iter()
            .zip(&runs[0])
            .filter_map(|(kolo, bare)| Some(column(kolo)? / column(bare)?));
        if let Some(spread) = Spread::of(ratios) {
            say(format!("{name:<15} ratio  {spread:.2}"));
        }
    }
}
