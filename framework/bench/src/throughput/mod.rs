//! Throughput: consume, decide, evolve, append, at saturation; kolo beside a bare rdkafka loop, in alternation.
//!
//! Each run has an empty stream and inputs of its own, which nobody sees until they are released, and that is done when the
//! loop has its partitions and stands ready. So no group join, no take-over and no preload is measured. Time runs from
//! the timestamp of the first record appended to the moment when the stream's high watermarks say that the last one is
//! acknowledged; CPU time from the release to the same moment.

mod bare;
pub(crate) mod input;
pub(crate) mod participant;
mod scraper;
mod settings;
pub(crate) mod watch;

use std::net::SocketAddr;

use anyhow::ensure;
use clap::{Args, ValueEnum};
use kolo::{Config, OwnEvents};
use serde::{Deserialize, Serialize};

use crate::bench::AccountEvent;
use crate::broker::{BrokerArgs, Subject, Topics};
use crate::machine::{cpu_seconds, load_text};
use crate::say;
use crate::spread::Spread;

use input::{Input, Load};
use scraper::Scraper;
use watch::Watch;

/// The topic that the bare loop writes.
const BARE_STREAM: &str = "bench.bare";

/// `kolo-bench loop`
#[derive(Debug, Clone, Args)]
pub(crate) struct LoopArgs {
    #[command(flatten)]
    brokers: BrokerArgs,
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
    /// Serve kolo's metrics, and scrape them once a second.
    #[arg(long)]
    scraped: bool,
    /// Print a line of JSON a run, and nothing else.
    #[arg(long, requires = "only")]
    json: bool,
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
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) records_per_second: f64,
    /// CPU seconds a million records: of this process, and of the broker.
    pub(crate) client: Option<f64>,
    pub(crate) broker: Option<f64>,
    bytes_per_record: f64,
    /// Spans that nobody was told of; only where metrics are scraped, and traces told.
    pub(crate) dropped_spans: Option<f64>,
}

/// Runs the benchmark.
///
/// # Errors
/// When the broker cannot be reached, or a run does not come to its end.
pub(crate) fn run(arguments: &LoopArgs) -> anyhow::Result<()> {
    let subjects = arguments.brokers.subjects()?;
    if let Some(side) = arguments.only.filter(|_| arguments.json) {
        for _ in 0..arguments.runs {
            for subject in &subjects {
                say(serde_json::to_string(&one(side, arguments, subject)?)?);
            }
        }
        return Ok(());
    }
    say(format!(
        "{} records, {} keys, {} partitions, {} threads a side; load average {}",
        arguments.records,
        arguments.keys,
        arguments.partitions,
        arguments.workers,
        load_text()
    ));
    say("broker    side  run  records/s  client CPU s/M  broker CPU s/M  bytes/record  load");
    let mut runs: Vec<[Vec<Run>; 2]> = subjects.iter().map(|_| [Vec::new(), Vec::new()]).collect();
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
            for (subject, runs) in subjects.iter().zip(&mut runs) {
                let run = one(side, arguments, subject)?;
                say(format!(
                    "{:<8}  {}  {number:>3}  {:>9.0}  {:>14}  {:>14}  {:>12.0}  {:>4}",
                    subject.name,
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
    }
    for (subject, runs) in subjects.iter().zip(&runs) {
        summary(subject.name, runs);
    }
    if let [first, second] = &runs[..] {
        compare(&subjects, first, second);
    }
    Ok(())
}

pub(crate) fn figure(figure: Option<f64>) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.2}"))
}

fn one(side: Side, arguments: &LoopArgs, subject: &Subject) -> anyhow::Result<Run> {
    let mut config = Config::new(&subject.bootstrap);
    config.workers = usize::from(arguments.workers);
    config.partitions = arguments.partitions;
    if let Some(in_flight) = arguments.in_flight {
        config.max_in_flight_records = in_flight;
    }
    if arguments.scraped {
        config.management = "127.0.0.1:0".into();
    }

    // A topic that is hidden is looked at again at once when it is released.
    config
        .kafka
        .insert("fetch.error.backoff.ms".into(), "10".into());
    let topics = Topics::connect(&config)?;
    topics.renew(input::TOPIC, arguments.partitions)?;
    topics.renew(side.stream(), arguments.partitions)?;
    let load = Load {
        records: arguments.records,
        keys: arguments.keys,
        partitions: arguments.partitions,
    };
    let input = Input::preload(&config, subject, load)?;
    let watch = Watch::open(&config, side.stream(), arguments.partitions)?;

    let running = match side {
        Side::Bare => Running::Bare(bare::start(&config, arguments)?),
        Side::Kolo => Running::Kolo(Box::new(participant::start(&config)?)),
    };
    if let Running::Kolo(service) = &running {
        participant::await_ready(service, &config, &watch)?;
    }
    let scraper = running.management().map(Scraper::start);
    let before = watch.offsets()?;
    let target = before.iter().sum::<i64>() + i64::from(arguments.records);
    let cpu = [cpu_seconds(None), subject.cpu_seconds()];

    input.release()?;
    let ended = watch.await_total(target, || running.check())?;

    let million = f64::from(arguments.records) / 1e6;
    let since = |before: Option<f64>, now: Option<f64>| Some((now? - before?) / million);
    let client = since(cpu[0], cpu_seconds(None));
    let broker = since(cpu[1], subject.cpu_seconds());
    let last = scraper.map(Scraper::end).transpose()?;
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
        dropped_spans: last.and_then(|last| last.sum("kolo_spans_dropped_total")),
    })
}

enum Running {
    Bare(bare::Bare),
    Kolo(Box<kolo::Running>),
}

impl Running {
    fn management(&self) -> Option<SocketAddr> {
        match self {
            Running::Bare(_) => None,
            Running::Kolo(service) => service.management(),
        }
    }

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
pub(crate) type Figure = fn(&Run) -> Option<f64>;

pub(crate) const COLUMNS: [(&str, Figure); 3] = [
    ("records/s", |run| Some(run.records_per_second)),
    ("client CPU s/M", |run| run.client),
    ("broker CPU s/M", |run| run.broker),
];

/// The two sides on one broker.
fn summary(broker: &str, runs: &[Vec<Run>; 2]) {
    say(format!("\non {broker}: min / median / max"));
    for (name, column) in COLUMNS {
        let digits = if name == "records/s" { 0 } else { 2 };
        for (side, runs) in [Side::Bare, Side::Kolo].into_iter().zip(runs) {
            if let Some(spread) = Spread::of(runs.iter().filter_map(column)) {
                say(format!("{name:<15} {}   {spread:.digits$}", side.name()));
            }
        }
        if let Some(spread) = ratios(&runs[1], &runs[0], column) {
            say(format!("{name:<15} ratio  {spread:.2}"));
        }
    }
}

/// The two brokers, side by side.
fn compare(subjects: &[Subject], first: &[Vec<Run>; 2], second: &[Vec<Run>; 2]) {
    for (at, side) in [Side::Bare, Side::Kolo].into_iter().enumerate() {
        say(format!(
            "\n{}, {} / {}: min / median / max",
            side.name(),
            subjects[1].name,
            subjects[0].name
        ));
        for (name, column) in COLUMNS {
            if let Some(spread) = ratios(&second[at], &first[at], column) {
                say(format!("{name:<15} {spread:.2}"));
            }
        }
    }
}

/// Pair by pair.
pub(crate) fn ratios(of: &[Run], to: &[Run], column: Figure) -> Option<Spread> {
    Spread::of(
        of.iter()
            .zip(to)
            .filter_map(|(of, to)| Some(column(of)? / column(to)?)),
    )
}
