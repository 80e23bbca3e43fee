//! A service that takes its partitions over, and what its log says of it.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use kolo::{App, Config};
use parking_lot::Mutex;

use super::RestoreArgs;
use super::account::service;

/// Nothing may take longer.
const PATIENCE: Duration = Duration::from_secs(180);

/// What taking all partitions over came to.
pub(super) struct TakeOver {
    pub(super) seconds: f64,
    /// How many records of the stream were read.
    pub(super) read: u64,
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(Log::default)
}

/// Begins to take the services' log down.
pub(super) fn listen() {
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(|| log().clone())
        .init();
}

fn text() -> String {
    String::from_utf8_lossy(&log().0.lock()).into_owned()
}

/// Starts the service, waits until it has taken all partitions over, and, if it is told where, until all are kept there.
pub(super) fn take_over(
    config: &Config,
    arguments: &RestoreArgs,
    keep: Option<&Path>,
) -> anyhow::Result<TakeOver> {
    let partitions = usize::try_from(arguments.partitions)?;
    log().0.lock().clear();
    let mut config = config.clone();
    if keep.is_some() {
        config.snapshot_interval_ms = 100;
    }
    let running = App::new(service())
        .start(&config)
        .context("the service does not start")?;
    let until = Instant::now() + PATIENCE;
    let lines = || -> Vec<String> {
        let text = text();
        let lines = text.lines().filter(|line| line.contains(" took over in "));
        lines.map(str::to_owned).collect()
    };
    // Workers that join one after the other take some partitions over twice.
    let mut since = (Instant::now(), 0);
    loop {
        ensure!(
            !running.wait(Duration::from_millis(20)),
            "the service has failed: {}",
            text()
        );
        ensure!(Instant::now() < until, "not taken over in time: {}", text());
        let found = lines().len();
        if found != since.1 {
            since = (Instant::now(), found);
        }
        let is_kept = keep.is_none_or(|folder| files(folder) == partitions);
        if found >= partitions && since.0.elapsed() > Duration::from_secs(2) && is_kept {
            break;
        }
    }
    running.stop()?;
    let lines = lines();
    let last = lines.iter().rev().take(partitions);
    let mut sum = TakeOver {
        seconds: 0.0,
        read: 0,
    };
    for line in last {
        sum.seconds = sum
            .seconds
            .max(seconds(line).context("no time in the line")?);
        let read = line
            .split_once(" read=")
            .and_then(|(_, behind)| behind.split(' ').next());
        sum.read += read.context("no count in the line")?.parse::<u64>()?;
    }
    Ok(sum)
}

/// `took over in 1.2s`, or `345.6ms`.
fn seconds(line: &str) -> Option<f64> {
    let (_, behind) = line.split_once(" took over in ")?;
    let text = behind.split(' ').next()?;
    match text.strip_suffix("ms") {
        Some(milliseconds) => Some(milliseconds.parse::<f64>().ok()? / 1e3),
        None => text.strip_suffix('s')?.parse().ok(),
    }
}

fn files(folder: &Path) -> usize {
    let files = std::fs::read_dir(folder.join("bench-restore"))
        .into_iter()
        .flatten();
    let names = files.flatten().map(|file| file.path());
    names
        .filter(|path| path.extension().is_some_and(|name| name == "snapshot"))
        .count()
}

/// What snapshots take on the disk.
pub(super) fn kept_bytes(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for file in std::fs::read_dir(folder.join("bench-restore"))? {
        bytes += file?.metadata()?.len();
    }
    Ok(bytes)
}
