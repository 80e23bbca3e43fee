//! What can be typed behind `kolo schema`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use kolo_avro::versions;

#[derive(Debug, Args)]
#[command(after_long_help = SCHEMA_HELP)]
pub(crate) struct Schema {
    #[command(flatten)]
    pub(super) folders: Folders,
    #[command(subcommand)]
    pub(super) action: Action,
}

/// Where the schemas are, and how the answer is given.
#[derive(Debug, Args)]
pub(super) struct Folders {
    /// The folder of schemas, `<owner>/<Event>.avsc` [default: ./schemas/avro]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "KOLO_SCHEMAS",
        hide_env = true
    )]
    pub(super) schemas: Option<PathBuf>,
    /// The folder of published versions, `<owner>/<Event>/<N>.avsc` [default: `published` beside the schemas]
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) published: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Register {
    /// The events whose schemas are registered, by full or short name; without any, all
    #[arg(value_name = "EVENT")]
    pub(super) events: Vec<String>,
    /// The schema registry; everything else about it comes from the configuration [default: KOLO_REGISTRY_URL]
    #[arg(long, value_name = "URL")]
    pub(super) registry: Option<String>,
    /// Only say what is missing, and fail if anything is
    #[arg(long)]
    pub(super) dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Check every event against its published versions, and against all who read it
    #[command(after_long_help = CHECK_HELP)]
    Check(Check),
    /// Say what changed between two versions, and who is affected
    #[command(after_long_help = DIFF_HELP)]
    Diff(Diff),
    /// Publish what is new or has changed: a version each, for good, with its golden sample
    #[command(after_long_help = PUBLISH_HELP)]
    Publish {
        /// The events, by full or short name; without any, all
        #[arg(value_name = "EVENT")]
        events: Vec<String>,
        /// Say what would be published, and write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Register schemas in a schema registry: a step of a pipeline, before the services that write with them
    #[command(after_long_help = REGISTER_HELP)]
    Register(Register),
    /// All events: newest published version, state, topic, owner, readers
    List(Manifests),
    /// One event: what it says, its fields, docs and defaults
    Show {
        /// The event, by full or short name
        event: String,
        /// A published version [default: the working schema]
        #[arg(long, value_name = "N")]
        version: Option<u32>,
        /// A version that a schema registry has, by its number in the event's subject
        #[arg(long, value_name = "N", conflicts_with = "version")]
        registered: Option<u32>,
        /// The schema registry; everything else about it comes from the configuration [default: KOLO_REGISTRY_URL]
        #[arg(long, value_name = "URL", requires = "registered")]
        registry: Option<String>,
        /// Print the whole Avro schema as one text, with everything that it refers to
        #[arg(long, conflicts_with = "json")]
        raw: bool,
    },
    /// Write a Markdown page for each event
    #[command(after_long_help = DOCS_HELP)]
    Docs {
        /// The folder of the pages
        #[arg(long, value_name = "DIR", default_value = "docs/events")]
        to: PathBuf,
        /// Write nothing, and fail where a page is stale
        #[arg(long)]
        check: bool,
        #[command(flatten)]
        manifests: Manifests,
    },
}

/// The services, as far as they are told.
#[derive(Debug, Args)]
pub(super) struct Manifests {
    /// The manifests of the services, as `<service> manifest` prints them; `-` reads the standard input
    ///
    /// A file may hold several, one after the other. With --bootstrap and without files, those are read that services
    /// have published on the brokers; without either, nothing is said of services.
    #[arg(value_name = "MANIFEST")]
    pub(super) manifests: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// What a schema and its published versions must be to each other
    #[arg(long, value_name = "MODE", value_enum, default_value_t = Mode::Full)]
    pub(super) mode: Mode,
    /// Compare with all published versions, or with --transitive=false only with the newest
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_value_t = true,
        default_missing_value = "true",
        action = clap::ArgAction::Set
    )]
    pub(super) transitive: bool,
    /// Fail where a schema is not published as it stands: for a release
    #[arg(long)]
    pub(super) frozen: bool,
    /// The schema registry; everything else about it comes from the configuration [default: KOLO_REGISTRY_URL]
    #[arg(long, value_name = "URL")]
    pub(super) registry: Option<String>,
    /// Do not ask the schema registry for what is registered. That there is one counts all the same: builds resolve by it
    #[arg(long)]
    pub(super) offline: bool,
    #[command(flatten)]
    pub(super) manifests: Manifests,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Mode {
    /// Any two builds understand each other, once a version is published to both
    Full,
    /// The schema reads what was written before: what the log needs
    Backward,
    /// Programs with an older schema read what is written now
    Forward,
    /// Only that an event stays in its topic, under its key and its saga
    None,
}

