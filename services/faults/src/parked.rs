//! The services' `parked` commands, as an operator types them.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::shop::{Service, Shop, binary};

/// A parked key, as `parked list --json` tells it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Parked {
    /// `service.aggregate`
    pub aggregate: String,
    /// The key; empty for what has none.
    pub key: String,
    /// Where it is parked.
    pub partition: i64,
    /// The id of its first record.
    pub id: String,
    /// The class of its failure.
    pub class: String,
    /// How many records it has.
    pub records: u64,
}

impl Parked {
    fn read(value: &Value) -> Option<Parked> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Some(Parked {
            aggregate: text(&value["aggregate"])?,
            key: text(&value["key"])?,
            partition: value["partition"].as_i64()?,
            id: text(&value["first"]["id"])?,
            class: text(&value["first"]["class"])?,
            records: value["records"].as_u64()?,
        })
    }
}

impl Shop {
    /// A `parked` command of a service.
    ///
    /// # Errors
    /// When its binary was not built.
    pub fn parked_command(&self, service: Service, args: &[&str]) -> anyhow::Result<Command> {
        let mut command = self.command(&binary(service.name())?);
        command.arg("parked").args(args);
        Ok(command)
    }

    /// What is parked now, in order.
    ///
    /// # Errors
    /// When it cannot be told.
    pub fn parked(&self, service: Service) -> anyhow::Result<Vec<Parked>> {
        let output = self
            .parked_command(service, &["list", "--json"])?
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "{} parked list: {said}",
            service.name()
        );
        let all: Vec<Value> = serde_json::from_slice(&output.stdout)?;
        let all: Option<Vec<Parked>> = all.iter().map(Parked::read).collect();
        let mut all = all.context("a parked key that is told in another way")?;
        all.sort();
        Ok(all)
    }

    /// The command that drops the first record of a key, and waits for the owner for so long.
    ///
    /// # Errors
    /// When the service's binary was not built.
    pub fn drop_command(
        &self,
        service: Service,
        parked: &Parked,
        patience: Duration,
    ) -> anyhow::Result<Command> {
        let mut command = self.parked_command(service, &["drop", "--yes", "--json"])?;
        command
            .args(["--reason", "poison of a test", "--id", &parked.id])
            .args(["--timeout", &format!("{}s", patience.as_secs())]);
        match parked.key.as_str() {
            "" => command.arg("--no-key"),
            key => command.arg(key),
        };
        Ok(command)
    }
}
