//! The three services and the gateway, in this process or in three more.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use kolo::{App, Config, Running};
use parking_lot::Mutex;
use payment::{Charge, HttpGateway, Refund};
use shop::gateway::{Faults, Gateway};

use crate::machine::cpu_seconds;

use super::Place;

/// What runs.
pub(super) struct Services {
    gateway: Gateway,
    here: Vec<Running>,
    elsewhere: Mutex<Vec<(&'static str, Child)>>,
}

impl Services {
    /// Starts a gateway that answers at once, and the services.
    pub(super) fn start(place: Place, config: &Config) -> anyhow::Result<Services> {
        let gateway = Gateway::start(
            SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            Faults::default(),
            None,
        )?;
        let mut services = Services {
            gateway,
            here: Vec::new(),
            elsewhere: Mutex::default(),
        };
        match place {
            Place::OneProcess => services.start_here(config)?,
            Place::ThreeProcesses => services.start_elsewhere(config)?,
        }
        Ok(services)
    }

    fn start_here(&mut self, config: &Config) -> anyhow::Result<()> {
        let adapter = HttpGateway::new(&self.gateway.url())?;
        let payment = App::new(payment::service())
            .bind::<Charge>(adapter.clone())
            .bind::<Refund>(adapter);
        for app in [
            App::new(inventory::service()),
            payment,
            App::new(order::service()),
        ] {
            self.here.push(app.start(config)?);
        }
        Ok(())
    }

    fn start_elsewhere(&mut self, config: &Config) -> anyhow::Result<()> {
        let here = std::env::current_exe().context("where this program is")?;
        for name in ["inventory", "payment", "order"] {
            let program = here.with_file_name(name);
            let with = |argument: &str| {
                let mut command = Command::new(&program);
                command
                    .arg(argument)
                    .env("KOLO_BOOTSTRAP", &config.bootstrap)
                    .env("KOLO_WORKERS", config.workers.to_string())
                    .env("KOLO_PARTITIONS", config.partitions.to_string())
                    .env("KOLO_LOG", "error")
                    .env("GATEWAY_URL", self.gateway.url())
                    .stdin(Stdio::null())
                    .stdout(Stdio::null());
                command
            };
            let missing = || {
                format!(
                    "{} does not start; build it: cargo build --release -p {name}",
                    program.display()
                )
            };
            // First the topics alone: the benchmark reads them, and the service creates them some time after it starts.
            let prepared = with("topics").status().with_context(missing)?;
            ensure!(
                prepared.success(),
                "the service {name} cannot prepare its topics: {prepared}"
            );
            let child = with("run").spawn().with_context(missing)?;
            self.elsewhere.lock().push((name, child));
        }
        Ok(())
    }

    /// Fails if one has failed.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.here
                .iter()
                .all(|running| !running.wait(Duration::ZERO)),
            "a service has failed"
        );
        for (name, child) in self.elsewhere.lock().iter_mut() {
            if let Some(status) = child.try_wait()? {
                bail!("the service {name} has ended: {status}");
            }
        }
        ensure!(!self.gateway.failed(), "the gateway has failed");
        Ok(())
    }

    /// CPU seconds of all processes of this benchmark, this one included; not the broker's.
    pub(super) fn cpu_seconds(&self) -> Option<f64> {
        let elsewhere = self.elsewhere.lock();
        let others = elsewhere
            .iter()
            .map(|(_, child)| cpu_seconds(Some(child.id())));
        others
            .sum::<Option<f64>>()
            .and_then(|others| Some(others + cpu_seconds(None)?))
    }

    /// Stops everything.
    pub(super) fn stop(self) -> anyhow::Result<()> {
        for running in self.here {
            running.stop()?;
        }
        for (name, mut child) in self.elsewhere.into_inner() {
            child
                .kill()
                .with_context(|| format!("the service {name} cannot be ended"))?;
            child.wait()?;
        }
        self.gateway.stop()
    }
}
