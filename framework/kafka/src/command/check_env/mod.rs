//! `check-env`: whether a service could run here, before anything is started: brokers, topics, permissions, clock, schema registry,
//! disk, ports.
//!
//! It is a command of the service, and not of `kolo`: what must be there follows from the declaration, and what is there depends
//! on whom the brokers take the service for. It changes nothing but for the directory for state, which it creates, and one record without
//! a meaning, by which the clocks are compared.
//!
//! | file | idea |
//! |---|---|
//! | `finding.rs` | what is found, and how it is shown |
//! | `brokers.rs` | every broker lets the service in, and is new enough |
//! | `topics.rs` | topics are as they must be, or could be created; what the service does with them is allowed |
//! | `clock.rs` | this clock is that of the brokers |
//! | `registry.rs` | the schema registry has the schemas |
//! | `machine.rs` | disk and ports of this machine |

mod brokers;
mod clock;
mod finding;
mod machine;
mod registry;
mod topics;

use kolo_core::Service;

use crate::beside::Needs;
use crate::config::Config;

use super::failure::Failure;
use super::print;
use finding::{Findings, Level};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  Could the service run with this configuration?
    order check-env --config order.toml

  In a pipeline, before it is deployed:
    order check-env --json

Each line is ok, a warn(ing) that the service would run with, or an error that it would not.
Exit codes: 0 there is no error, 1 there is.")]
pub(super) struct Args {
    /// Print one JSON array.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    service: &Service,
    needs: Needs,
    config: &Config,
    args: &Args,
) -> Result<(), Failure> {
    let mut found = Findings::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // Whoever is not let in would hear the same of everything else.
    if brokers::check(config, &mut found) {
        runtime.block_on(topics::check(service, &needs, config, &mut found));
        clock::check(config, &mut found);
    }
    registry::check(service, &needs.publishes, config, &mut found);
    machine::check(service, config, &mut found);
    runtime.block_on(machine::listeners(needs.listens, &mut found));
    print(&found.shown(args.json))?;
    match found.worst() {
        Level::Ok | Level::Warn => Ok(()),
        Level::Error => Err(Failure::NotDone),
    }
}
