//! The embedded broker as a process of its own, with its data on disk: `kolo dev`.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;

use crate::address::free_address;
use crate::await_that;
use crate::child::Child;
use crate::shop::binary;

/// How long it may take to start, and to stop: both are quick, whatever it keeps.
const PATIENCE: Duration = Duration::from_secs(60);

/// Killed when it is dropped.
#[derive(Debug)]
pub(super) struct Embedded {
    address: SocketAddr,
    folder: PathBuf,
    /// `None` while it is stopped.
    process: Option<Child>,
}

impl Embedded {
    pub(super) fn new(folder: &Path) -> anyhow::Result<Embedded> {
        Ok(Embedded {
            address: free_address()?,
            folder: folder.to_owned(),
            process: None,
        })
    }

    /// Returns its address, which stays what it was.
    pub(super) fn start(&mut self) -> anyhow::Result<String> {
        let mut command = Command::new(binary("kolo")?);
        command
            .arg("dev")
            .arg("--data")
            .arg(self.folder.join("broker"))
            .args(["--listen", &self.address.to_string()])
            .arg("--no-registry");
        let log = self.folder.join("000-broker.log");
        let mut process = Child::spawn("the broker", &mut command, log)?;
        await_that("the broker listens", PATIENCE, || {
            process.ensure_running()?;
            Ok(TcpStream::connect(self.address).is_ok())
        })?;
        self.process = Some(process);
        Ok(self.address.to_string())
    }

    pub(super) fn stop(&mut self) -> anyhow::Result<()> {
        self.take()?.terminate(PATIENCE)
    }

    pub(super) fn kill(&mut self) -> anyhow::Result<()> {
        self.take()?.kill()
    }

    pub(super) fn pid(&self) -> anyhow::Result<i32> {
        self.process
            .as_ref()
            .context("the broker is stopped")?
            .pid()
    }

    fn take(&mut self) -> anyhow::Result<Child> {
        self.process.take().context("the broker is stopped")
    }
}
