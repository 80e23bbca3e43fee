//! A real Kafka of a test's own.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use rustix::process::Signal;

use crate::await_that;
use crate::child::signal;
use crate::shop::STALL;

/// What the names of brokers start with; `scripts/faults` sets it, and wipes what is left under it.
const PREFIX: &str = "KOLO_FAULTS_BROKERS";

/// The root of the checkout.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A broker that is gone, with its data, when it is dropped.
#[derive(Debug)]
pub struct Broker {
    name: String,
    address: String,
}

impl Broker {
    /// Starts an empty one on a free port.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(name: &str) -> anyhow::Result<Broker> {
        let prefix =
            std::env::var(PREFIX).unwrap_or_else(|_| format!("faults-{}", std::process::id()));
        let mut broker = Broker {
            name: format!("{prefix}-{name}"),
            address: String::new(),
        };
        broker.address = broker.start_again()?;
        Ok(broker)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Brings a stopped one back with its data, on its port.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_again(&self) -> anyhow::Result<String> {
        // A killed process is gone a moment before its sockets are.
        if !self.address.is_empty() {
            await_that("the broker's port is free", STALL, || {
                Ok(TcpStream::connect(&self.address).is_err())
            })?;
        }
        let printed = self.script("start", &["--free-port", "--heap", "768m"])?;
        let address = printed.lines().last().unwrap_or_default().to_owned();
        ensure!(
            self.address.is_empty() || self.address == address,
            "the broker moved from {} to {address}",
            self.address
        );
        Ok(address)
    }

    /// A clean shutdown.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop(&self) -> anyhow::Result<()> {
        self.script("stop", &[]).map(drop)
    }

    /// kill -9.
    ///
    /// # Errors
    /// When it does not end.
    pub fn kill(&self) -> anyhow::Result<()> {
        self.script("stop", &["--kill"]).map(drop)
    }

    /// Stops the process where it stands; it goes on when what is returned is dropped.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn pause(&self) -> anyhow::Result<Paused> {
        let file = root().join(".kafka").join(&self.name).join("pid");
        let pid = std::fs::read_to_string(&file).with_context(|| format!("{}", file.display()))?;
        let pid: i32 = pid.trim().parse().context("the broker's process id")?;
        signal(pid, Signal::STOP)?;
        Ok(Paused(pid))
    }

    fn script(&self, script: &str, arguments: &[&str]) -> anyhow::Result<String> {
        let path = root().join("scripts/kafka").join(script);
        let output = Command::new(&path)
            .args(["--name", &self.name])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("{} cannot be run", path.display()))?;
        ensure!(
            output.status.success(),
            "{}: {}",
            path.display(),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // What cannot be removed here, scripts/faults removes at its end.
        let _ = self.script("stop", &["--kill", "--wipe"]);
    }
}

/// A broker that stands still.
#[derive(Debug)]
pub struct Paused(i32);

impl Drop for Paused {
    fn drop(&mut self) {
        let _ = signal(self.0, Signal::CONT);
    }
}
