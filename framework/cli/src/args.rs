//! What can be typed. The long help is where a newcomer learns the command, so it has examples.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use kolo_core::choreography::Format;

/// Talks to services built on kolo, and to their Kafka.
#[derive(Debug, Parser)]
#[command(
    name = "kolo",
    version,
    long_about = "Talks to services built on kolo, and to their Kafka: publishes events from outside, follows topics with \
                  decoded values, shows what a topic is and who owns it.",
    after_help = "`kolo help <command>` has examples and the details.",
    after_long_help = MAIN_HELP
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where the brokers are.
#[derive(Debug, Args)]
pub(crate) struct Connection {
    /// The brokers to start from, as `host:port`, separated by commas [default: 127.0.0.1:9092]
    ///
    /// Also read from KOLO_BOOTSTRAP, or from the configuration file.
    #[arg(
        long,
        global = true,
        value_name = "ADDR",
        env = "KOLO_BOOTSTRAP",
        hide_env = true
    )]
    pub(crate) bootstrap: Option<String>,
    /// The configuration file of a service, for its brokers and librdkafka properties
    ///
    /// The environment overrides it: KOLO_KAFKA_SASL_PASSWORD sets librdkafka's `sasl.password`, and so on.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "KOLO_CONFIG",
        hide_env = true
    )]
    pub(crate) config: Option<PathBuf>,
}

/// Where the schemas are.
#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// The folder of schemas, `<owner>/<Event>.avsc` [default: ./schemas/avro]
    ///
    /// Versions that were published are read from the folder `published` beside it, if there is one.
    #[arg(long, value_name = "DIR", env = "KOLO_SCHEMAS", hide_env = true)]
    pub(crate) schemas: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a project to start from: two services, their schemas and tests, ready to run
    New(New),
    /// Publish events from outside: check them against their schema, send them, wait for the acknowledgement
    Publish(Publish),
    /// Follow topics: decoded, in colour on a terminal, with void records marked
    Tail(Tail),
    /// Show topics: what they are, who owns them, how far they reach
    Topics(Topics),
    /// Tell one saga whole: what led to what, what it waits for and why, and what to type next
    Explain(Explain),
    /// Keep an index of all sagas on disk, so that `explain` and `sagas` need not read the topics each time
    Index(Index),
    /// List all sagas: how each stands, what it waits for and why, and what most of them wait for
    Sagas(crate::sagas::args::Sagas),
    /// Show how far each aggregate is behind its inputs, from the ends of its stream
    Lag(crate::lag::args::Lag),
    /// Check all services together: what nobody emits, answers or undoes, what waits for ever
    Check(Check),
    /// Draw all services as one graph
    Graph(Graph),
    /// Check, compare, publish, register, show and document schemas, and say who is affected by a change
    Schema(crate::schema::args::Schema),
    /// Back topics up into files, once or all the time; goes on where the files end
    Export(Export),
    /// Check a backup: all sums, the order of offsets, the manifest against the files
    VerifyExport(VerifyExport),
    /// Write the backup of one topic into a topic, a stream under a fence of its own
    Import(Import),
    /// Run a small Kafka and a schema registry in this process, for development and tests, until Ctrl-C
    Dev(Dev),
    /// Print the completion script of a shell
    #[command(after_long_help = COMPLETIONS_HELP)]
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, Args)]
#[command(after_long_help = NEW_HELP)]
pub(crate) struct New {
    /// The project's name, and that of its crate that runs all services
    pub(crate) name: String,
    /// The directory of the project, which must be empty if it exists [default: ./<NAME>]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// The clone of kolo that it depends on [default: the one that this command was built from]
    #[arg(long, value_name = "DIR", conflicts_with = "kolo_git")]
    pub(crate) kolo_path: Option<PathBuf>,
    /// The repository of kolo that it depends on, as `https://…` or `ssh://…`
    #[arg(long, value_name = "URL")]
    pub(crate) kolo_git: Option<String>,
    /// The commit of that repository; without it, the newest of its default branch
    #[arg(long, value_name = "REV", requires = "kolo_git")]
    pub(crate) rev: Option<String>,
    /// Print one JSON object: the project's directory, where its kolo comes from, and its files
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = PUBLISH_HELP)]
pub(crate) struct Publish {
    /// The event type, by its full name or without its namespace: shop.order.OrderCreated, OrderCreated
    pub(crate) event: String,
    /// The event as JSON; without it and --file, an example is shown
    #[arg(conflicts_with = "file")]
    pub(crate) json: Option<String>,
    /// Publish one event a line of this file; `-` reads the standard input, to its end
    ///
    /// All lines are checked before the first is sent: one bad line, and nothing is published. Empty lines are skipped.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Send so many events a second at most
    #[arg(long, value_name = "N", value_parser = rate)]
    pub(crate) rate: Option<f64>,
    /// The event's id: a uuid or any text. Published again under the same id, an event is recognised as a repeat
    ///
    /// Without it, each event gets a fresh uuid, which is printed. With --file, line 7 gets the id `ID#7`, so that the
    /// same file can be published again after an interruption.
    #[arg(long, value_name = "ID", value_parser = id)]
    pub(crate) id: Option<String>,
    /// Check and encode only: nothing is sent, no broker is needed
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print one JSON object an event
    #[arg(long = "json")]
    pub(crate) json_output: bool,
    #[command(flatten)]
    pub(crate) schemas: SchemaArgs,
}

