//! Effects: each input asks for one, the ports of one key are called in order, and each reply is answered by an event.
//!
//! Two own events are appended for each input, and acknowledged: the request before its port is called, the answer
//! after. Inputs are released and time is taken as in [`crate::throughput`].

mod participant;

use std::time::Duration;

use anyhow::ensure;
use clap::Args;
use kolo::{Config, OwnEvents};

use crate::bench::PaymentEvent;
use crate::broker::{BrokerArgs, Subject, Topics};
use crate::machine::{cpu_seconds, load_text};
use crate::say;
use crate::spread::Spread;
use crate::throughput::figure;
use crate::throughput::input::{Input, Load, TOPIC};
use crate::throughput::participant::{await_ready, check};
use crate::throughput::watch::Watch;

/// At the rate that the keys' order allows, no run takes longer than this.
const LONGEST_SECONDS: u32 = 10;

/// `kolo-bench effects`
#[derive(Debug, Clone, Args)]
pub(crate) struct EffectsArgs {
    #[command(flatten)]
    brokers: BrokerArgs,
    /// How long the port takes for a call, in milliseconds.
    #[arg(long, value_delimiter = ',', default_values_t = [0, 1, 10, 100])]
    port_ms: Vec<u32>,
    /// How many records a run takes at most; fewer where the port is slow.
    #[arg(long, default_value_t = 300_000, value_parser = clap::value_parser!(u32).range(1..))]
    records: u32,
    /// How many keys they have.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    keys: u32,
    /// Partitions of input and stream.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(i32).range(1..))]
    partitions: i32,
    /// Worker threads.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    workers: u16,
    /// How many calls the process makes at once; one a key unless told.
    #[arg(long)]
    at_once: Option<usize>,
    /// How many runs for each time.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

/// What one run came to.
#[derive(Debug, Clone, Copy)]
struct Run {
    records_per_second: f64,
    /// CPU seconds a million records: of this process, and of the broker.
    client: Option<f64>,
    broker: Option<f64>,
}

/// Runs the benchmark.
///
/// # Errors
/// When the broker cannot be reached, or a run does not come to its end.
pub(crate) fn run(arguments: &EffectsArgs) -> anyhow::Result<()> {
    let subjects = arguments.brokers.subjects()?;
    say(format!(
        "{} records at most, {} keys, {} partitions, {} workers; load average {}",
        arguments.records,
        arguments.keys,
        arguments.partitions,
        arguments.workers,
        load_text()
    ));
    let mut table = Vec::new();
    say("broker    port ms  run  records/s  client CPU s/M  broker CPU s/M  load");
    for &port_ms in &arguments.port_ms {
        let mut runs: Vec<Vec<Run>> = subjects.iter().map(|_| Vec::new()).collect();
        for number in 1..=arguments.runs {
            for (subject, runs) in subjects.iter().zip(&mut runs) {
                let run = one(port_ms, arguments, subject)?;
                say(format!(
                    "{:<8}  {port_ms:>7}  {number:>3}  {:>9.0}  {:>14}  {:>14}  {:>4}",
                    subject.name,
                    run.records_per_second,
                    figure(run.client),
                    figure(run.broker),
                    load_text(),
                ));
                runs.push(run);
            }
        }
        for (subject, runs) in subjects.iter().zip(&runs) {
            table.push(row(subject.name, port_ms, runs));
        }
    }
    say("\n| broker | port ms | records/s | client CPU s / million | broker CPU s / million |");
    say("|---|---|---|---|---|");
    table.iter().for_each(say);
    Ok(())
}

fn row(broker: &str, port_ms: u32, runs: &[Run]) -> String {
    let spread = |figures: Vec<f64>, digits: usize| {
        Spread::of(figures).map_or_else(|| "-".to_owned(), |spread| format!("{spread:.digits$}"))
    };
    format!(
        "| {broker} | {port_ms} | {} | {} | {} |",
        spread(runs.iter().map(|run| run.records_per_second).collect(), 0),
        spread(runs.iter().filter_map(|run| run.client).collect(), 1),
        spread(runs.iter().filter_map(|run| run.broker).collect(), 1),
    )
}

fn one(port_ms: u32, arguments: &EffectsArgs, subject: &Subject) -> anyhow::Result<Run> {
    let mut config = Config::new(&subject.bootstrap);
    config.workers = usize::from(arguments.workers);
    config.partitions = arguments.partitions;
    config.max_effects = arguments
        .at_once
        .unwrap_or(usize::try_from(arguments.keys)?);
    // A topic that is hidden is looked at again at once when it is released.
    config
        .kafka
        .insert("fetch.error.backoff.ms".into(), "10".into());
    let allowed = 1_000u32
        .checked_div(port_ms)
        .map(|calls| calls.saturating_mul(arguments.keys * LONGEST_SECONDS));
    let records = allowed.map_or(arguments.records, |allowed| allowed.min(arguments.records));
    let stream = PaymentEvent::STREAM;
    let topics = Topics::connect(&config)?;
    topics.renew(TOPIC, arguments.partitions)?;
    topics.renew(stream, arguments.partitions)?;
    let load = Load {
        records,
        keys: arguments.keys,
        partitions: arguments.partitions,
    };
    let input = Input::preload(&config, subject, load)?;
    let watch = Watch::open(&config, stream, arguments.partitions)?;
    let service = participant::start(&config, Duration::from_millis(u64::from(port_ms)))?;
    await_ready(&service, &config, &watch)?;
    let before = watch.offsets()?;
    let target = before.iter().sum::<i64>() + 2 * i64::from(records);
    let cpu = [cpu_seconds(None), subject.cpu_seconds()];

    input.release()?;
    let ended = watch.await_total(target, || check(&service))?;

    let million = f64::from(records) / 1e6;
    let since = |before: Option<f64>, now: Option<f64>| Some((now? - before?) / million);
    let client = since(cpu[0], cpu_seconds(None));
    let broker = since(cpu[1], subject.cpu_seconds());
    ensure!(
        service.pending_effects().is_empty(),
        "every request is answered in the stream, and some are pending"
    );
    service.stop()?;
    let seconds = ended.since(watch.sample(&before)?.first_at).as_secs_f64();
    topics.delete(stream)?;
    topics.delete(TOPIC)?;
    Ok(Run {
        records_per_second: f64::from(records) / seconds,
        client,
        broker,
    })
}
