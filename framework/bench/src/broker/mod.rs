//! The brokers under test: an Apache Kafka that runs already, the embedded broker in a process of its own, or both in turn.

mod embedded;
mod topics;

use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context, ensure};
use clap::Args;

use crate::machine::cpu_seconds;

pub(crate) use embedded::{Embedded, ServeArgs, serve};
pub(crate) use topics::Topics;

/// Which brokers are measured; with both, they take turns.
#[derive(Debug, Clone, Args)]
pub(crate) struct BrokerArgs {
    /// A running broker, as host:port. Topics of the benchmark there are deleted and created again.
    #[arg(long, value_name = "HOST:PORT")]
    bootstrap: Option<String>,
    /// Its process, for its CPU time; found by scripts/kafka/status if it runs on this machine.
    #[arg(long, value_name = "PID", requires = "bootstrap")]
    broker_pid: Option<u32>,
    /// The embedded broker, in a process of its own, with its data in memory.
    #[arg(long)]
    embedded: bool,
    /// The embedded broker with its data in this directory, which must be empty.
    #[arg(long, value_name = "DIR")]
    embedded_data: Option<std::path::PathBuf>,
}

/// A broker under test.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) bootstrap: String,
    process: Option<u32>,
    pub(crate) embedded: Option<Embedded>,
}

impl BrokerArgs {
    /// The same on the command line of another process of this program.
    pub(crate) fn as_arguments(&self) -> Vec<OsString> {
        let mut arguments = Vec::new();
        let mut name = |name: &str, value: Option<OsString>| {
            if let Some(value) = value {
                arguments.extend([name.into(), value]);
            }
        };
        name("--bootstrap", self.bootstrap.clone().map(Into::into));
        let pid = self.broker_pid.map(|pid| pid.to_string());
        name("--broker-pid", pid.map(Into::into));
        name(
            "--embedded-data",
            self.embedded_data.clone().map(Into::into),
        );
        arguments.extend(self.embedded.then(|| "--embedded".into()));
        arguments
    }

    /// The brokers, running.
    ///
    /// # Errors
    /// When none is named, or the embedded one does not start.
    pub(crate) fn subjects(&self) -> anyhow::Result<Vec<Subject>> {
        let mut subjects = Vec::new();
        if let Some(bootstrap) = &self.bootstrap {
            let process = self.broker_pid.or_else(|| process_at(bootstrap));
            if process.is_none() {
                crate::say(format!(
                    "The process of the broker at {bootstrap} is not known here: its CPU time is left out (--broker-pid names it)."
                ));
            }
            subjects.push(Subject {
                name: "kafka",
                bootstrap: bootstrap.clone(),
                process,
                embedded: None,
            });
        }
        if self.embedded || self.embedded_data.is_some() {
            let embedded = Embedded::start(self.embedded_data.as_deref())
                .context("the embedded broker does not start")?;
            subjects.push(Subject {
                name: "embedded",
                bootstrap: embedded.bootstrap.clone(),
                process: Some(embedded.process()),
                embedded: Some(embedded),
            });
        }
        ensure!(
            !subjects.is_empty(),
            "no broker is named: --bootstrap HOST:PORT, --embedded, or both"
        );
        Ok(subjects)
    }
}

impl Subject {
    /// CPU seconds of the broker's process; `None` where it is not known.
    pub(crate) fn cpu_seconds(&self) -> Option<f64> {
        self.process.and_then(|process| cpu_seconds(Some(process)))
    }
}

/// The process of a broker that `scripts/kafka/start` started at this address; `None` if it is not known.
fn process_at(bootstrap: &str) -> Option<u32> {
    let status = Command::new("scripts/kafka/status")
        .arg("--json")
        .output()
        .ok()?;
    let lines = String::from_utf8(status.stdout).ok()?;
    lines.lines().find_map(|line| {
        let broker: serde_json::Value = serde_json::from_str(line).ok()?;
        (broker["bootstrap"] == bootstrap)
            .then(|| broker["pid"].as_u64())
            .flatten()
            .and_then(|process| u32::try_from(process).ok())
    })
}
