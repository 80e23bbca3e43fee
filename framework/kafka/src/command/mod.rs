//! The command line that every service binary gets: `run`, `describe`, `manifest`, `topics`, `check-env`, `parked`, `replay`,
//! `state`, `health`.

mod acls;
mod aggregates;
mod check_env;
mod client;
mod control;
mod describe;
mod failure;
mod health;
mod parked;
mod reading;
mod replay;
mod sensitive;
mod state;
mod terminal;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use kolo_core::choreography::Manifest;
use rdkafka::producer::BaseRecord;
use tracing_subscriber::EnvFilter;

use crate::app::{App, StartError};
use crate::config::Config;
use crate::framing::registry_for_tools;
use crate::topics::{Role, TopicAdmin, roles};

use self::failure::Failure;

pub(crate) use self::control::Sender;
pub(crate) use self::terminal::key_argument;

/// It failed while it ran, or could not start.
const FAILED: u8 = 1;

#[derive(Parser)]
#[command(
    after_help = "Exit codes: 0 stopped on request or done, 1 failed, not all done, or could not start, 2 wrong usage, 3 not the same.\n\
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

#[derive(Subcommand)]
enum Command {
    /// Run the service until SIGTERM or Ctrl-C (this is what happens without a command).
    Run,
    /// Show what the service reacts to, emits, undoes, routes and calls; or what it must be allowed to do on the brokers.
    #[command(
        after_help = "Examples:\n  order describe\n  order describe --acls\n  order describe --acls --commands --command-config admin.properties | sh\nNo broker is asked."
    )]
    Describe(acls::Args),
    /// Print the declaration as JSON, for `kolo check` and `kolo graph`.
    Manifest,
    /// Create the topics that are missing, verify those that are there, and list them.
    Topics,
    /// Say whether the service could run here, before anything is started: brokers, topics, permissions, clock, registry, disk.
    CheckEnv(check_env::Args),
    /// Look at what could not be decided, run it again, drop it, or mirror it to a dead-letter topic.
    #[command(subcommand)]
    Parked(parked::Action),
    /// Decide again, by this binary, what was decided before: what would be another decision, and what is missing.
    #[command(subcommand)]
    Replay(replay::Action),
    /// Look at what a key is or was, and at the snapshots that a restart begins with.
    #[command(subcommand)]
    State(state::Action),
    /// Ask the service that runs with this configuration whether it is ready; the exit code tells.
    Health(health::Health),
}

impl App {
    /// The whole `main` of a service binary: parses the command line, sets up logging, and runs the command.
    #[must_use = "return it from `main`"]
    pub fn main(mut self) -> ExitCode {
        let name = self.service.name();
        let command = Arguments::command()
            .name(name)
            .about(format!("The {name} service, built on kolo."));
        let arguments = Arguments::from_arg_matches(&command.get_matches());
        let arguments = arguments.unwrap_or_else(|error| error.exit());
        log_to_stderr();
        let config = match Config::load(arguments.config.as_deref()) {
            Ok(config) => config,
            Err(error) => return refuse(name, &error),
        };
        let config = match arguments.bootstrap {
            Some(bootstrap) => Config {
                bootstrap,
                ..config
            },
            None => config,
        };
        let config = self.configured(config);
        let command = arguments.command.unwrap_or(Command::Run);
        // A service that runs waits for a token as it does for its brokers.
        let has_time = matches!(
            command,
            Command::Run | Command::Describe(_) | Command::Manifest | Command::Health(_)
        );
        if !has_time {
            config.await_token();
        }
        // What a command decodes may name its schema by an id of the registry; a service that runs asks by itself.
        let reads = matches!(
            command,
            Command::Parked(_) | Command::Replay(_) | Command::State(_)
        );
        if reads && let Err(error) = registry_for_tools(&config) {
            return refuse(name, &error);
        }
        let outcome = match command {
            Command::Run => self
                .run(&config)
                .map_err(|error| Failure::run(error.to_string())),
            Command::Describe(args) => self.describe(&config, args),
            Command::Manifest => print(&Manifest::from(&self.service).to_json()),
            Command::Topics => self.topics(&config),
            Command::CheckEnv(args) => check_env::run(&self.service, self.needs, &config, &args),
            Command::Parked(action) => parked::run(&self.service, &config, action),
            Command::Replay(action) => replay::run(&self.service, &config, action),
            Command::State(action) => state::run(&self.service, &config, action),
            Command::Health(asked) => health::run(&config, &asked),
        };
        let Err(failure) = outcome else {
            return ExitCode::SUCCESS;
        };
        if let Some(message) = failure.message() {
            terminal::say(&format!("{name}: {message}"));
        }
        ExitCode::from(failure.exit_code())
    }

