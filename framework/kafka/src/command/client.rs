//! The clients with which commands read topics, and how they fail.

use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::KafkaError;

use crate::acls::TOOL;
use crate::client_log;
use crate::config::{Config, refused};
use crate::native::Connected;

use crate::topics::is_denied;

use super::failure::Failure;

/// How long reading may stand still where there are known to be records.
pub(super) const STANDSTILL: Duration = Duration::from_secs(20);
/// How long brokers may take to answer.
pub(super) const ANSWER: Duration = Duration::from_secs(10);

/// Says nothing of connections that come and go, nor of the ends of partitions.
pub(super) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client_log::line("the reader", level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!("{error}: {reason}");
    }
}

impl ConsumerContext for Quiet {}

pub(super) fn consumer(config: &Config) -> Result<Connected<BaseConsumer<Quiet>>, Failure> {
    let mut client = config.client();
    client
        .set("group.id", TOOL)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "error")
        .set("allow.auto.create.topics", "false")
        // Reading waits for nobody, and memory is for what is parked.
        .set("queued.max.messages.kbytes", "16384")
        .set("fetch.wait.max.ms", "50")
        .set("fetch.queue.backoff.ms", "10");
    config
        .connect(&client, Quiet)
        .map_err(|error| settings(&error))
}

/// librdkafka does not take the settings.
pub(super) fn settings(error: &KafkaError) -> Failure {
    Failure::input(format!(
        "librdkafka refuses the settings: {}. They come from the table [kafka] of the configuration file and from variables KOLO_KAFKA_…",
        refused(error)
    ))
}

pub(super) fn cannot_read(topic: &str, error: &KafkaError) -> Failure {
    let next = if is_denied(error) {
        "`<service> describe --acls --operator` says what its user must be allowed".to_owned()
    } else {
        format!("`kolo topics describe {topic}` shows its state")
    };
    Failure::run(format!(
        "the topic `{topic}` cannot be read: {error}. {next}"
    ))
}
