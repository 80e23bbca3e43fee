//! The manifests of the services that run, in a topic of the cluster: what `kolo check` and `kolo graph` read there.

use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use kolo_core::choreography::Manifest;
use tokio::runtime::Handle;

use crate::command;
use crate::config::Config;
use crate::topics::{Topics, create_beside};

/// The topic: one partition, compacted, a service's name as the key, its manifest as JSON as the value.
pub const TOPIC: &str = "kolo.manifests";

/// How long after the first failure it is tried again; each pause is twice as long as the one before.
const PAUSE: Duration = Duration::from_secs(2);
/// How often it is tried again, which is for four minutes: a start of long ago must not count as the latest.
const TRIES: usize = 7;

/// Publishes what a service that starts declares, with the partition counts that its topics have. That it fails is told, and
/// stops nothing: a saga needs no manifest.
pub(crate) async fn publish(config: Config, mut manifest: Manifest, topics: Topics) {
    let counts = topics
        .into_iter()
        .map(|(name, topic)| (name, topic.partitions));
    manifest.partitions = counts.collect();
    let service = manifest.service.clone();
    let manifest = Arc::new(manifest);
    let pauses = ExponentialBuilder::default()
        .with_min_delay(PAUSE)
        .without_max_delay()
        .with_max_times(TRIES);
    let published = (|| published(config.clone(), Arc::clone(&manifest)))
        .retry(pauses)
        .notify(told_once(&service))
        .await;
    match published {
        Ok(()) => tracing::debug!("{service}: its manifest is in `{TOPIC}`"),
        Err(problem) => tracing::warn!(
            "{service}: its manifest is not published until its next start: {problem}"
        ),
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
            "{service}: its manifest is not published yet, so `kolo check` and `kolo graph` do not know of this start: {problem}. The service runs without; give it leave to create and write `{TOPIC}`. It is tried again in {pause:.0?}, and a few times more"
        );
    }
}

/// On a thread that may wait: what it asks the brokers, it asks without letting others go on.
async fn published(config: Config, manifest: Arc<Manifest>) -> Result<(), String> {
    let runtime = Handle::current();
    let published = tokio::task::spawn_blocking(move || {
        runtime.block_on(create(&config))?;
        let json = manifest.to_json();
        command::send(&config, TOPIC, &manifest.service, json.as_bytes())
    });
    let published = published.await;
    published.unwrap_or_else(|error| Err(error.to_string()))
}

async fn create(config: &Config) -> Result<(), String> {
    let settings = [
        ("cleanup.policy", "compact"),
        // `check-env` learns the brokers' time by it.
        ("message.timestamp.type", "LogAppendTime"),
    ];
    let created = create_beside(config, TOPIC, &settings).await;
    created.map_err(|error| error.to_string())
}