impl From<Mode> for versions::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Full => versions::Mode::Full,
            Mode::Backward => versions::Mode::Backward,
            Mode::Forward => versions::Mode::Forward,
            Mode::None => versions::Mode::None,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The event, by full or short name (without one, all that have changed), and manifests
    ///
    /// `-`, and what ends in .json, is a manifest, as `<service> manifest` prints it: then it is said who is affected.
    #[arg(value_name = "EVENT] [MANIFEST")]
    pub(super) names: Vec<String>,
    /// The older side, a published version [default: the newest]
    #[arg(long, value_name = "N")]
    pub(super) from: Option<u32>,
    /// The newer side, a published version or `working`
    #[arg(long, value_name = "M", default_value = "working", value_parser = side)]
    pub(super) to: Side,
}

/// One side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The schema as it stands in the folder.
    Working,
    /// A published version.
    Version(u32),
}

fn side(text: &str) -> Result<Side, String> {
    match text {
        "working" => Ok(Side::Working),
        _ => text.parse().map(Side::Version).map_err(|_| {
            "it is the number of a published version, or `working` for the schema as it stands"
                .to_owned()
        }),
    }
}

const SCHEMA_HELP: &str = "\
Examples:
  A field was added to an event. What is it, may it be, who is affected, and for good:
    kolo schema diff OrderCreated
    kolo schema check order.json inventory.json payment.json
    kolo schema publish OrderCreated

  What is there, and what does an event say:
    kolo schema list
    kolo schema show OrderCreated

Schemas are all that services share. What may change, how it is published and in which order services are then
deployed: docs/schemas.md. Exit codes: see `kolo --help`.";

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

const CHECK_HELP: &str = "\
Examples:
  Before a change is merged. The manifests are those of what runs, each as its service printed it:
    kolo schema check order.json inventory.json payment.json
    kolo schema check --bootstrap kafka:9092

  Builds that run side by side while one is rolled out; of one service, the older comes first:
    kolo schema check order-41.json order-42.json inventory.json payment.json

  Before a release: what is not published could not be read after the next change
    kolo schema check --frozen

Three things are looked at: each schema against its published versions (--mode); the builds that run against each other; and
what runs against what the working schemas would make of each service, from which the order follows in which services can be
deployed. A build reads the versions that were published to it and no other one, also where Avro could resolve it, unless there
is a schema registry that tells it of them.

With a schema registry (--registry, KOLO_REGISTRY_URL), each schema is held against the versions that are registered of it too, and
one that is registered and not published here is told. --offline does not ask.

Findings name the file, the field, the rule, who reads the event and where, and what to do. `kolo check --explain CODE` explains
those about services. Exit codes: 0 nothing, 1 findings, 2 wrong usage, or a registry that does not answer.";

const DIFF_HELP: &str = "\
Examples:
  kolo schema diff
  kolo schema diff OrderCreated order.json inventory.json payment.json
  kolo schema diff OrderCreated --from 1 --to 2

A field that was renamed is one that was removed and one that was added: so it is on the wire. Documentation and marks make no
version: what changed of them is told where the event is named. Exit codes: see `kolo --help`.";

const PUBLISH_HELP: &str = "\
Examples:
  kolo schema publish --dry-run
  kolo schema publish
  kolo schema publish OrderCreated OrderOpened

Publish before records are written with a schema, and keep the published versions under version control: each build reads those
that it was made with. What was published is never changed. The golden sample of a version is decoded by every later build's
tests. A change of documentation alone makes no version. Exit codes: see `kolo --help`.";

const DOCS_HELP: &str = "\
Examples:
  { order manifest; inventory manifest; payment manifest; } | kolo schema docs -
  kolo schema docs --to docs/events --check order.json inventory.json payment.json

There is a page for each event, in a folder for each owner, and an index. With manifests they say who emits and who answers
each event. A page that was made before and is of no event any more is removed. Exit codes: see `kolo --help`.";
