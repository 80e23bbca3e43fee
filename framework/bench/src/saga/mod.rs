//! The sample's order saga, from OrderCreated to OrderConfirmed: orders a second at saturation, and latency at given
//! rates, with the three services in this process or in three of their own.
//!
//! An order's latency runs from the timestamp with which its OrderCreated was published to the moment when a reader of
//! the order service's stream, in this process, gets its OrderConfirmed. Timestamps are whole milliseconds.

mod observe;
mod services;

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use kolo::Config;
use shop::RunId;
use shop::load::{Plan, Publisher, publish_orders, publish_stock, topics};

use crate::broker::{BrokerArgs, Subject};
use crate::machine::load_text;
use crate::say;
use crate::spread::{Spread, percentile};

use observe::Observer;
use services::Services;

/// How long orders may take to end after the last one was placed.
const PATIENCE: Duration = Duration::from_secs(180);

/// `kolo-bench saga`
#[derive(Debug, Args)]
pub(crate) struct SagaArgs {
    #[command(flatten)]
    brokers: BrokerArgs,
    /// Where the services run.
    #[arg(long, value_enum, default_values_t = [Place::OneProcess, Place::ThreeProcesses])]
    services: Vec<Place>,
    /// Rates of orders a second to measure the latency at.
    #[arg(long, value_delimiter = ',', default_values_t = [200, 1_000])]
    rates: Vec<u32>,
    /// How many seconds each rate is kept up.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// How many orders are placed at once, to measure the rate at saturation; 0 leaves it out.
    #[arg(long, default_value_t = 20_000)]
    orders: u32,
    /// Worker threads of each aggregate.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    workers: u16,
    /// Partitions of the topics, where they do not exist yet.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(i32).range(1..))]
    partitions: i32,
    /// How often each measurement is made.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Place {
    /// All three in this process, with the load and the gateway.
    OneProcess,
    /// Each in its own; the binaries stand beside this one (`cargo build --release -p order -p inventory -p payment`).
    ThreeProcesses,
}

impl Place {
    const fn name(self) -> &'static str {
        match self {
            Place::OneProcess => "one process",
            Place::ThreeProcesses => "three processes",
        }
    }
}

/// What one measurement came to.
struct Run {
    orders_per_second: f64,
    p50: f64,
    p99: f64,
    /// CPU seconds a thousand orders: services, gateway, load and observer; and the broker.
    client: Option<f64>,
    broker: Option<f64>,
}

/// Runs the benchmark.
///
/// # Errors
/// When the broker cannot be reached, a service fails, or orders do not end.
pub(crate) fn run(arguments: &SagaArgs) -> anyhow::Result<()> {
    for subject in arguments.brokers.subjects()? {
        let mut config = Config::new(&subject.bootstrap);
        config.workers = usize::from(arguments.workers);
        config.partitions = arguments.partitions;
        for &place in &arguments.services {
            let services = Services::start(place, &config)?;
            let mut bench = Bench {
                config: &config,
                services: &services,
                broker: &subject,
            };
            let outcome = bench.all(place, arguments);
            let stopped = services.stop();
            outcome.and(stopped)?;
        }
    }
    Ok(())
}

struct Bench<'a> {
    config: &'a Config,
    services: &'a Services,
    broker: &'a Subject,
}

