//! The command line that every service binary gets: `run`, `describe`, `topics`.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use kolo_core::{Description, Kind, Outgoing, Retries, Service};
use tracing_subscriber::EnvFilter;

use crate::app::App;
use crate::config::Config;
use crate::topics::{Role, TopicAdmin, roles};

/// Everything went well.
const OK: u8 = 0;
/// It failed while it ran, or could not start.
const FAILED: u8 = 1;

#[derive(Parser)]
#[command(
    after_help = "Exit codes: 0 stopped on request, 1 failed or could not start, 2 wrong usage.\n\
    Configuration: a TOML file given with --config, overridden by the environment: KOLO_BOOTSTRAP, KOLO_WORKERS,\n\
    KOLO_PARTITIONS, …; KOLO_KAFKA_<PROPERTY> passes a property to librdkafka, with _ for the dots.\n\
    Logs go to stderr; KOLO_LOG=debug shows more, KOLO_LOG_FORMAT=json writes JSON."
)]
struct Arguments {
    /// The configuration file.
    #[arg(long, env = "KOLO_CONFIG", value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// The brokers to start from; overrides the configuration.
    #[arg(long, value_name = "HOST:PORT", global = true)]
    bootstrap: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand, Clone, Copy)]
enum Command {
    /// Run the service until SIGTERM or Ctrl-C (this is what happens without a command).
    Run,
    /// Show what the service reacts to, emits, undoes, routes and calls.
    Describe,
    /// Create the topics that are missing, verify those that are there, and list them.
    Topics,
}

impl App {
    /// The whole `main` of a service binary: parses the command line, sets up logging, and runs the command.
    #[must_use = "return it from `main`"]
    pub fn main(self) -> ExitCode {
        let name = self.service.name();
        let command = Arguments::command()
            .name(name)
            .about(format!("The {name} service, built on kolo."));
        let arguments = Arguments::from_arg_matches(&command.get_matches());
        let arguments = arguments.unwrap_or_else(|error| error.exit());
        log_to_stderr();
        let config = match Config::load(arguments.config.as_deref()) {
            Ok(config) => config,
            Err(error) => return fail(name, &error),
        };
        let config = match arguments.bootstrap {
            Some(bootstrap) => Config {
                bootstrap,
                ..config
            },
            None => config,
        };
        let outcome = match arguments.command.unwrap_or(Command::Run) {
            Command::Run => self.run(&config),
            Command::Describe => print(&describe(&self.service)),
            Command::Topics => self.topics(&config),
        };
        match outcome {
            Ok(()) => ExitCode::from(OK),
            Err(error) => fail(name, error.as_ref()),
        }
    }

    fn run(self, config: &Config) -> Result<(), Box<dyn std::error::Error>> {
        let name = self.service.name();
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
            // The second signal ends the process at once.
            signal_hook::flag::register_conditional_shutdown(
                signal,
                i32::from(FAILED),
                Arc::clone(&stop),
            )?;
            signal_hook::flag::register(signal, Arc::clone(&stop))?;
        }
        tracing::info!(?config, "{name} starts");
        let running = self.start(config)?;
        while !stop.load(Ordering::Relaxed) {
            if running.wait(Duration::from_millis(100)) {
                break;
            }
        }
        if stop.load(Ordering::Relaxed) {
            tracing::info!("{name} stops; a second signal ends it at once");
        }
        running.stop()?;
        tracing::info!("{name} has stopped");
        Ok(())
    }

    fn topics(self, config: &Config) -> Result<(), Box<dyn std::error::Error>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let topics = runtime.block_on(async {
            let admin = TopicAdmin::new(config)?;
            Ok::<_, Box<dyn std::error::Error>>(admin.prepare(&self.service).await?)
        })?;
        let mut text = String::new();
        for aggregate in self.service.aggregates() {
            let description = aggregate.description();
            text += &format!("{}.{}\n", self.service.name(), description.aggregate);
            for (name, role) in roles(&self.service, &description) {
                let role = match role {
                    Role::Stream => "stream",
                    Role::Input => "input",
                    Role::Inbox => "inbox",
                    Role::RouteSource => "routed from",
                };
                let found = topics.get(&name);
                let (partitions, id) = found.map_or((0, String::new()), |topic| {
                    (topic.partitions, topic.id.to_string())
                });
                text += &format!("  {role:<12} {name:<32} {partitions:>3} partitions  {id}\n");
            }
        }
        print(&text)
    }
}

