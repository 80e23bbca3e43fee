//! The demo: the whole shop in one process, one run through it, and the audit of what came of it.

mod services;
mod summary;
mod watch;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use indicatif::ProgressBar;
use kolo::Config;

pub use summary::{Latency, Summary};

use crate::audit::{Audit, Ledger, Movement, Report};
use crate::connect::ConnectArgs;
use crate::gateway::{FaultArgs, Gateway, Statement};
use crate::load::{LoadArgs, Plan, Publisher, progress, publish_orders, publish_stock, topics};
use services::Services;
use watch::{Watch, deadline};

/// `shop demo`
#[derive(Debug, Args)]
#[command(
    after_help = "Without --bootstrap, KOLO_BOOTSTRAP and a file that names brokers, it runs on an embedded broker, which is in memory and gone at its end.\n\n\
    Other instances of these services on the same broker would take a share of the work, and charge another gateway.\n\n\
    Exit codes: 0 all orders ended and the books balance, 1 not so, 2 it could not be run."
)]
pub struct DemoArgs {
    #[command(flatten)]
    connect: ConnectArgs,
    /// Give up when orders have not ended so many seconds after the last was placed.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,
    /// Give up when the books do not balance so many seconds after the last order has ended.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    settle: u64,
    /// Print one JSON object as the last line, instead of the page for people.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    load: LoadArgs,
    #[command(flatten)]
    faults: FaultArgs,
}

/// Runs the shop once.
///
/// # Errors
/// When the broker cannot be reached, or a service fails.
pub fn run(args: &DemoArgs) -> anyhow::Result<ExitCode> {
    // The broker is there until the services have stopped.
    let (config, broker) = args.connect.config_or_embedded()?;
    if let Some(broker) = &broker {
        tell(&format!(
            "embedded broker on {}; --bootstrap ADDR uses your own Kafka",
            broker.bootstrap()
        ));
    }
    let plan = args.load.plan();
    let services = Services::start(&config, &args.faults)?;
    let outcome = run_through(args, &config, plan, &services);
    let statement = services.gateway().statement();
    let stopped = services.stop();
    let report = match (outcome, stopped) {
        (Ok(report), stopped) => stopped.map(|()| report)?,
        // Both say the same, and the service knows more.
        (Err(_), Err(failure)) => return Err(failure),
        (Err(error), Ok(())) => return Err(error),
    };
    let summary = Summary::of(&report);
    if args.json {
        crate::print(&serde_json::to_string(&summary).context("the summary")?)?;
    } else {
        crate::print(summary.page(plan.run, &report, &statement).trim_end())?;
    }
    Ok(if report.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// For people, beside the page or the object that the run comes to.
#[expect(
    clippy::print_stderr,
    reason = "stdout is for what the run comes to, and this is no event to be logged"
)]
fn tell(line: &str) {
    eprintln!("{line}");
}

fn run_through(
    args: &DemoArgs,
    config: &Config,
    plan: Plan,
    services: &Services,
) -> anyhow::Result<Report> {
    let mut publisher = Publisher::connect(config, &topics())?;
    let mut stock = Watch::stock(config, plan)?;
    publish_stock(plan, &mut publisher)?;
    // An order that overtakes the goods would be short of them: true, but not what this run wants to show.
    stock.wait(
        deadline(args.timeout),
        "articles did not get into stock",
        &ProgressBar::hidden(),
        || services.check(),
    )?;

    let mut orders = Watch::orders(config, plan)?;
    let bar = progress(plan.orders, "ended");
    let published = publish_orders(
        plan,
        args.load.rate,
        &mut publisher,
        &ProgressBar::hidden(),
        || {
            bar.set_position(orders.look()?);
            services.check()
        },
    );
    published?;
    let waited = orders.wait(deadline(args.timeout), "orders did not end", &bar, || {
        services.check()
    });
    bar.finish_and_clear();
    services.check()?;
    // Orders that have not ended are for the audit to count; that some are left is told at once.
    let patience = match waited {
        Ok(()) => args.settle,
        Err(error) => {
            tracing::error!("{error}");
            0
        }
    };
    let mut audit = Audit::open(config, Some(plan.run.to_string()))?;
    audit.settle(
        Duration::from_secs(patience),
        || Ok(ledger(services.gateway())),
        || services.check(),
    )
}

/// The ledger as the audit reads it, without the way over HTTP.
fn ledger(gateway: &Gateway) -> Ledger {
    let Statement {
        charges, refunds, ..
    } = gateway.statement();
    let charges = charges.into_iter().map(|charge| Movement {
        idempotency_key: charge.idempotency_key,
        order_id: charge.order_id,
        amount_cents: charge.amount_cents,
        currency: charge.currency,
    });
    let refunds = refunds.into_iter().map(|refund| Movement {
        idempotency_key: refund.idempotency_key,
        order_id: refund.order_id,
        amount_cents: refund.amount_cents,
        currency: refund.currency,
    });
    Ledger {
        charges: charges.collect(),
        refunds: refunds.collect(),
    }
}
