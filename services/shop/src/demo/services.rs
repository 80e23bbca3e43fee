//! The three services and their gateway, in this process.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use kolo::{App, Config, Running};
use payment::{Charge, HttpGateway, Refund};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::{register, register_conditional_shutdown};

use crate::gateway::{FaultArgs, Gateway};

/// All that runs.
pub(super) struct Services {
    running: Vec<(&'static str, Running)>,
    gateway: Gateway,
    /// Set by Ctrl-C or SIGTERM.
    interrupted: Arc<AtomicBool>,
}

/// The exit code of a process that is told to stop twice.
const STOPPED_TWICE: i32 = 130;

impl Services {
    /// Starts the gateway on a free port, creates or verifies the topics, and starts the services.
    pub(super) fn start(config: &Config, faults: &FaultArgs) -> anyhow::Result<Services> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let gateway = Gateway::start(address, faults.faults(), faults.ledger.as_deref())?;
        let adapter = HttpGateway::new(&gateway.url())?;
        let payment = App::new(payment::service())
            .bind::<Charge>(adapter.clone())
            .bind::<Refund>(adapter);
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // Stopping takes a moment, since the services leave their groups; the second signal ends it at once.
            register_conditional_shutdown(signal, STOPPED_TWICE, Arc::clone(&interrupted))?;
            register(signal, Arc::clone(&interrupted))?;
        }
        let mut services = Services {
            running: Vec::new(),
            gateway,
            interrupted,
        };
        services.launch("inventory", App::new(inventory::service()), config)?;
        services.launch("payment", payment, config)?;
        services.launch("order", App::new(order::service()), config)?;
        Ok(services)
    }

    fn launch(&mut self, name: &'static str, app: App, config: &Config) -> anyhow::Result<()> {
        let running = app
            .start(config)
            .with_context(|| format!("the service {name} cannot start at {}", config.bootstrap))?;
        self.running.push((name, running));
        Ok(())
    }

    pub(super) fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Fails if the process was told to stop, or a service has failed; its own error comes from [`Services::stop`].
    pub(super) fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            !self.interrupted.load(Ordering::Relaxed),
            "interrupted: orders may be left half-way, for the next run to end"
        );
        for (name, running) in &self.running {
            anyhow::ensure!(
                !running.wait(Duration::ZERO),
                "the service {name} has failed"
            );
        }
        anyhow::ensure!(!self.gateway.failed(), "the gateway has failed");
        Ok(())
    }

    /// Stops everything, and says what had failed.
    pub(super) fn stop(self) -> anyhow::Result<()> {
        let mut failure = Ok(());
        for (name, running) in self.running {
            let stopped = running
                .stop()
                .with_context(|| format!("the service {name} has failed"));
            failure = failure.and(stopped);
        }
        failure.and(self.gateway.stop())
    }
}
