//! A real Kafka, by way of `scripts/kafka`.

use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use super::root;

/// What the names of brokers start with; `scripts/faults` sets it, and wipes what is left under it.
const PREFIX: &str = "KOLO_FAULTS_BROKERS";

/// Known to the scripts by its name.
#[derive(Debug)]
pub(super) struct Kafka {
    name: String,
}

impl Kafka {
    pub(super) fn new(name: &str) -> Kafka {
        let prefix =
            std::env::var(PREFIX).unwrap_or_else(|_| format!("faults-{}", std::process::id()));
        Kafka {
            name: format!("{prefix}-{name}"),
        }
    }

    /// Returns its address, which stays what it was.
    pub(super) fn start(&self) -> anyhow::Result<String> {
        let printed = self.script("start", &["--free-port", "--heap", "768m"])?;
        Ok(printed.lines().last().unwrap_or_default().to_owned())
    }

    pub(super) fn stop(&self) -> anyhow::Result<()> {
        self.script("stop", &[]).map(drop)
    }

    pub(super) fn kill(&self) -> anyhow::Result<()> {
        self.script("stop", &["--kill"]).map(drop)
    }

    pub(super) fn pid(&self) -> anyhow::Result<i32> {
        let file = root().join(".kafka").join(&self.name).join("pid");
        let pid = std::fs::read_to_string(&file).with_context(|| format!("{}", file.display()))?;
        pid.trim().parse().context("the broker's process id")
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

impl Drop for Kafka {
    fn drop(&mut self) {
        // What cannot be removed here, scripts/faults removes at its end.
        let _ = self.script("stop", &["--kill", "--wipe"]);
    }
}
