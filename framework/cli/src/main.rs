//! The `kolo` command.
//!
//! # Layout
//! - `args`: what can be typed, and the help
//! - `publish`: events from a command line or file to their topic
//! - `tail`: records of topics, judged, decoded, merged
//! - `topics`: what a topic is
//! - `choreography`: `check` and `graph`, of all services together
//! - `explain`: one saga, from the topics and the manifests alone; `sagas`: all of them; `evidence`: what both read, and
//!   how it is judged; `lag`: how far each aggregate is behind its inputs
//! - `index`: all sagas on disk, followed, so that one is told without reading all
//! - `schema`: schemas as they change: checked, compared, published, registered, documented
//! - `export`, `import`: the running backup of topics, and back; `backup`: its files
//! - `new`: a project to start from
//! - `dev`: a broker and a schema registry for development, in this process
//! - `cluster`: the connection that all of them read through; `scan`: parts of partitions; `judge`: which
//!   records are valid; `owner`: whose a topic is
//! - `schemas`: the folder of schemas; `failure`: how it fails, and with which exit code

mod args;
mod backup;
mod choreography;
mod cluster;
mod dev;
mod evidence;
mod explain;
mod export;
mod failure;
mod import;
mod index;
mod judge;
mod lag;
mod near;
mod new;
mod owner;
mod publish;
mod sagas;
mod scan;
mod schema;
mod schemas;
mod tail;
mod terminal;
mod topics;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches};
use kolo_kafka::Config;

use args::{Cli, Command, Connection};
use failure::Failure;

fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    if let (Command::Dev(_), Some(ValueSource::CommandLine)) =
        (&cli.command, matches.value_source("bootstrap"))
    {
        // KOLO_BOOTSTRAP may well be set where it is started; but who types this means something else.
        let mut command = Cli::command();
        let message = "`kolo dev` connects to nobody: --listen says where it listens";
        command.error(ErrorKind::ArgumentConflict, message).exit();
    }
    let asked = matches.value_source("bootstrap") == Some(ValueSource::CommandLine);
    match run(&cli, asked) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                terminal::say(&format!(
                    "{} {message}",
                    terminal::paint(terminal::WRONG, "error:")
                ));
            }
            failure.exit_code()
        }
    }
}

/// `asked` is whether the brokers were named on the command line, and not only in the environment.
fn run(cli: &Cli, asked: bool) -> Result<(), Failure> {
    let config = || config(&cli.connection);
    match &cli.command {
        Command::Publish(args) => publish::run(args, config),
        Command::Tail(args) => tail::run(args, &config()?),
        Command::Topics(args) => topics::run(args, &config()?),
        Command::Explain(args) => explain::run(args, &config()?),
        Command::Index(args) => index::run(args, &config()?),
        Command::Sagas(args) => sagas::run(args, &config()?),
        Command::Lag(args) => lag::run(args, &config()?),
        Command::Check(args) => choreography::check(args, config),
        Command::Graph(args) => choreography::graph(args, config),
        Command::Schema(args) => schema::run(args, asked, config),
        Command::Export(args) => export::run(args, &config()?),
        Command::VerifyExport(args) => export::verify(args),
        Command::Import(args) => import::run(args, &config()?),
        Command::New(args) => new::run(args),
        Command::Dev(args) => dev::run(args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "kolo", &mut script);
            std::io::Write::write_all(&mut std::io::stdout(), &script)?;
            Ok(())
        }
    }
}

fn config(connection: &Connection) -> Result<Config, Failure> {
    let mut config = Config::load(connection.config.as_deref())
        .map_err(|error| Failure::input(error.to_string()))?;
    if let Some(bootstrap) = &connection.bootstrap {
        config.bootstrap.clone_from(bootstrap);
    }
    // What a command decodes may name its schema by an id of the registry.
    kolo_kafka::registry_for_tools(&config).map_err(|error| Failure::input(error.to_string()))?;
    config.await_token();
    Ok(config)
}
