//! `kolo explain` of one saga among many: by a scan, and with an index; how fast the index is built, and how large it is.
//!
//! The topics are the sample's, filled with confirmed orders as its services write them. The command is run as its users
//! run it, as a process each time, so that its start, its connections and the answer are in the figures.

mod fill;
mod steps;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, ensure};
use clap::Args;
use kolo::Config;
use serde_json::Value;

use crate::broker::{BrokerArgs, Subject, Topics};
use crate::machine::load_text;
use crate::say;
use crate::spread::Spread;

use fill::{Filler, order};
use steps::STEPS;

/// `kolo-bench explain`
#[derive(Debug, Clone, Args)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    brokers: BrokerArgs,
    /// How many sagas there are; each has eleven records.
    #[arg(long, default_value_t = 910_000, value_parser = clap::value_parser!(u64).range(1..))]
    sagas: u64,
    /// Partitions of each topic.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(i32).range(1..))]
    partitions: i32,
    /// How many scans, and how many builds of the index.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// How many sagas are asked for with the index.
    #[arg(long, default_value_t = 21)]
    questions: u64,
    /// Sagas that come between two questions, where catching up is measured.
    #[arg(long, default_value_t = 91)]
    more: u64,
    /// The command [default: the `kolo` beside this program]
    #[arg(long, value_name = "FILE")]
    kolo: Option<PathBuf>,
}

/// Runs the benchmark.
///
/// # Errors
/// When a broker does not answer, or an answer is wrong.
pub(crate) fn run(arguments: &ExplainArgs) -> anyhow::Result<()> {
    for subject in arguments.brokers.subjects()? {
        one(&subject, arguments)?;
    }
    Ok(())
}

fn one(subject: &Subject, arguments: &ExplainArgs) -> anyhow::Result<()> {
    let mut config = Config::new(&subject.bootstrap);
    config.partitions = arguments.partitions;
    let topics = Topics::connect(&config)?;
    let begun = Instant::now();
    let mut filler = Filler::begin(&config, &topics, arguments.partitions)?;
    filler.fill(0..arguments.sagas)?;
    say(format!(
        "{}: {} records of {} sagas in {} partitions a topic, written in {:.0} s, load {}",
        subject.name,
        filler.written,
        arguments.sagas,
        arguments.partitions,
        begun.elapsed().as_secs_f64(),
        load_text()
    ));
    let kolo = Kolo {
        file: kolo(arguments)?,
        bootstrap: subject.bootstrap.clone(),
    };
    let scans = (0..arguments.runs).map(|run| {
        let (seconds, told) = kolo.explain(asked(run as u64, arguments), None)?;
        say(format!(
            "scan of {} records: {seconds:.2} s, load {}",
            told["read"]["records"],
            load_text()
        ));
        Ok(seconds)
    });
    let scans = scans.collect::<anyhow::Result<Vec<f64>>>()?;
    tell("cold scan, s", scans);
    let folder = std::env::temp_dir().join(format!("kolo-bench-index-{}", std::process::id()));
    let mut builds = Vec::new();
    for _ in 0..arguments.runs {
        let _ = std::fs::remove_dir_all(&folder);
        let seconds = kolo.build(&folder)?;
        say(format!(
            "index built in {seconds:.1} s, {:.0} records/s, {:.0} MB, load {}",
            filler.written as f64 / seconds,
            bytes(&folder)? as f64 / 1e6,
            load_text()
        ));
        builds.push(seconds);
    }
    tell("index built, s", builds);
    let asked_for = (0..arguments.questions).map(|number| {
        let (seconds, told) = kolo.explain(asked(number, arguments), Some(&folder))?;
        ensure!(
            told["read"]["records"] == 0,
            "nothing was written, and it read {told}"
        );
        Ok(seconds * 1e3)
    });
    tell(
        "explain with the index, ms",
        asked_for.collect::<anyhow::Result<Vec<f64>>>()?,
    );
    let mut caught_up = Vec::new();
    for number in 0..arguments.questions {
        let first = arguments.sagas + number * arguments.more;
        filler.fill(first..first + arguments.more)?;
        let (seconds, told) = kolo.explain(first, Some(&folder))?;
        ensure!(
            told["read"]["records"].as_u64() > Some(arguments.more),
            "{told}"
        );
        caught_up.push(seconds * 1e3);
    }
    let more = arguments.more * STEPS.len() as u64;
    tell(&format!("explain after {more} new records, ms"), caught_up);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Sagas from all over.
fn asked(number: u64, arguments: &ExplainArgs) -> u64 {
    (number * 7_919 + 13) % arguments.sagas
}

fn tell(what: &str, figures: Vec<f64>) {
    if let Some(spread) = Spread::of(figures) {
        say(format!("{what}: min / median / max  {spread:.2}"));
    }
}

struct Kolo {
    file: PathBuf,
    bootstrap: String,
}

impl Kolo {
    /// Explains an order; gives how long that took from the start of the process to its end.
    fn explain(&self, number: u64, index: Option<&Path>) -> anyhow::Result<(f64, Value)> {
        let order = order(number).to_string();
        let mut command = self.command(&["explain", &order, "--json"]);
        if let Some(index) = index {
            command.arg("--index").arg(index);
        }
        let begun = Instant::now();
        let ran = command.output().context("kolo explain")?;
        let seconds = begun.elapsed().as_secs_f64();
        ensure!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
        let told: Value = serde_json::from_slice(&ran.stdout)?;
        ensure!(told["status"] == "completed", "it is told as {told}");
        Ok((seconds, told))
    }

    fn build(&self, index: &Path) -> anyhow::Result<f64> {
        let begun = Instant::now();
        let mut command = self.command(&["index", "--once"]);
        let ran = command
            .arg("--index")
            .arg(index)
            .output()
            .context("kolo index")?;
        ensure!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
        Ok(begun.elapsed().as_secs_f64())
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.file);
        command.args(args).env("KOLO_BOOTSTRAP", &self.bootstrap);
        command
    }
}

fn kolo(arguments: &ExplainArgs) -> anyhow::Result<PathBuf> {
    let file = match &arguments.kolo {
        Some(file) => file.clone(),
        None => std::env::current_exe()?.with_file_name("kolo"),
    };
    ensure!(
        file.exists(),
        "{} is not there: `cargo build --release --bin kolo` builds it, --kolo names another",
        file.display()
    );
    Ok(file)
}

/// What a folder takes on the disk.
fn bytes(folder: &Path) -> anyhow::Result<u64> {
    let mut all = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        all += if entry.file_type()?.is_dir() {
            bytes(&entry.path())?
        } else {
            // A journal is longer than what is written of it.
            entry.metadata()?.blocks() * 512
        };
    }
    Ok(all)
}