impl Bench<'_> {
    fn all(&mut self, place: Place, arguments: &SagaArgs) -> anyhow::Result<()> {
        // The first orders of a process meet cold caches and connections that are not there yet.
        self.measure(Some(200), 1_000)?;
        say(format!("\n{}, on {}", place.name(), self.broker.name));
        say("load         run  orders/s  p50 ms  p99 ms  CPU s/1,000  broker CPU s/1,000  load");
        let rates = arguments
            .rates
            .iter()
            .map(|&rate| (Some(rate), rate.saturating_mul(arguments.seconds)));
        let saturation = (arguments.orders > 0).then_some((None, arguments.orders));
        for (rate, orders) in rates.chain(saturation) {
            let name = rate.map_or_else(|| "saturation".to_owned(), |rate| format!("{rate}/s"));
            let mut runs = Vec::new();
            for number in 1..=arguments.runs {
                let run = self.measure(rate, orders)?;
                let figure = |figure: Option<f64>| {
                    figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.2}"))
                };
                say(format!(
                    "{name:<12} {number:>3}  {:>8.0}  {:>6.1}  {:>6.1}  {:>11}  {:>18}  {:>4}",
                    run.orders_per_second,
                    run.p50,
                    run.p99,
                    figure(run.client),
                    figure(run.broker),
                    load_text(),
                ));
                runs.push(run);
            }
            summary(&name, &runs);
        }
        Ok(())
    }

    fn measure(&mut self, rate: Option<u32>, orders: u32) -> anyhow::Result<Run> {
        let plan = Plan {
            run: RunId::fresh(),
            orders: orders.into(),
            seed: 7,
            duplicates: 0.0,
        };
        let mut publisher = Publisher::connect(self.config, &topics())?;
        let mut observer = Observer::open(self.config, plan)?;
        publish_stock(plan, &mut publisher)?;
        self.until(|| observer.stock_has_arrived())?;

        let cpu = [self.services.cpu_seconds(), self.broker.cpu_seconds()];
        let publishing = std::thread::Builder::new()
            .name("load".into())
            .spawn(move || {
                publish_orders(
                    plan,
                    rate.map(f64::from),
                    &mut publisher,
                    &ProgressBar::hidden(),
                    || Ok(()),
                )
            });
        let publishing = publishing.context("no thread")?;
        let observed = self.until(|| observer.orders_have_ended());
        match publishing.join() {
            Ok(published) => published?,
            Err(_) => bail!("the load panicked"),
        }
        observed?;

        let thousands = f64::from(orders) / 1_000.0;
        let since = |before: Option<f64>, now: Option<f64>| Some((now? - before?) / thousands);
        let client = since(cpu[0], self.services.cpu_seconds());
        let broker = since(cpu[1], self.broker.cpu_seconds());
        let figures = observer.figures();
        let confirmed = || "no order was confirmed, so there is no latency";
        Ok(Run {
            orders_per_second: figures.orders_per_second,
            p50: percentile(&figures.latencies_ms, 50).with_context(confirmed)?,
            p99: percentile(&figures.latencies_ms, 99).with_context(confirmed)?,
            client,
            broker,
        })
    }

    fn until(
        &self,
        mut done: impl FnMut() -> anyhow::Result<observe::Progress>,
    ) -> anyhow::Result<()> {
        let mut moved = Instant::now();
        let mut before = None;
        loop {
            let progress = done()?;
            if progress.left == 0 {
                return Ok(());
            }
            if before != Some(progress.left) {
                moved = Instant::now();
            } else if moved.elapsed() > PATIENCE {
                bail!(
                    "{} {} are awaited, and none has come for {PATIENCE:?}",
                    progress.left,
                    progress.what
                );
            }
            before = Some(progress.left);
            self.services.check()?;
        }
    }
}

/// One column of the table.
type Figure = fn(&Run) -> Option<f64>;

fn summary(name: &str, runs: &[Run]) {
    let columns: [(&str, Figure); 5] = [
        ("orders/s", |run| Some(run.orders_per_second)),
        ("p50 ms", |run| Some(run.p50)),
        ("p99 ms", |run| Some(run.p99)),
        ("CPU s/1,000", |run| run.client),
        ("broker CPU s/1,000", |run| run.broker),
    ];
    for (column, figure) in columns {
        if let Some(spread) = Spread::of(runs.iter().filter_map(figure)) {
            say(format!(
                "{name:<12} {column:<18} min / median / max  {spread:.1}"
            ));
        }
    }
}