#[derive(Debug, Args)]
#[command(after_long_help = TAIL_HELP)]
pub(crate) struct Tail {
    /// The topics
    #[arg(required = true, value_name = "TOPIC")]
    pub(crate) topics: Vec<String>,
    /// Where to start: `beginning`, `end`, a time, or an offset in each partition
    ///
    /// A time is RFC 3339 (2026-11-23T08:00:00Z) or how long ago (10m, 2h, 1h30m). `-5` is the last five records of each
    /// partition. The default is `end`, and with --no-follow `beginning`.
    #[arg(long, value_name = "WHERE", allow_hyphen_values = true)]
    pub(crate) from: Option<crate::tail::From>,
    /// Only events of this type, by full or short name; may be given several times
    #[arg(long = "type", short = 't', value_name = "EVENT")]
    pub(crate) types: Vec<String>,
    /// Only records with this key
    #[arg(long, short, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Only records of this saga: its correlation id, or the value of the saga's field, such as the order's id
    #[arg(long, short, value_name = "SAGA")]
    pub(crate) correlation: Option<String>,
    /// Only this partition
    #[arg(long, short, value_name = "N")]
    pub(crate) partition: Option<i32>,
    /// Stop after so many records
    #[arg(long, short = 'n', value_name = "N")]
    pub(crate) limit: Option<u64>,
    /// Stop at what was the end of the topics when the command was started
    #[arg(long)]
    pub(crate) no_follow: bool,
    /// A second line a record: id, saga, cause, epoch, and the input that it answers
    #[arg(long, short)]
    pub(crate) long: bool,
    /// Show also what the schemas mark as sensitive
    #[arg(long)]
    pub(crate) reveal: bool,
    /// Print one JSON object a record, with everything that is known of it
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) schemas: SchemaArgs,
}

#[derive(Debug, Args)]
#[command(after_long_help = EXPLAIN_HELP)]
pub(crate) struct Explain {
    /// The saga: its correlation id, the value of its field such as the order's id, the id of one of its events, or a key
    #[arg(value_name = "SAGA")]
    pub(crate) asked: String,
    /// Read only what was written since: a time, or how long ago (10m, 2h)
    #[arg(long, value_name = "WHEN", value_parser = since, conflicts_with = "last")]
    pub(crate) since: Option<crate::tail::From>,
    /// Read only the last so many records of each partition
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    pub(crate) last: Option<i64>,
    /// Ask the index in this directory, which is read on first, and made if need be; --since and --last do without
    ///
    /// Also read from KOLO_INDEX.
    #[arg(long, value_name = "DIR", env = "KOLO_INDEX", hide_env = true)]
    pub(crate) index: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) schemas: SchemaArgs,
}

