//! Where manifests come from: files, the standard input, or the topic in which services that run publish theirs.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use kolo_core::choreography::{Choreography, Manifest};
use kolo_kafka::Config;
use kolo_kafka::manifests::TOPIC;

use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::scan::Latest;
use crate::terminal::harmless;

/// The choreography of the manifests in these files, of which `-` is the standard input; without files, of the services
/// that run on the brokers.
pub(super) fn choreography(
    files: &[PathBuf],
    config: impl FnOnce() -> Result<Config, Failure>,
) -> Result<Choreography, Failure> {
    let manifests = if files.is_empty() {
        published(&config()?)?
    } else {
        from_files(files)?
    };
    Ok(Choreography::from_manifests(manifests))
}

/// The manifests in these files, of which `-` is the standard input, in their order.
pub(crate) fn from_files(files: &[PathBuf]) -> Result<Vec<Manifest>, Failure> {
    let mut manifests = Vec::new();
    for file in files {
        let text = read(file)?;
        let found = Manifest::all_from_json(&text)
            .map_err(|error| Failure::input(format!("{}: {error}", name(file))))?;
        manifests.extend(found);
    }
    Ok(manifests)
}

/// The latest manifest of each service, with the partition counts that topics have now.
pub(crate) fn published(config: &Config) -> Result<Vec<Manifest>, Failure> {
    let cluster = Cluster::connect(config)?;
    let none = || {
        Failure::run(format!(
            "no service has published its manifest at {}: a service does when it starts. Without brokers, give files: `<service> manifest` prints one.",
            config.bootstrap
        ))
    };
    let topic = cluster.topics.iter().find(|topic| topic.name == TOPIC);
    let Latest(latest) = Latest::of(&cluster, topic.ok_or_else(none)?)?;
    if latest.is_empty() {
        return Err(none());
    }
    latest
        .into_iter()
        .map(|(service, value)| {
            let text = String::from_utf8_lossy(&value);
            let mut manifest = Manifest::from_json(&text).map_err(|error| {
                let service = String::from_utf8_lossy(&service);
                Failure::run(format!("{TOPIC}, key `{}`: {error}", harmless(&service)))
            })?;
            manifest.partitions = counts(&cluster, &manifest);
            Ok(manifest)
        })
        .collect()
}

fn counts(cluster: &Cluster<'_>, manifest: &Manifest) -> BTreeMap<String, i32> {
    let wanted = manifest.topics();
    let found = cluster
        .topics
        .iter()
        .filter(|topic| wanted.contains(&topic.name.as_str()));
    let counted = found.map(|topic| {
        let count = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
        (topic.name.clone(), count)
    });
    counted.collect()
}

fn read(file: &Path) -> Result<String, Failure> {
    let read = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    read.map_err(|error| Failure::input(format!("{} cannot be read: {error}", name(file))))
}

fn name(file: &Path) -> String {
    if file == Path::new("-") {
        "the standard input".into()
    } else {
        file.display().to_string()
    }
}
