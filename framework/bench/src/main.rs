//! Benchmarks of kolo; `docs/benchmarks.md` says what came of them.
//!
//! # Layout
//!
//! | module | idea |
//! |---|---|
//! | [`throughput`] | consume, decide, evolve, append: kolo beside a bare rdkafka loop that writes the same bytes |
//! | [`observed`] | what metrics and traces cost the same loop |
//! | [`saga`] | the sample's order saga: orders a second, and latency at given rates |
//! | [`effects`] | ports called in order by key, with a port that takes its time |
//! | [`plain`] | produce and consume, to compare brokers |
//! | [`restore`] | how long an owner takes until it works: from the whole stream, and from a snapshot |
//! | [`memory`] | what a million live aggregates take |
//! | [`cold`] | more keys than memory: what it costs to bring them back |
//! | [`explain`] | one saga told among many, by a scan and with an index |
//! | [`broker`] | the brokers under test: a running one, the embedded one, or both |
//! | [`machine`] | CPU time, memory, load |
//! | [`spread`] | minimum, median, maximum |

mod broker;
mod cold;
mod effects;
mod explain;
mod filling;
mod machine;
mod memory;
mod observed;
mod plain;
mod restore;
mod saga;
mod spread;
mod throughput;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

kolo_avro::include_events!();

#[derive(Parser)]
#[command(name = "kolo-bench", about = "Benchmarks of kolo.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Throughput of one aggregate on a real Kafka, beside a bare rdkafka loop.
    Loop(throughput::LoopArgs),
    /// What metrics and traces cost: the loop of kolo with and without them, in alternation.
    Observed(observed::ObservedArgs),
    /// The sample's order saga on a real Kafka: orders a second at saturation, latency at given rates.
    Saga(saga::SagaArgs),
    /// Effects, in order by key, with a port that takes its time.
    Effects(effects::EffectsArgs),
    /// Produce and consume with a plain client, to compare brokers.
    Plain(plain::PlainArgs),
    /// Take-over of a million aggregates: from the whole stream and from a snapshot, beside a bare read.
    Restore(restore::RestoreArgs),
    /// Memory of live aggregates, without a broker.
    Memory(memory::MemoryArgs),
    /// More keys than memory, without a broker.
    Cold(cold::ColdArgs),
    /// One saga told among ten million events, by a scan and with an index.
    Explain(explain::ExplainArgs),
    /// The embedded broker, for the other commands.
    #[command(hide = true)]
    Serve(broker::ServeArgs),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Loop(arguments) => throughput::run(&arguments),
        Command::Observed(arguments) => observed::run(&arguments),
        Command::Saga(arguments) => saga::run(&arguments),
        Command::Effects(arguments) => effects::run(&arguments),
        Command::Plain(arguments) => plain::run(&arguments),
        Command::Restore(arguments) => restore::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Serve(arguments) => broker::serve(&arguments),
        Command::Cold(arguments) => cold::run(&arguments),
        Command::Memory(arguments) => memory::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "kolo-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Prints a line at once: a benchmark takes its time, and its reader wants to see it go on.
fn say(line: impl AsRef<str>) {
    let mut out = std::io::stdout().lock();
    // A reader that has gone away is no error.
    let _ = writeln!(out, "{}", line.as_ref());
    let _ = out.flush();
}
