//! Observed: what metrics and traces cost the loop of kolo.
//!
//! Each run is a process of its own, `kolo-bench loop --only kolo`, on the same broker. The ways to be observed take turns,
//! and each is compared with the first of them in the same round. Spans go to a sink in this process, so that the
//! collector's CPU time is not counted.

mod sink;

use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use clap::Args;

use crate::broker::BrokerArgs;
use crate::machine::load_text;
use crate::say;
use crate::spread::Spread;
use crate::throughput::{COLUMNS, Run, figure, ratios};

use sink::Sink;

/// `kolo-bench observed`
#[derive(Debug, Clone, Args)]
pub(crate) struct ObservedArgs {
    #[command(flatten)]
    brokers: BrokerArgs,
    /// How many records each run takes.
    #[arg(long, default_value_t = 2_000_000)]
    records: u32,
    /// How many rounds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// A collector, as http://host:port, in place of the sink that reads spans and forgets them.
    #[arg(long, value_name = "URL")]
    collector: Option<String>,
}

/// One way to be observed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    /// Nothing is even counted.
    Uncounted,
    /// Counted, and nobody asks.
    Counted,
    /// Its metrics are scraped.
    Scraped,
    /// As well, and this share of the traces is told.
    Traced(f64),
}

const SHARES: [f64; 3] = [0.01, 0.1, 1.0];

impl Way {
    fn name(self) -> String {
        match self {
            Way::Uncounted => "uncounted".into(),
            Way::Counted => "counted".into(),
            Way::Scraped => "scraped".into(),
            Way::Traced(share) => format!("traced {:.0} %", share * 100.0),
        }
    }
}

/// Runs the benchmark.
///
/// # Errors
/// When this program has no traces, or a run does not come to its end.
pub(crate) fn run(arguments: &ObservedArgs) -> anyhow::Result<()> {
    ensure!(
        cfg!(feature = "observed"),
        "this program tells no traces: build it with --features observed"
    );
    let sink = Sink::start()?;
    let mut ways = vec![Way::Uncounted, Way::Counted, Way::Scraped];
    ways.extend(SHARES.map(Way::Traced));
    say("way            run  records/s  client CPU s/M  broker CPU s/M  spans dropped  load");
    let mut runs: Vec<Vec<Run>> = vec![Vec::new(); ways.len()];
    for number in 1..=arguments.runs {
        // Another one begins each time, so that none always follows the same.
        for turn in 0..ways.len() {
            let at = (turn + number as usize - 1) % ways.len();
            let run = one(ways[at], arguments, &sink)?;
            say(format!(
                "{:<13}  {number:>3}  {:>9.0}  {:>14}  {:>14}  {:>13}  {:>4}",
                ways[at].name(),
                run.records_per_second,
                figure(run.client),
                figure(run.broker),
                dropped(&run, arguments),
                load_text(),
            ));
            runs[at].push(run);
        }
    }
    for (name, column) in COLUMNS {
        say(format!("\n{name}: min / median / max"));
        let digits = if name == "records/s" { 0 } else { 2 };
        for (way, of) in ways.iter().zip(&runs) {
            let spread = Spread::of(of.iter().filter_map(column));
            let ratio = ratios(of, &runs[0], column);
            if let (Some(spread), Some(ratio)) = (spread, ratio) {
                let (way, first) = (way.name(), ways[0].name());
                say(format!(
                    "{way:<13}  {spread:.digits$}   beside {first}: {ratio:.3}"
                ));
            }
        }
    }
    Ok(())
}

fn dropped(run: &Run, arguments: &ObservedArgs) -> String {
    let share = |dropped: f64| format!("{:.1} %", 100.0 * dropped / f64::from(arguments.records));
    run.dropped_spans.map_or_else(|| "-".to_owned(), share)
}

fn one(way: Way, arguments: &ObservedArgs, sink: &Sink) -> anyhow::Result<Run> {
    let here = std::env::current_exe().context("where this program is")?;
    let mut command = Command::new(&here);
    let records = arguments.records.to_string();
    command
        .args(["loop", "--only", "kolo", "--json", "--runs", "1"])
        .args(["--records", &records])
        .args(arguments.brokers.as_arguments())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    for variable in [
        "KOLO_UNCOUNTED",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    ] {
        command.env_remove(variable);
    }
    if way == Way::Uncounted {
        command.env("KOLO_UNCOUNTED", "1");
    }
    if matches!(way, Way::Scraped | Way::Traced(_)) {
        command.arg("--scraped");
    }
    if let Way::Traced(share) = way {
        let url = arguments.collector.as_ref().unwrap_or(&sink.url);
        command
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", url)
            .env("OTEL_TRACES_SAMPLER", "traceidratio")
            .env("OTEL_TRACES_SAMPLER_ARG", share.to_string());
    }
    let done = command
        .output()
        .with_context(|| format!("{} does not start", here.display()))?;
    let said = String::from_utf8_lossy(&done.stdout);
    ensure!(
        done.status.success(),
        "a run that was {} has failed: {said}",
        way.name()
    );
    let line = said.lines().last().unwrap_or_default();
    serde_json::from_str(line).with_context(|| format!("a run says what is no figure: {said}"))
}
