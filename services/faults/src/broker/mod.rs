//! A broker of a test's own, as a process that can be stopped, killed, paused and started again: a real Kafka, or the
//! embedded broker as `kolo dev` runs it. `scripts/faults --broker` says which.

mod embedded;
mod kafka;

use std::net::TcpStream;
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};
use rustix::process::Signal;

use crate::await_that;
use crate::child::signal;
use crate::shop::STALL;
use embedded::Embedded;
use kafka::Kafka;

/// Says which broker the tests run on.
const WHICH: &str = "KOLO_FAULTS_BROKER";

/// The root of the checkout.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A broker that is gone, with its data, when it is dropped.
#[derive(Debug)]
pub struct Broker {
    process: Process,
    address: String,
}

#[derive(Debug)]
enum Process {
    Kafka(Kafka),
    Embedded(Embedded),
}

impl Broker {
    /// Starts an empty one on a free port. What it prints, and what the embedded one keeps, is in this folder.
    ///
    /// # Errors
    /// When it does not start, or the tests are to run on a broker that nobody knows.
    pub fn start(name: &str, folder: &Path) -> anyhow::Result<Broker> {
        let which = std::env::var(WHICH).unwrap_or_else(|_| "kafka".to_owned());
        let process = match which.as_str() {
            "kafka" => Process::Kafka(Kafka::new(name)),
            "embedded" => Process::Embedded(Embedded::new(folder)?),
            other => bail!("{WHICH}={other}: expected kafka or embedded"),
        };
        let mut broker = Broker {
            process,
            address: String::new(),
        };
        broker.address = broker.launch()?;
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
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        // A killed process is gone a moment before its sockets are.
        await_that("the broker's port is free", STALL, || {
            Ok(TcpStream::connect(&self.address).is_err())
        })?;
        let address = self.launch()?;
        ensure!(
            self.address == address,
            "the broker moved from {} to {address}",
            self.address
        );
        Ok(())
    }

    fn launch(&mut self) -> anyhow::Result<String> {
        match &mut self.process {
            Process::Kafka(kafka) => kafka.start(),
            Process::Embedded(embedded) => embedded.start(),
        }
    }

    /// A clean shutdown.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        match &mut self.process {
            Process::Kafka(kafka) => kafka.stop(),
            Process::Embedded(embedded) => embedded.stop(),
        }
    }

    /// kill -9.
    ///
    /// # Errors
    /// When it does not end.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        match &mut self.process {
            Process::Kafka(kafka) => kafka.kill(),
            Process::Embedded(embedded) => embedded.kill(),
        }
    }

    /// Stops the process where it stands; it goes on when what is returned is dropped.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn pause(&self) -> anyhow::Result<Paused> {
        let pid = match &self.process {
            Process::Kafka(kafka) => kafka.pid()?,
            Process::Embedded(embedded) => embedded.pid()?,
        };
        signal(pid, Signal::STOP)?;
        Ok(Paused(pid))
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