    fn run(self, config: &Config) -> Result<(), Box<dyn std::error::Error>> {
        let name = self.service.name();
        let stop = listen()?;
        tracing::info!(?config, "{name} starts");
        let running = match self.start_unless(&stop, config) {
            Err(stopped @ StartError::Stopped) => {
                tracing::info!("{name}: {stopped}");
                return Ok(());
            }
            started => started?,
        };
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

    fn describe(self, config: &Config, args: acls::Args) -> Result<(), Failure> {
        if args.is_of_service() && !self.beside.is_empty() && self.needs.no_topics() {
            terminal::note(
                "of what runs beside the service the program does not say which topics it uses: where it publishes or projects, `App::publishes` and `App::projects` say so",
            );
        }
        describe::run(&self.service, &self.needs, config, args)
    }

    fn topics(self, config: &Config) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::run(error.to_string()))?;
        let topics = runtime.block_on(async {
            let admin = TopicAdmin::new(config).map_err(|error| Failure::run(error.to_string()))?;
            Ok::<_, Failure>(admin.prepare(&self.service).await?)
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

/// Set by the first SIGTERM or Ctrl-C; the second ends the process at once.
fn listen() -> Result<Arc<AtomicBool>, std::io::Error> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register_conditional_shutdown(
            signal,
            i32::from(FAILED),
            Arc::clone(&stop),
        )?;
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
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

impl Sender {
    /// Writes these records of a topic, by key, and waits until all are acknowledged; otherwise says why they are not. One
    /// without a value takes back what was said under its key. A sender that has failed once is of no use any more.
    pub(crate) fn write<'a>(
        &self,
        topic: &str,
        records: impl IntoIterator<Item = (&'a str, Option<&'a [u8]>)>,
    ) -> Result<(), String> {
        let mut records = records.into_iter();
        let sent = records.try_for_each(|(key, value)| {
            let record = BaseRecord::to(topic).key(key.as_bytes());
            self.send(match value {
                Some(value) => record.payload(value),
                None => record,
            })
        });
        let acknowledged = sent.and_then(|()| self.acknowledged());
        acknowledged.map_err(|failure| failure.message().unwrap_or_default().to_owned())
    }

    /// A sender for [`Sender::write`].
    pub(crate) fn open(config: &Config) -> Result<Self, String> {
        let sender = Sender::new(config);
        sender.map_err(|failure| failure.message().unwrap_or_default().to_owned())
    }
}

/// Writes one record, and waits until it is acknowledged; otherwise says why it is not.
pub(crate) fn send(config: &Config, topic: &str, key: &str, value: &[u8]) -> Result<(), String> {
    Sender::open(config)?.write(topic, [(key, Some(value))])
}

/// Prints to stdout.
fn print(text: &str) -> Result<(), Failure> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

/// Ends a service that cannot be set up: says why on stderr, and gives the exit code for `main`.
#[must_use = "return it from `main`"]
pub fn refuse(name: &str, error: &dyn std::error::Error) -> ExitCode {
    terminal::say(&format!("{name}: {error}"));
    ExitCode::from(FAILED)
}
