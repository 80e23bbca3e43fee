//! What can be typed after `kolo schema`.

use clap::{Args, Subcommand};

use crate::args::SchemaArgs;

/// What to do with the schemas.
#[derive(Debug, Subcommand)]
pub(crate) enum Schema {
    /// Register schemas in a schema registry: a step of a pipeline, before the services that write with them
    Register(Register),
}

#[derive(Debug, Args)]
#[command(after_long_help = REGISTER_HELP)]
pub(crate) struct Register {
    /// The events whose schemas are registered, by full or short name [default: all]
    #[arg(value_name = "EVENT")]
    pub(crate) events: Vec<String>,
    /// The schema registry; everything else about it comes from the configuration [default: KOLO_REGISTRY_URL]
    #[arg(long, value_name = "URL")]
    pub(crate) registry: Option<String>,
    #[command(flatten)]
    pub(crate) schemas: SchemaArgs,
    /// Only say what is missing, and fail if anything is
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print one JSON line for each schema
    #[arg(long)]
    pub(crate) json: bool,
}

const REGISTER_HELP: &str = "\
Registers the schema of each event as it stands in the folder, with all types that it is made of in one text; that
is the text that a service looks up when it starts. What is registered already is left as it is, so the command can be
given again. A schema that the registry does not take, since it is not compatible with those before it, is
told with the registry's reason; the others are registered.

Examples:
  kolo schema register --registry http://registry:8081
  KOLO_REGISTRY_USER=key KOLO_REGISTRY_PASSWORD=secret kolo schema register OrderCreated
  kolo schema register --dry-run        in a deployment, before the services start

Environment:
  KOLO_REGISTRY_URL, _USER, _PASSWORD, _TOKEN, _CA, _SUBJECTS (record, topic, topic-record), _TIMEOUT_MS

Exit codes:
  0  all are registered
  1  some are not: the registry does not take them or does not answer, or with --dry-run they are missing
  2  wrong usage: no registry, no such event, schemas that cannot be used";