#[derive(Debug, Args)]
#[command(after_long_help = INDEX_HELP)]
pub(crate) struct Index {
    /// The directory of the index, which is made if need be; each cluster has one of its own
    ///
    /// Also read from KOLO_INDEX.
    #[arg(long, value_name = "DIR", env = "KOLO_INDEX", hide_env = true)]
    pub(crate) index: PathBuf,
    /// End when all is read that there is now
    #[arg(long)]
    pub(crate) once: bool,
    /// Print JSON lines: how far it is, and one object when all is read that there was
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) schemas: SchemaArgs,
}

#[derive(Debug, Args)]
#[command(after_long_help = TOPICS_HELP)]
pub(crate) struct Topics {
    #[command(subcommand)]
    pub(crate) action: TopicsAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TopicsAction {
    /// All topics: partitions, replicas, and what each is
    List {
        /// Kafka's own topics as well
        #[arg(long)]
        internal: bool,
        /// Print one JSON array
        #[arg(long)]
        json: bool,
    },
    /// One topic: its owner, its partitions and replicas, and the settings that matter
    Describe {
        /// The topic
        topic: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// The first and the next offset of each partition
    Offsets {
        /// The topic
        topic: String,
        /// Print one JSON array
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
#[command(after_long_help = CHECK_HELP)]
pub(crate) struct Check {
    /// The manifests of the services, as `<service> manifest` prints them; `-` reads the standard input
    ///
    /// A file may hold several, one after the other. Without any, those are read that services have published on the brokers.
    #[arg(value_name = "MANIFEST")]
    pub(crate) manifests: Vec<PathBuf>,
    /// Fail where there are warnings, or even notes; errors always do
    #[arg(long, value_name = "WHAT", value_enum)]
    pub(crate) deny: Option<Deny>,
    /// Say what a code means, and what to do about it
    #[arg(long, value_name = "CODE", conflicts_with_all = ["manifests", "deny", "json"])]
    pub(crate) explain: Option<String>,
    /// Print one JSON array, the accepted findings among it
    #[arg(long)]
    pub(crate) json: bool,
}

/// What fails a check beside errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Deny {
    /// Warnings
    Warnings,
    /// Warnings and notes
    Notes,
}

#[derive(Debug, Args)]
#[command(after_long_help = GRAPH_HELP)]
pub(crate) struct Graph {
    /// The manifests of the services, as `<service> manifest` prints them; `-` reads the standard input
    ///
    /// A file may hold several, one after the other. Without any, those are read that services have published on the brokers.
    #[arg(value_name = "MANIFEST")]
    pub(crate) manifests: Vec<PathBuf>,
    /// In which language: `mermaid` or `dot`
    #[arg(long, value_name = "LANGUAGE", default_value_t)]
    pub(crate) format: Format,
    /// Highlight the saga that begins with this event, by its full or short name
    #[arg(long, value_name = "EVENT")]
    pub(crate) saga: Option<String>,
    /// Show every event as a box, also what one service keeps to itself
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = EXPORT_HELP)]
pub(crate) struct Export {
    /// The topics
    #[arg(required = true, value_name = "TOPIC")]
    pub(crate) topics: Vec<String>,
    /// The directory of the backup, which is made if need be; each topic has its folder in it
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
    /// Go on with what comes, until Ctrl-C or SIGTERM
    #[arg(long)]
    pub(crate) follow: bool,
    /// Go on where records were gone before they were exported, and note the hole in the manifest
    #[arg(long)]
    pub(crate) accept_holes: bool,
    /// Close a file and begin the next one when it has so many bytes
    #[arg(long, value_name = "N", default_value_t = 64 << 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) segment_bytes: u64,
    /// Print JSON: one object at the end, and with --follow one whenever more is durable
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = VERIFY_EXPORT_HELP)]
pub(crate) struct VerifyExport {
    /// The directory of the backup, or one topic's folder in it
    pub(crate) dir: PathBuf,
    /// Print one JSON object a topic
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = IMPORT_HELP)]
pub(crate) struct Import {
    /// The folder of one topic in a backup
    #[arg(value_name = "DIR/TOPIC")]
    pub(crate) dir: PathBuf,
    /// The topic to write to [default: the one that was exported]
    #[arg(long, value_name = "NAME")]
    pub(crate) topic: Option<String>,
    /// Print one JSON object at the end
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = DEV_HELP)]
pub(crate) struct Dev {
    /// Keep everything in this directory, which is made if need be; without it, everything is in memory
    ///
    /// One broker at a time can have it. The next start goes on where this one ended, however it ended.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Where to listen, as `host:port`; port 0 takes a free one
    ///
    /// Whoever reaches the address can read and write everything: nothing asks for a password.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9092", value_parser = listen)]
    pub(crate) listen: String,
    /// How many partitions a topic gets if its creator does not say
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=10_000))]
    pub(crate) partitions: i32,
    /// Refuse a topic that nobody created, instead of creating it when a client asks for it
    #[arg(long)]
    pub(crate) no_auto_create: bool,
    /// Where the schema registry beside it listens; 0 takes a free port
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 8081,
        conflicts_with = "no_registry"
    )]
    pub(crate) registry_port: u16,
    /// The name or address that the registry listens at
    ///
    /// Whoever reaches it can change every schema: nothing asks for a password.
    #[arg(
        long,
        value_name = "HOST",
        default_value = "127.0.0.1",
        conflicts_with = "no_registry"
    )]
    pub(crate) registry_host: String,
    /// Start no schema registry
    #[arg(long)]
    pub(crate) no_registry: bool,
    /// Print one JSON object when it listens: `bootstrap`, its address, `data`, its directory or null, and `registry`,
    /// the URL of the schema registry or null
    #[arg(long)]
    pub(crate) json: bool,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err(
            "a rate is a number of events a second, above 0; 0.5 is one event in two seconds"
                .into(),
        ),
    }
}

