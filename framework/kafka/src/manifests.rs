//! The manifests of the services that run, in a topic of the cluster: what `kolo check` and `kolo graph` read there.

use kolo_core::choreography::Manifest;

use crate::command;
use crate::config::Config;
use crate::topics::{Topics, create_beside};

/// The topic: one partition, compacted, a service's name as the key, its manifest as JSON as the value.
pub const TOPIC: &str = "kolo.manifests";

/// Publishes what a service that starts declares, with the partition counts that its topics have. That it fails is told, and
/// stops nothing: a saga needs no manifest.
pub(crate) async fn publish(config: Config, mut manifest: Manifest, topics: Topics) {
    let counts = topics
        .into_iter()
        .map(|(name, topic)| (name, topic.partitions));
    manifest.partitions = counts.collect();
    let service = manifest.service.clone();
    let settings = [
        ("cleanup.policy", "compact"),
        // `check-env` learns the brokers' time by it.
        ("message.timestamp.type", "LogAppendTime"),
    ];
    let published = match create_beside(&config, TOPIC, &settings).await {
        Ok(()) => {
            let send = move || {
                command::send(
                    &config,
                    TOPIC,
                    &manifest.service,
                    manifest.to_json().as_bytes(),
                )
            };
            let sent = tokio::task::spawn_blocking(send).await;
            sent.unwrap_or_else(|error| Err(error.to_string()))
        }
        Err(error) => Err(error.to_string()),
    };
    match published {
        Ok(()) => tracing::debug!("{service}: its manifest is in `{TOPIC}`"),
        Err(problem) => tracing::warn!(
            "{service}: its manifest is not published, so `kolo check` and `kolo graph` do not know of this start: {problem}. The service runs without; give it leave to create and write `{TOPIC}`, and start it again"
        ),
    }
}
