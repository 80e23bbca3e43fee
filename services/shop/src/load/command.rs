//! `shop load`: publishes a run for services that run elsewhere.

use std::time::Instant;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{Plan, Publisher, publish_orders, publish_stock, topics};
use crate::connect::ConnectArgs;
use crate::run::RunId;

/// What a load is made of.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "The load")]
pub struct LoadArgs {
    /// How many orders to place.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub orders: u64,
    /// The orders, their articles and their fates are drawn from this seed.
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub seed: u64,
    /// Orders a second; as fast as it goes unless told.
    #[arg(long, value_name = "N", value_parser = rate)]
    pub rate: Option<f64>,
    /// The share of orders that are published twice: half of them under the same event id, half under another.
    #[arg(long, value_name = "0..1", default_value_t = 0.0, value_parser = share)]
    pub duplicates: f64,
    /// The name of the run, eight hex digits with which all its keys start; a fresh one unless told.
    #[arg(long, value_name = "RUN")]
    pub run: Option<RunId>,
}

impl LoadArgs {
    /// The plan, with a fresh run's name if none was given.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let run = self.run.unwrap_or_else(RunId::fresh);
        Plan {
            run,
            orders: self.orders,
            seed: self.seed,
            duplicates: self.duplicates,
        }
    }
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text
        .parse()
        .map_err(|_| "expected a number from 0 to 1".to_owned())?;
    if (0.0..=1.0).contains(&share) {
        Ok(share)
    } else {
        Err("expected a number from 0 (none) to 1 (all)".into())
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text
        .parse()
        .map_err(|_| "expected a number of orders a second".to_owned())?;
    if rate.is_finite() && rate > 0.0 {
        Ok(rate)
    } else {
        Err("expected more than 0 orders a second".into())
    }
}

/// `shop load`
#[derive(Debug, Args)]
pub struct RunLoadArgs {
    #[command(flatten)]
    connect: ConnectArgs,
    /// Print one JSON object at the end: `{"run","orders","seconds"}`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    load: LoadArgs,
}

/// A progress bar on stderr, where that is a terminal.
pub(crate) fn progress(orders: u64, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{msg:>9} {wide_bar:.green} {human_pos}/{human_len}  {per_sec}  {eta} left",
    );
    let bar = ProgressBar::new(orders).with_message(what);
    match style {
        Ok(style) => bar.with_style(style),
        // A template that does not parse would be a defect of this file; the default bar serves as well.
        Err(_) => bar,
    }
}

/// Publishes, prints the run's name, and ends.
///
/// # Errors
/// When the broker cannot be reached, a topic is missing, or an event cannot be published.
pub fn run(args: &RunLoadArgs) -> anyhow::Result<()> {
    let plan = args.load.plan();
    let mut publisher = Publisher::connect(&args.connect.config()?, &topics())?;
    if !args.json {
        crate::print(&format!(
            "run {}: publishing {} orders",
            plan.run, plan.orders
        ))?;
    }
    let bar = progress(plan.orders, "published");
    let begun = Instant::now();
    publish_stock(plan, &mut publisher)?;
    publish_orders(plan, args.load.rate, &mut publisher, &bar, || Ok(()))?;
    bar.finish_and_clear();
    let seconds = begun.elapsed().as_secs_f64();
    if args.json {
        let summary =
            json!({ "run": plan.run.to_string(), "orders": plan.orders, "seconds": seconds });
        crate::print(&summary.to_string())?;
    } else {
        crate::print(&format!(
            "published in {seconds:.1} s; once the services are through with it:"
        ))?;
        crate::print(&format!("  shop audit --run {} --gateway URL", plan.run))?;
    }
    Ok(())
}
