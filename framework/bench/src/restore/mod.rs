//! Restore: how long an owner takes until it works, from the whole stream and from a snapshot, beside a bare rdkafka read of
//! the same records into a hash map.
//!
//! Time runs from the assignment, with the fence, to the moment when the last partition is taken over: what the service's
//! own log line says. Group join and start of the process are not in it.

pub(crate) mod account;
mod bare;
mod fill;
mod live;

use anyhow::ensure;
use clap::Args;
use kolo::{Config, OwnEvents};

use crate::bench::AccountEvent;
use crate::broker::{BrokerArgs, Subject, Topics};
use crate::machine::load_text;
use crate::say;
use crate::spread::Spread;

use live::TakeOver;

/// `kolo-bench restore`
#[derive(Debug, Clone, Args)]
pub(crate) struct RestoreArgs {
    #[command(flatten)]
    brokers: BrokerArgs,
    /// How many aggregates there are, with one event each.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    aggregates: u32,
    /// Partitions of input and stream.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(i32).range(1..))]
    partitions: i32,
    /// Worker threads of kolo, and threads of the bare read.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    workers: u16,
    /// How many runs of each.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

/// Runs the benchmark.
///
/// # Errors
/// When a broker does not answer, or something is not restored as it was.
pub(crate) fn run(arguments: &RestoreArgs) -> anyhow::Result<()> {
    live::listen();
    for subject in arguments.brokers.subjects()? {
        one(&subject, arguments)?;
    }
    Ok(())
}

fn one(subject: &Subject, arguments: &RestoreArgs) -> anyhow::Result<()> {
    let folder = std::env::temp_dir().join(format!("kolo-bench-{}", std::process::id()));
    let mut config = Config::new(&subject.bootstrap);
    config.workers = usize::from(arguments.workers);
    config.partitions = arguments.partitions;
    config.state_dir = std::path::PathBuf::new();
    let topics = Topics::connect(&config)?;
    topics.renew(fill::INPUT, arguments.partitions)?;
    topics.renew(AccountEvent::STREAM, arguments.partitions)?;
    let bytes = fill::fill(&config, arguments)?;
    say(format!(
        "{}: {} aggregates, {bytes:.0} bytes each in the stream; {} partitions, {} threads a side",
        subject.name, arguments.aggregates, arguments.partitions, arguments.workers
    ));
    say("what             run  seconds  aggregates/s a thread  load");
    let mut spreads = [const { Vec::new() }; 3];
    for number in 1..=arguments.runs {
        let seconds = bare::read(&config, arguments)?;
        tell("bare read", number, seconds, arguments, &mut spreads[0]);
        config.state_dir = std::path::PathBuf::new();
        let whole = live::take_over(&config, arguments, None)?;
        ensure!(
            whole.read >= u64::from(arguments.aggregates),
            "it read {} records",
            whole.read
        );
        tell(
            "whole stream",
            number,
            whole.seconds,
            arguments,
            &mut spreads[1],
        );
        config.state_dir.clone_from(&folder);
        if number == 1 {
            let TakeOver { seconds, .. } = live::take_over(&config, arguments, Some(&folder))?;
            say(format!(
                "(taken over in {seconds:.1} s, and kept; the files take {:.0} MB)",
                live::kept_bytes(&folder)? as f64 / 1e6
            ));
        }
        let kept = live::take_over(&config, arguments, None)?;
        ensure!(
            kept.read < 1_000,
            "a snapshot was there, and {} records were read",
            kept.read
        );
        tell("snapshot", number, kept.seconds, arguments, &mut spreads[2]);
    }
    std::fs::remove_dir_all(&folder)?;
    topics.delete(fill::INPUT)?;
    topics.delete(AccountEvent::STREAM)?;
    for (name, seconds) in ["bare read", "whole stream", "snapshot"]
        .into_iter()
        .zip(&spreads)
    {
        if let Some(spread) = Spread::of(seconds.iter().copied()) {
            say(format!(
                "{name:<15} seconds: min / median / max  {spread:.2}"
            ));
        }
        let ratios = spreads[0]
            .iter()
            .zip(seconds)
            .map(|(bare, other)| bare / other);
        if let Some(spread) = Spread::of(ratios) {
            say(format!(
                "{name:<15} rate / bare: min / median / max  {spread:.2}"
            ));
        }
    }
    Ok(())
}

fn tell(what: &str, run: usize, seconds: f64, arguments: &RestoreArgs, all: &mut Vec<f64>) {
    let rate = f64::from(arguments.aggregates) / seconds / f64::from(arguments.workers);
    say(format!(
        "{what:<15}  {run:>3}  {seconds:>7.2}  {rate:>21.0}  {:>4}",
        load_text()
    ));
    all.push(seconds);
}