fn log_to_stderr() {
    let filter = EnvFilter::try_from_env("KOLO_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // A process that logs already keeps its own way.
    let _ = match std::env::var("KOLO_LOG_FORMAT").as_deref() {
        Ok("json") => log.json().try_init(),
        _ => log.with_ansi(std::io::stderr().is_terminal()).try_init(),
    };
}

/// Prints to stdout; a reader that has gone away is no error.
fn print(text: &str) -> Result<(), Box<dyn std::error::Error>> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Ends a service that cannot be set up: says why on stderr, and gives the exit code for `main`.
#[must_use = "return it from `main`"]
pub fn refuse(name: &str, error: &dyn std::error::Error) -> ExitCode {
    fail(name, error)
}

fn fail(name: &str, error: &dyn std::error::Error) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "{name}: {error}");
    ExitCode::from(FAILED)
}

/// The declaration in words.
fn describe(service: &Service) -> String {
    let mut text = format!("service {}\n", service.name());
    for aggregate in service.aggregates() {
        let known = aggregate.description();
        text += &format!("\n{}.{}", service.name(), known.aggregate);
        text += &format!(
            "  keyed by {}, stream `{}`, version {}\n",
            known.key, known.stream, known.version
        );
        text += &reactions(service, &known);
        for undo in &known.compensations {
            text += &format!("  undoes   {:<24}", undo.undoes.short_name());
            text += &format!(
                " on {:<20} -> {}    {}\n",
                undo.event.short_name(),
                edges(&undo.emits),
                undo.function
            );
        }
        if let Some(deadline) = &known.deadline {
            text += &format!(
                "  waits    {:<24} -> {}    {}\n",
                "until a deadline",
                edges(&deadline.emits),
                deadline.function
            );
        }
        for effect in &known.effects {
            let port = effect
                .port_name
                .rsplit("::")
                .next()
                .unwrap_or(effect.port_name);
            text += &format!(
                "  calls    {port:<24} for {:<19}",
                effect.request.short_name()
            );
            text += &format!(" -> {}    {}\n", edges(&effect.emits), effect.function);
            text += &format!("           {}", effect.policy);
            text += &match (effect.exhausted, effect.policy.retries) {
                (Some(answer), _) => format!("; then {answer}\n"),
                (None, Retries::ForEver) => "\n".to_owned(),
                (None, _) => "; then somebody must look\n".to_owned(),
            };
        }
    }
    text
}

fn reactions(service: &Service, known: &Description) -> String {
    let mut text = String::new();
    for reaction in &known.reactions {
        let topic = match reaction.kind {
            Kind::On => format!("from `{}`", reaction.event.topic),
            Kind::Routed => format!(
                "routed from `{}` through `{}`",
                reaction.event.topic,
                service.inbox(known.aggregate)
            ),
        };
        let pivot = if reaction.pivot { ", pivot" } else { "" };
        text += &format!("  reacts   {:<24}", reaction.event.short_name());
        text += &format!(
            " -> {}    {} {topic}{pivot}\n",
            edges(&reaction.emits),
            reaction.function
        );
    }
    text
}

fn edges(edges: &[Outgoing]) -> String {
    let mut names: Vec<String> = Vec::new();
    for edge in edges {
        let mark = match (edge.failure, edge.optional) {
            (true, _) => "!",
            (false, true) => "?",
            (false, false) => "",
        };
        let name = format!("{}{mark}", edge.event.short_name());
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        "nothing".into()
    } else {
        names.join(" | ")
    }
}