/// How long: 30s, 5m, 1h30m.
pub(crate) fn duration(text: &str) -> Result<std::time::Duration, String> {
    let parsed = text.parse::<jiff::SignedDuration>().ok();
    let positive = parsed.and_then(|parsed| parsed.try_into().ok());
    positive.ok_or_else(|| "expected how long, such as 30s, 5m, 2h or 1h30m".into())
}

pub(crate) fn since(text: &str) -> Result<crate::tail::From, String> {
    match text.parse() {
        Ok(time @ crate::tail::From::Time(_)) => Ok(time),
        _ => Err("expected a time such as 2026-11-23T08:00:00Z, or how long ago such as 10m, 2h or 1h30m".into()),
    }
}

fn id(text: &str) -> Result<String, String> {
    match text {
        "" => Err("an id is a uuid or any other text, but not empty".into()),
        _ if text.len() > 256 => Err(format!(
            "an id has at most 256 bytes, and this one {}",
            text.len()
        )),
        _ if text.chars().any(char::is_control) => Err("an id has no control characters".into()),
        _ => Ok(text.to_owned()),
    }
}

fn listen(text: &str) -> Result<String, String> {
    let port = text.rsplit_once(':').map(|(host, port)| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        !host.is_empty() && port.parse::<u16>().is_ok()
    });
    if port == Some(true) {
        Ok(text.to_owned())
    } else {
        Err("an address is host:port, such as 127.0.0.1:9093; port 0 takes a free one".into())
    }
}

const MAIN_HELP: &str = "\
Examples:
  kolo new my-shop
  kolo topics list
  kolo publish StockReceived '{\"sku\": \"tea\", \"quantity\": 10}'
  kolo tail orders orders.outcome --from 10m
  kolo explain 018f3c5e-7b1a-7000-8000-000000000001
  kolo sagas --stuck
  kolo lag
  kolo check order.json inventory.json payment.json
  kolo export orders orders.outcome --to /backup --follow
  kolo dev

