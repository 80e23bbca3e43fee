//! `shop`: the sample, whole. Without arguments it runs the demo.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use shop::{audit, demo, gateway, load};
use tracing_subscriber::EnvFilter;

/// What is logged unless KOLO_LOG says otherwise: calls of the gateway that are made again are what its faults are for.
const QUIET: &str = "warn,kolo_kafka::effects=error";

/// It could not be run, or made no sense; clap ends with the same code on wrong usage.
const CANNOT: u8 = 2;

/// The sample shop: orders, stock and payments over Kafka, and an audit of the books.
///
/// Without a command it runs the demo with its defaults.
#[derive(Parser)]
#[command(
    name = "shop",
    version,
    after_help = "Logs go to stderr: KOLO_LOG=info shows what the services do.\n\nstart with:\n  cargo run --release\n\nThat needs no Kafka. `kolo dev` and scripts/kafka/start run a broker for the other commands."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the whole shop in this process: topics, services, gateway, a load, and the audit.
    Demo(demo::DemoArgs),
    /// Publish stock, orders and cancellations for services that run elsewhere.
    Load(load::RunLoadArgs),
    /// Read the topics and the gateway's ledger, and say whether the books balance.
    Audit(audit::AuditArgs),
    /// Run the sandbox payment gateway as a process of its own.
    Gateway(gateway::GatewayArgs),
}

fn main() -> ExitCode {
    let arguments = if std::env::args_os().len() > 1 {
        Arguments::parse()
    } else {
        let demo = Arguments::command().get_matches_from(["shop", "demo"]);
        Arguments::from_arg_matches(&demo).unwrap_or_else(|error| error.exit())
    };
    log_to_stderr();
    let outcome = match &arguments.command {
        Command::Demo(args) => demo::run(args),
        Command::Load(args) => load::run(args).map(|()| ExitCode::SUCCESS),
        Command::Audit(args) => audit::run(args),
        Command::Gateway(args) => gateway::run(args).map(|()| ExitCode::SUCCESS),
    };
    outcome.unwrap_or_else(|error| {
        #[expect(
            clippy::print_stderr,
            reason = "the one place that tells a person why it ends"
        )]
        {
            eprintln!("shop: {}", in_full(&error));
        }
        ExitCode::from(CANNOT)
    })
}

/// An error with its causes, but for those that it tells already.
fn in_full(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn log_to_stderr() {
    let filter = EnvFilter::try_from_env("KOLO_LOG").unwrap_or_else(|_| EnvFilter::new(QUIET));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match std::env::var("KOLO_LOG_FORMAT").as_deref() {
        Ok("json") => log.json().init(),
        _ => log.with_ansi(std::io::stderr().is_terminal()).init(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_tells_each_cause_once() {
        let error = anyhow::anyhow!("timed out")
            .context("no answer: timed out")
            .context("cannot start");
        assert_eq!(in_full(&error), "cannot start: no answer: timed out");
    }

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }
}
