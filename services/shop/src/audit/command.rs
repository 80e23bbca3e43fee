//! `shop audit`: the audit of what stands on the topics, whoever wrote it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::{Audit, Findings, Ledger};
use crate::connect::ConnectArgs;
use crate::run::RunId;

/// `shop audit`
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 the books balance, 1 they do not, 2 they cannot be read or the command makes no sense."
)]
pub struct AuditArgs {
    #[command(flatten)]
    connect: ConnectArgs,
    #[command(flatten)]
    source: LedgerSource,
    /// Look at this run alone, the first eight hex digits of its order ids.
    #[arg(long, value_name = "RUN")]
    run: Option<RunId>,
    /// Wait up to so many seconds for the services to finish, and judge then.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Where the gateway's ledger is.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct LedgerSource {
    /// The gateway, such as http://127.0.0.1:9400.
    #[arg(long, value_name = "URL")]
    gateway: Option<String>,
    /// The file in which the gateway keeps its ledger.
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
}

impl LedgerSource {
    fn read(&self) -> anyhow::Result<Ledger> {
        match (&self.gateway, &self.ledger) {
            (Some(url), _) => Ledger::ask(url),
            (None, Some(file)) => Ledger::read(file),
            (None, None) => {
                anyhow::bail!("the ledger is missing: say --gateway URL or --ledger FILE")
            }
        }
    }
}

/// Audits, and prints what it found.
///
/// # Errors
/// When a topic or the ledger cannot be read.
pub fn run(args: &AuditArgs) -> anyhow::Result<ExitCode> {
    // Whoever mistyped where it is need not wait for the topics to be read.
    args.source.read()?;
    let scope = args.run.map(|run| run.to_string());
    let mut audit = Audit::open(&args.connect.config()?, scope)?;
    let report = audit.settle(
        Duration::from_secs(args.wait),
        || args.source.read(),
        || Ok(()),
    )?;
    if args.json {
        let violations: serde_json::Map<_, _> = report
            .findings
            .all()
            .iter()
            .map(|(name, _, finding)| ((*name).to_owned(), json!(finding.told())))
            .collect();
        let summary = json!({
            "orders": report.orders,
            "confirmed": report.confirmed,
            "cancelled": report.cancelled,
            "pending": report.pending,
            "captured_cents": report.captured_cents,
            "events": audit.books().events(),
            "void": audit.books().void(),
            "invariants": report.findings.verdicts(),
            "violations": violations,
        });
        crate::print(&summary.to_string())?;
    } else {
        crate::print(&format!(
            "{} orders: {} confirmed, {} cancelled, {} pending ({} events, {} void records)",
            report.orders,
            report.confirmed,
            report.cancelled,
            report.pending,
            audit.books().events(),
            audit.books().void()
        ))?;
        crate::print(describe(&report.findings).trim_end())?;
    }
    Ok(if report.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The findings for people: a line an invariant, and the first violations of each.
#[must_use]
pub(crate) fn describe(findings: &Findings) -> String {
    let mut text = String::new();
    for (name, meaning, finding) in findings.all() {
        let mark = if finding.holds() { "✓" } else { "✗" };
        text += &format!("  {mark} {name:<11} {meaning}\n");
        for message in finding.told() {
            text += &format!("      {message}\n");
        }
        let more = finding.violations() - finding.told().len();
        if more > 0 {
            text += &format!("      … and {more} more\n");
        }
    }
    text
}