Environment:
  KOLO_BOOTSTRAP   the brokers, as --bootstrap
  KOLO_SCHEMAS     the folder of schemas, as --schemas
  KOLO_INDEX       the directory of the index, as --index of `explain`, `sagas` and `index`
  KOLO_CONFIG      the configuration file, as --config
  KOLO_REGISTRY_…  the schema registry, if values name their schemas by its ids: KOLO_REGISTRY_URL and others
  KOLO_KAFKA_…     a property of librdkafka: KOLO_KAFKA_SECURITY_PROTOCOL=sasl_ssl sets security.protocol
  NO_COLOR         set to anything: no colours

Exit codes:
  0  done; also where the reader of the output has closed it, and where `tail`, `index`, `dev` or
     `export --follow` was ended with Ctrl-C
  1  it failed while it ran: no broker, no such topic, an event that was not acknowledged, an interrupted publish,
     a full disk, a damaged backup, findings of `check`, a bound of `lag`
  2  it was asked for something impossible, and nothing was sent: wrong usage, unknown event, invalid event, a topic
     that only its owner writes to, an import into a topic that holds something else, a new project where something
     else is";

const NEW_HELP: &str = "\
Examples:
  kolo new my-shop
  kolo new my-shop --dir ~/src/shop --kolo-path ~/src/kolo
  kolo new my-shop --kolo-git https://example.org/kolo --rev 0123abc

The project sends people on trips: a service that holds seats, one that books rooms, and what each undoes when the other
fails. It compiles, its tests pass, and it runs on a broker in memory: change it into yours. docs/tutorial.md walks
through it.

kolo is in no registry yet, so a project depends on a clone or on a repository. To build it, a C and C++ compiler and make
are needed, for librdkafka. Nothing is built or downloaded by this command.

The project appears whole or not at all. A directory that is not empty is refused. Exit codes: see `kolo --help`.";

const PUBLISH_HELP: &str = "\
Examples:
  What fields does the event have?
    kolo publish OrderCreated

  One event; its id, partition and offset are printed once it is acknowledged by all replicas.
    kolo publish StockReceived '{\"sku\": \"tea\", \"quantity\": 10}'

  A file of events, a hundred a second. Interrupted? Publish it again: what had arrived is recognised by its id.
    kolo publish OrderCreated --file orders.jsonl --rate 100 --id import-17

  Is a file right? No broker is needed to know.
    kolo publish OrderCreated --file orders.jsonl --dry-run

The event's JSON has the schema's fields under their names: a uuid, date or timestamp is a text, a decimal too; a
field that may be null may be null or left out where the schema has a default. The topic and the key come from the schema.

A stream, which is the topic of an aggregate's own events, has one writer: the aggregate. To publish to one is refused,
and so it is for an inbox, which a router fills: publish the event that the aggregate reacts to.

Ctrl-C stops sending, waits for what is under way, and says how many events were acknowledged. Exit codes: see `kolo --help`.";

const TAIL_HELP: &str = "\
Examples:
  What happens from now on, and what has happened in the last ten minutes:
    kolo tail orders orders.outcome payments
    kolo tail orders orders.outcome payments --from 10m

  The story of one order, in the order of time:
    kolo tail orders inventory payments orders.outcome --no-follow --correlation 018f3c5e-7b1a-7000-8000-000000000001

  The last three confirmations of each partition, for another program:
    kolo tail orders.outcome --from=-3 --no-follow --type OrderConfirmed --json | jq .value.order_id

What is already there is merged by time over all partitions; what arrives later is shown as it arrives.

In a stream, which has one writer a partition, a record that a replaced owner wrote too late is void: it counts for no
reader on kolo, and is marked here with the reason. To know this, the reading starts before what is shown, at the fence in
force. Records of the types kolo.fence, kolo.marker and kolo.barred are kolo's own and hold no business fact.

