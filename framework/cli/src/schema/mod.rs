//! `kolo schema`: schemas as they change.
//!
//! - `project`: the folders, read; `graph`: the services that were told of
//! - `check`: against published versions and against all readers; `registered`: against what a registry has; `advice`: what
//!   to do about what is broken
//! - `diff`, `publish`, `register`, `list`, `show`: one subcommand each
//! - `docs`: a page for each event

mod advice;
pub(crate) mod args;
mod check;
mod diff;
mod docs;
mod graph;
mod list;
mod project;
mod publish;
mod register;
mod registered;
mod show;

use kolo_kafka::Config;
use serde_json::Value;

use crate::failure::Failure;
use args::{Action, Schema};
use graph::Services;
use project::Project;
use show::Shown;

/// `asked` is whether brokers were named: without them, and without files, no service is told of.
pub(crate) fn run(
    args: &Schema,
    asked: bool,
    config: impl FnOnce() -> Result<Config, Failure>,
) -> Result<(), Failure> {
    let json = args.folders.json;
    let project = || Project::load(&args.folders);
    match &args.action {
        Action::Register(register) => {
            register::run(register, args.folders.schemas.as_deref(), json, config()?)
        }
        Action::Check(check) => {
            let project = project()?;
            let mut config = config()?;
            if let Some(url) = &check.registry {
                config.registry.url.clone_from(url);
            }
            let brokers = asked.then_some(|| Ok(config.clone()));
            let services = Services::load(&check.manifests.manifests, brokers)?;
            check::run(check, &project, &services, &config, json)
        }
        Action::Diff(diff) => diff::run(diff, &project()?, asked.then_some(config), json),
        Action::Publish { events, dry_run } => publish::run(&project()?, events, *dry_run, json),
        Action::List(manifests) => {
            let project = project()?;
            let services = Services::load(&manifests.manifests, asked.then_some(config))?;
            list::run(&project, &services, json)
        }
        Action::Show {
            event,
            version,
            registered,
            registry,
            raw,
        } => {
            let project = project()?;
            let side = match registered {
                None => Shown::of(&project, event, *version)?,
                Some(number) => {
                    let mut config = config()?;
                    if let Some(url) = registry {
                        config.registry.url.clone_from(url);
                    }
                    Shown::registered(&project, event, *number, &config.registry)?
                }
            };
            show::run(&side, *raw, json)
        }
        Action::Docs {
            to,
            check,
            manifests,
        } => {
            let project = project()?;
            let services = Services::load(&manifests.manifests, asked.then_some(config))?;
            docs::run(&project, &services, to, *check, json)
        }
    }
}

fn print_json(value: &Value) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value).map_err(std::io::Error::from)?;
    std::io::Write::write_all(&mut out, b"\n")?;
    Ok(())
}

/// `1 event`, `2 events`.
fn count(number: usize, what: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{number} {what}{end}")
}
