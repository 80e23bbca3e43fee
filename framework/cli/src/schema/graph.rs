//! The services that were told of: their builds, and who reads and writes an event.

use std::path::PathBuf;

use kolo_core::choreography::{Manifest, Use};
use kolo_kafka::Config;
use serde_json::{Value, json};

use crate::choreography::{from_files, published};
use crate::failure::Failure;

/// The builds of services, as their manifests tell.
pub(super) struct Services(Vec<Manifest>);

impl Services {
    /// From files; or from the brokers, if they were asked for; or none.
    pub(super) fn load(
        files: &[PathBuf],
        config: Option<impl FnOnce() -> Result<Config, Failure>>,
    ) -> Result<Self, Failure> {
        match config {
            _ if !files.is_empty() => from_files(files).map(Services),
            Some(config) => published(&config()?).map(Services),
            None => Ok(Services(Vec::new())),
        }
    }

    pub(super) fn is_told(&self) -> bool {
        !self.0.is_empty()
    }

    pub(super) fn builds(&self) -> &[Manifest] {
        &self.0
    }

    /// Who answers an event, each place once whichever builds have it.
    pub(super) fn readers(&self, event: &str) -> Vec<Use<'_>> {
        once(self.0.iter().flat_map(|build| build.readers(event)))
    }

    /// Who emits an event, each place once whichever builds have it.
    pub(super) fn writers(&self, event: &str) -> Vec<Use<'_>> {
        once(self.0.iter().flat_map(|build| build.writers(event)))
    }
}

fn once<'a>(all: impl Iterator<Item = Use<'a>>) -> Vec<Use<'a>> {
    let mut kept: Vec<Use<'a>> = Vec::new();
    for found in all {
        if !kept.contains(&found) {
            kept.push(found);
        }
    }
    kept
}

/// A use for other programs.
pub(super) fn as_json(found: &Use<'_>) -> Value {
    json!({
        "service": found.service,
        "aggregate": found.aggregate,
        "function": found.function.name,
        "file": found.function.file,
        "line": found.function.line,
    })
}