A value that cannot be decoded is shown as bytes, with the reason; nothing is left out. Exit codes: see `kolo --help`.";

const EXPLAIN_HELP: &str = "\
Examples:
  What has become of an order, and whose turn is it?
    kolo explain 018f3c5e-7b1a-7000-8000-000000000001

  It began within the last two hours, so that no more is read; for another program:
    kolo explain 018f3c5e-7b1a-7000-8000-000000000001 --since 2h --json | jq -r '.next[]'

The first lines are the verdict: what the saga waits for and since when, and the command to type next. Then each event
stands below its cause, with who wrote it and how long after; what is open stands at the end.

  At once, however much there is:
    kolo index --index ~/.kolo-index --once
    kolo explain 018f3c5e-7b1a-7000-8000-000000000001 --index ~/.kolo-index

Only topics and the published manifests are read, and no service need run. Without an index, every topic of the
choreography is read to its end as of now, and the last line says how much that was. --since and --last bound it; what was
written before is then not seen. With an index, what was written since it was used last is read.

Exit codes: 0 the saga is told, whatever its state (`--json`, field `status`), 1 nothing is found or it cannot be read,
2 wrong usage, or a key of several sagas.";

const INDEX_HELP: &str = "\
Examples:
  Read everything once, and then ask as often as you like:
    export KOLO_INDEX=~/.kolo-index
    kolo index --once
    kolo explain 018f3c5e-7b1a-7000-8000-000000000001

  Follow all the time, beside the services, so that nobody who asks has to wait:
    kolo index --index /var/lib/kolo-index

It holds nothing that is not in the topics: which events a saga has and where they stand, how far each aggregate has decided,
what is parked. Deleted or damaged, it is built again. It may be killed at any moment, and goes on where it was.

One process at a time has the directory. A follower has it while it writes, and leaves it between two rounds; who asks
meanwhile waits. A topic that was deleted and created again is read again. Events that retention deletes from topics stay.

Ctrl-C or SIGTERM ends it, with exit code 0. Exit codes: see `kolo --help`.";

const TOPICS_HELP: &str = "\
Examples:
  kolo topics list
  kolo topics describe orders.outcome
  kolo topics offsets orders.outcome --json

Kinds of topics: a `stream` holds an aggregate's own events and is written by its owner alone, whom its fence records
name; an `inbox` holds copies that a router made; everything else is open to publish to. Exit codes: see `kolo --help`.";

const CHECK_HELP: &str = "\
Examples:
  In CI: each service's build prints its manifest, and all of them are checked together.
    order manifest > order.json
    kolo check order.json inventory.json payment.json --deny warnings

  Without files, and what a code means:
    { order manifest; inventory manifest; payment manifest; } | kolo check -
    kolo check --explain compensated-by-way-of

  What runs: each service publishes its manifest when it starts. Partition counts are compared as well.
    kolo check --bootstrap kafka:9092

A finding names events, aggregates and the function with file and line, and says what to do next. One that is as it should
be is accepted in the declaration, `.accepts(\"code\", \"why\")`; it is still listed. docs/choreography-checks.md has all codes.

Exit codes: 0 no error (with --deny warnings: no warning either), 1 findings, 2 wrong usage or no manifest.";

const GRAPH_HELP: &str = "\
Examples:
  kolo graph order.json inventory.json payment.json > choreography.mmd
  kolo graph *.json --format dot | dot -Tsvg > choreography.svg
  kolo graph --bootstrap kafka:9092 --saga OrderCreated

A box is an aggregate, with its pivot and its deadline; a hexagon is a port to the outside world. Events are the names of
lines; those that begin and end sagas are round boxes, and --all makes boxes of all. Red lines carry failures, and red
dashed ones lead to compensations. Exit codes: see `kolo --help`.";

