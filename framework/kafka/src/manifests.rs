//! The manifests of the services that run, in a topic of the cluster: what `kolo check` and `kolo graph` read there.

use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use kolo_core::choreography::Manifest;

use crate::command;
use crate::config::Config;
use crate::topics::{Topics, create_beside};

/// The topic: one partition, compacted, a service's name as the key, its manifest as JSON as the value.
pub const TOPIC: &str = "kolo.manifests";

/// How long after a failure it is tried again: longer each time, up to the latter.
const PAUSES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

/// Publishes what a service that starts declares, with the partition counts that its topics have. That it fails is told, and
/// stops nothing: a saga needs no manifest. It is tried until it succeeds.
pub(crate) async fn publish(config: Config, mut manifest: Manifest, topics: Topics) {
    let counts = topics
        .into_iter()
        .map(|(name, topic)| (name, topic.partitions));
    manifest.partitions = counts.collect();
    let service = manifest.service.clone();
    let manifest = Arc::new(manifest);
    let (least, most) = PAUSES;
    let pauses = ExponentialBuilder::default()
        .with_min_delay(least)
        .with_max_delay(most)
        .without_max_times();
    let published = (|| published(config.clone(), Arc::clone(&manifest)))
        .retry(pauses)
        .notify(told_once(&service))
        .await;
    if published.is_ok() {
        tracing::debug!("{service}: its manifest is in `{TOPIC}`");
    }
}

/// Tells of the first failure aloud.
fn told_once(service: &str) -> impl FnMut(&String, Duration) {
    let mut is_told = false;
    move |problem, pause| {
        if std::mem::replace(&mut is_told, true) {
            tracing::debug!("{service}: its manifest is still not published: {problem}");
            return;
        }
        tracing::warn!(
            "{service}: its manifest is not published yet, so `kolo check` and `kolo graph` do not know of this start: {problem}. The service runs without. It is tried again in {pause:.0?}, and then now and then; it must have leave to create and write `{TOPIC}`"
        );
    }
}

async fn published(config: Config, manifest: Arc<Manifest>) -> Result<(), String> {
    let settings = [
        ("cleanup.policy", "compact"),
        // `check-env` learns the brokers' time by it.
        ("message.timestamp.type", "LogAppendTime"),
    ];
    let created = create_beside(&config, TOPIC, &settings).await;
    created.map_err(|error| error.to_string())?;
    let send = move || {
        let json = manifest.to_json();
        command::send(&config, TOPIC, &manifest.service, json.as_bytes())
    };
    let sent = tokio::task::spawn_blocking(send).await;
    sent.unwrap_or_else(|error| Err(error.to_string()))
}
