//! `kolo dev`: the embedded broker and the embedded schema registry in this process, until it is told to end.

use std::io::{self, Write};
use std::net::Ipv6Addr;
use std::path::Path;

use kolo_broker::{Broker, StartError};
use kolo_registry_server::{Registry, StartError as RegistryError};
use serde_json::json;
use tracing_subscriber::EnvFilter;

use crate::args::Dev;
use crate::failure::Failure;
use crate::terminal::{DIM, Interrupt, PLACE, is_watched, note, paint, say};

pub(crate) fn run(args: &Dev) -> Result<(), Failure> {
    // Before the broker starts: a signal during the start is to end it cleanly as well.
    let interrupt = Interrupt::listen()?;
    log();
    let mut builder = Broker::builder()
        .listen(&args.listen)
        .partitions(args.partitions)
        .auto_create_topics(!args.no_auto_create);
    if let Some(dir) = &args.data {
        builder = builder.data_dir(dir);
    }
    let broker = builder.start_blocking().map_err(|error| explain(&error))?;
    let ended = serve(&broker, args, &interrupt);
    broker.shutdown_blocking();
    if !args.json && ended.is_ok() {
        say("ended");
    }
    ended
}

/// From the registry's start to its end: it is gone before the broker that keeps its schemas.
fn serve(broker: &Broker, args: &Dev, interrupt: &Interrupt) -> Result<(), Failure> {
    let registry = start_registry(broker, args)?;
    let ready = if args.json {
        announce_json(broker, registry.as_ref(), args)
    } else {
        announce(broker, registry.as_ref(), args)
    };
    let ended = ready.and_then(|()| interrupt.wait());
    if let Some(registry) = registry {
        registry.shutdown_blocking();
    }
    ended
}

fn start_registry(broker: &Broker, args: &Dev) -> Result<Option<Registry>, Failure> {
    if args.no_registry {
        return Ok(None);
    }
    let host = args.registry_host.as_str();
    // An address of version 6 has colons of its own.
    let host = match host.parse::<Ipv6Addr>() {
        Ok(address) => format!("[{address}]"),
        Err(_) => host.to_owned(),
    };
    let registry = Registry::builder()
        .listen(format!("{host}:{}", args.registry_port))
        .kafka(broker.bootstrap())
        .start_blocking()
        .map_err(|error| explain_registry(&error))?;
    Ok(Some(registry))
}

/// What the broker has to say beside its answers: damage it mended, disks that are full.
fn log() {
    let wanted = std::env::var("KOLO_LOG").unwrap_or_else(|_| "warn".to_owned());
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(wanted))
        .with_writer(io::stderr)
        .with_ansi(is_watched())
        .with_target(false);
    // Nobody else sets one in this process.
    let _ = subscriber.try_init();
}

fn announce(broker: &Broker, registry: Option<&Registry>, args: &Dev) -> Result<(), Failure> {
    let address = broker.bootstrap();
    let kept = match &args.data {
        Some(dir) => format!("keeps its data in {}", dir.display()),
        None => "keeps its data in memory, until it ends".to_owned(),
    };
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "A Kafka for development and tests listens at {}, and {kept}.\n{}\n\
         In another terminal:\n  \
           export KOLO_BOOTSTRAP={address}\n  \
           cargo run --release        {}\n  \
           kolo topics list\n\n\
         It is not for production: one copy of the data, nothing synced to disk before it is acknowledged.\n\
         Ctrl-C ends it.",
        paint(PLACE, &address),
        registry.map_or_else(String::new, |registry| format!(
            "registry  {} (for development only)\n",
            paint(PLACE, registry.url())
        )),
        paint(DIM, "# the sample's services, and 1,000 orders"),
    )?;
    out.flush()?;
    if broker_is_open(&args.listen) {
        note(&format!(
            "{} is every address of this machine: whoever reaches it can read and write everything",
            args.listen
        ));
    }
    if let Some(registry) = registry
        && registry.address().ip().is_unspecified()
    {
        note(&format!(
            "the registry is at every address of this machine, {}: whoever reaches it can change every schema",
            registry.address()
        ));
    }
    Ok(())
}

fn announce_json(broker: &Broker, registry: Option<&Registry>, args: &Dev) -> Result<(), Failure> {
    let data = args.data.as_deref().map(std::path::absolute).transpose()?;
    let ready = json!({
        "bootstrap": broker.bootstrap(),
        "data": data.as_deref().map(Path::to_string_lossy),
        "registry": registry.map(Registry::url),
    });
    let mut out = io::stdout().lock();
    writeln!(out, "{ready}")?;
    out.flush()?;
    Ok(())
}

fn broker_is_open(listen: &str) -> bool {
    ["0.0.0.0:", "[::]:"]
        .iter()
        .any(|everywhere| listen.starts_with(everywhere))
}

/// Why it does not start, and what to type instead.
fn explain(error: &StartError) -> Failure {
    match error {
        StartError::Listen { address, source } if source.kind() == io::ErrorKind::AddrInUse => {
            let port = address.rsplit(':').next().unwrap_or(address);
            Failure::run(format!(
                "port {port} is taken: another program listens at {address}, perhaps a Kafka or another `kolo dev`. \
                 `kolo dev --listen 127.0.0.1:0` takes a free port"
            ))
        }
        StartError::Listen { address, source } => Failure::run(format!(
            "cannot listen at {address}: {source}. `kolo dev --listen 127.0.0.1:0` takes a free port of this machine alone"
        )),
        StartError::Locked { dir } => Failure::run(format!(
            "the data directory {} is in use by another broker. End that one, or choose another directory with --data",
            dir.display()
        )),
        StartError::Dir { dir, source } => Failure::run(format!(
            "the data directory {} cannot be used: {source}. Choose another with --data, or leave it out to keep \
             everything in memory",
            dir.display()
        )),
        other => Failure::run(other.to_string()),
    }
}

/// Why the registry does not start, and what to type instead.
fn explain_registry(error: &RegistryError) -> Failure {
    match error {
        RegistryError::Listen { address, source } if source.kind() == io::ErrorKind::AddrInUse => {
            let port = address.rsplit(':').next().unwrap_or(address);
            Failure::run(format!(
                "port {port} is taken: another program listens at {address}, perhaps a schema registry or another `kolo dev`. \
                 `kolo dev --registry-port 0` takes a free port for the registry, `kolo dev --no-registry` starts none"
            ))
        }
        RegistryError::Listen { address, source } => Failure::run(format!(
            "the schema registry cannot listen at {address}: {source}. Leave out --registry-host to listen on this machine \
             alone, or start none with --no-registry"
        )),
        other => Failure::run(format!(
            "the schema registry does not start: {other}. `kolo dev --no-registry` starts the broker without it"
        )),
    }
}