const EXPORT_HELP: &str = "\
Examples:
  What the topics hold now, into a folder for each of them; the same command later adds what has come since:
    kolo export orders orders.outcome --to /backup

  All the time, as a service of its own. How far it is durable, for another program:
    kolo export orders orders.outcome --to /backup --follow --json

  Is it whole? And back, into the topic of the same name:
    kolo verify-export /backup
    kolo import /backup/orders.outcome

A backup is the log as it stands: each record with its offset, timestamp, key, value and headers, in Avro files that any
tool reads; in a stream also void records, fences and markers. The manifest has the SHA-256 of each file that is closed.

It may be killed at any moment. What it says is durable was synced to disk, at most a second or so after it was read; a
block that was half written is noticed and cut off, and exported again. No offset is missed, none is written twice.

A topic that was deleted and created again is another topic: it is refused, with the directory of the old one. Where
retention removed records before they were exported, it stops and names the offsets. Exit codes: see `kolo --help`.";

const VERIFY_EXPORT_HELP: &str = "\
Examples:
  kolo verify-export /backup
  kolo verify-export /backup/orders --json | jq .whole

All damage is told, with the file, the bytes, and the offsets that they held. An export may be running meanwhile.
Exit codes: see `kolo --help`.";

const IMPORT_HELP: &str = "\
Examples:
  An intake topic and a stream into a new cluster. The services that own the streams must not run:
    export KOLO_BOOTSTRAP=new-cluster:9092
    kolo import /backup/orders
    kolo import /backup/orders.outcome

  A rehearsal, beside the original:
    kolo import /backup/orders --topic orders-copy

Interrupted, or the brokers were away? Type the same command again: it compares what the topic holds, record by
record, and goes on behind it. A topic that holds anything else is refused.

A topic without fences gets the records as they are, each into its partition. A stream gets a fence of the import, and
behind it what is valid: void records, old fences and the offsets stay behind, and all else is kept, so that the owner
restores the same state, the same answered ids and the same positions. It must not run meanwhile, since it would fence
the import out.

A topic is known by its id, and a restored one has a new id: who has read the old one will read this one from the
beginning. docs/backup.md says what that means for services, and what to do before they start.

A topic that does not exist is created, with as many partitions as were exported and the same retention; how many
replicas it gets is KOLO_REPLICATION, or `replication` in the configuration file. Exit codes: see `kolo --help`.";

const DEV_HELP: &str = "\
Examples:
  A Kafka in memory at 127.0.0.1:9092, gone when it ends. In another terminal, look at it:
    kolo dev
    kolo topics list

  One that remembers, and one more beside it:
    kolo dev --data ~/.kolo-dev
    kolo dev --listen 127.0.0.1:0 --registry-port 0

  In a script: start it, read where it listens, and end it when done:
    kolo dev --listen 127.0.0.1:0 --no-registry --json > ready.json & broker=$!
    until test -s ready.json; do sleep 0.1; done
    export KOLO_BOOTSTRAP=$(jq -r .bootstrap ready.json)
    kill $broker

It speaks Kafka's own protocol: services, `kolo`, kcat and Kafka's Java tools work against it. Topics, idempotent
producers, groups, retention and compaction are as in Apache Kafka; transactions are refused.

Beside it runs a schema registry at http://127.0.0.1:8081, for development only: it speaks the protocol of Confluent's, for
Avro, and keeps its schemas in the topic _schemas of this Kafka. docs/registry.md says what it does and what it refuses.

It is not for production: there is one copy of the data, and nothing is synced to disk before it is acknowledged. With
--data, an acknowledged record survives a kill -9 of the broker, but not a loss of power.

Ctrl-C or SIGTERM closes the logs and ends it with exit code 0; a second one ends it at once. Its warnings go to the
standard error output; KOLO_LOG=debug shows more. Exit codes: see `kolo --help`.";

const COMPLETIONS_HELP: &str = "\
Examples:
  source <(kolo completions bash)
  kolo completions zsh > ~/.zfunc/_kolo
  kolo completions fish > ~/.config/fish/completions/kolo.fish";
