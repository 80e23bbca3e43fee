//! This machine: the directory for state, the port for health and metrics, and those of what runs beside the service.

use std::net::TcpListener;
use std::path::Path;

use kolo_core::Service;

use crate::beside::Listens;
use crate::config::Config;
use crate::snapshots::{Folder, LockProblem};

use super::finding::Findings;

const DISK: &str = "disk";
const PORT: &str = "port";
/// Room for snapshots below which somebody should know.
const LITTLE_MIB: u64 = 1024;

pub(super) fn check(service: &Service, config: &Config, found: &mut Findings) {
    let mut aggregates = service.aggregates().iter();
    let keeps = aggregates.any(|known| known.description().snapshots.is_some());
    if !keeps {
        found.ok(
            DISK,
            "nothing is kept on it: no aggregate declares snapshots",
        );
    } else if config.state_dir.as_os_str().is_empty() {
        found.warn(DISK, "no snapshots are kept, so a start reads whole streams: `state_dir` (KOLO_STATE_DIR) names a directory");
    } else {
        disk(
            Folder::of(&config.state_dir, service.name()).path(),
            service,
            config,
            found,
        );
    }
    port(service.name(), &config.management, found);
}

fn disk(path: &Path, service: &Service, config: &Config, found: &mut Findings) {
    let shown = path.display();
    if let Err(error) = std::fs::create_dir_all(path) {
        return found.error(DISK, format_args!("{shown} cannot be created: {error}. `state_dir` (KOLO_STATE_DIR) names a directory of this instance's own"));
    }
    // It is let go at once.
    match Folder::of(&config.state_dir, service.name()).lock() {
        Ok(_) => {}
        Err(problem @ LockProblem::InUse) => {
            return found.error(DISK, format_args!("{shown} cannot be used: {problem}. Each instance needs a `state_dir` (KOLO_STATE_DIR) of its own"));
        }
        Err(LockProblem::Io(error)) => {
            return found.error(DISK, format_args!("{shown} cannot be written, beginning with the file `lock`: {error}. `state_dir` (KOLO_STATE_DIR) names a directory that the service may write to"));
        }
    }
    match rustix::fs::statvfs(path) {
        Ok(system) => {
            let free = (system.f_bavail * system.f_frsize) >> 20;
            if free < LITTLE_MIB {
                found.warn(DISK, format_args!("{shown} can be written, and has room for {free} MiB: a snapshot needs twice its size while it is taken"));
            } else {
                found.ok(DISK, format_args!("{shown} can be written, is used by no other process, and has room for {free} MiB"));
            }
        }
        Err(error) => found.warn(
            DISK,
            format_args!(
                "{shown} can be written; how much room it has, the system does not say: {error}"
            ),
        ),
    }
}

fn port(service: &str, address: &str, found: &mut Findings) {
    if address.is_empty() {
        return found.ok(
            PORT,
            "health and metrics are not served; KOLO_MANAGEMENT=127.0.0.1:9400 serves them",
        );
    }
    match TcpListener::bind(address) {
        Ok(_) => found.ok(PORT, format_args!("{address} is free, for health and metrics")),
        Err(error) => found.error(PORT, format_args!("{address} cannot be had for health and metrics: {error}. If the service runs already, `{service} health` asks it; otherwise KOLO_MANAGEMENT names another address")),
    }
}

/// What runs beside the service can listen where it is to.
pub(super) async fn listeners(all: Vec<Listens>, found: &mut Findings) {
    for listens in all {
        let name = listens.name;
        match listens.try_out().await {
            Ok(Some(address)) => found.ok(PORT, format_args!("{address} is free, for {name}")),
            Ok(None) => found.ok(PORT, format_args!("{name} is to listen nowhere")),
            Err(problem) => found.error(PORT, format_args!("{name}: {problem}")),
        }
    }
}
