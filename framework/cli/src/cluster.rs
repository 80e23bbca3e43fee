//! The connection to Kafka that everything is read through: plain consumers with assigned partitions, in no group.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kolo_kafka::Config;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::failure::Failure;
use crate::near::suggestion;

/// How long a broker may hold a request for records when there are none. A consumer that is given other partitions has
/// to wait for it, so it is short for one that looks here and there, and long for one that follows.
const LOOKING_MS: &str = "5";
const FOLLOWING_MS: &str = "500";
/// How long brokers may take to answer before they count as unreachable.
pub(crate) const ANSWER: Duration = Duration::from_secs(5);
pub(crate) type Reader = BaseConsumer<Quiet>;

/// Keeps what librdkafka complains about for our own message, instead of printing it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Quiet(Arc<Mutex<Option<String>>>);

impl Quiet {
    fn last(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The latest complaint, for the end of a sentence.
    pub(crate) fn complaint(&self) -> Option<String> {
        self.last().clone()
    }
}

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, _facility: &str, message: &str) {
        // "[thrd:main]: 127.0.0.1:1/bootstrap: Connect to … failed: …"
        if (level as i32) <= RDKafkaLogLevel::Error as i32 {
            let text = message.split_once("]: ").map_or(message, |(_, text)| text);
            let known = self.complaint();
            if !text.contains("brokers are down") || known.is_none() {
                *self.last() = Some(text.to_owned());
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // The end of a partition comes this way as well, and is nothing to complain about.
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::PartitionEOF) {
            return;
        }
        let all_down = error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown);
        if !all_down || self.complaint().is_none() {
            *self.last() = Some(reason.to_owned());
        }
    }
}

impl ConsumerContext for Quiet {}

/// A topic as the brokers know it.
#[derive(Debug, Clone)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) partitions: Vec<Partition>,
}

/// A partition and who holds it.
#[derive(Debug, Clone)]
pub(crate) struct Partition {
    pub(crate) number: i32,
    pub(crate) leader: i32,
    pub(crate) replicas: Vec<i32>,
    pub(crate) in_sync: Vec<i32>,
}

impl Topic {
    pub(crate) fn is_internal(&self) -> bool {
        self.name.starts_with("__")
    }

    pub(crate) fn replicas(&self) -> usize {
        self.partitions
            .iter()
            .map(|partition| partition.replicas.len())
            .max()
            .unwrap_or(0)
    }
}

/// Brokers that have answered.
pub(crate) struct Cluster<'a> {
    pub(crate) config: &'a Config,
    pub(crate) reader: Reader,
    pub(crate) topics: Vec<Topic>,
}

impl<'a> Cluster<'a> {
    /// Asks the brokers for their topics.
    pub(crate) fn connect(config: &'a Config) -> Result<Self, Failure> {
        let reader = new_reader(config, LOOKING_MS)?;
        let topics = topics_of(config, &reader)?;
        Ok(Cluster {
            config,
            reader,
            topics,
        })
    }

    /// The topic of this name.
    pub(crate) fn topic(&self, name: &str) -> Result<&Topic, Failure> {
        self.topics.iter().find(|topic| topic.name == name).ok_or_else(|| {
            let names: Vec<&str> =
                self.topics.iter().filter(|topic| !topic.is_internal()).map(|topic| topic.name.as_str()).collect();
            let guess = suggestion(name, "topics", &names);
            let next = if guess.is_empty() { " There are no topics yet." } else { guess.as_str() };
            Failure::run(format!(
                "the brokers at {} have no topic `{name}`.{next} A service creates its topics when it starts; `kolo topics list` shows those that exist.",
                self.config.bootstrap
            ))
        })
    }

    /// Another consumer on the same brokers, for partitions that it keeps.
    pub(crate) fn follower(&self) -> Result<Reader, Failure> {
        new_reader(self.config, FOLLOWING_MS)
    }
}

fn new_reader(config: &Config, wait_ms: &str) -> Result<Reader, Failure> {
    let mut client = ClientConfig::new();
    client
        // Needed by librdkafka to assign partitions; no group is joined and no offset committed.
        .set("group.id", "kolo-cli")
        .set("fetch.wait.max.ms", wait_ms)
        .set("fetch.queue.backoff.ms", "10")
        .set("queued.min.messages", "10000");
    for (property, value) in config.client().config_map() {
        client.set(property, value);
    }
    client
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "error")
        .set("allow.auto.create.topics", "false")
        .set_log_level(RDKafkaLogLevel::Error);
    client
        .create_with_context(Quiet::default())
        .map_err(|error| refused(&error))
}

/// librdkafka does not take the settings. The value is left out: it may be a secret under a mistyped name.
pub(crate) fn refused(error: &KafkaError) -> Failure {
    let problem = match error {
        KafkaError::ClientConfig(_, problem, property, _) => format!("`{property}`: {problem}"),
        other => other.to_string(),
    };
    Failure::input(format!(
        "librdkafka refuses the settings: {problem}. They come from the table [kafka] of the configuration file and from variables KOLO_KAFKA_…"
    ))
}

fn topics_of(config: &Config, reader: &Reader) -> Result<Vec<Topic>, Failure> {
    let begun = Instant::now();
    loop {
        let error = match reader.fetch_metadata(None, Duration::from_secs(1)) {
            Ok(metadata) => {
                let mut topics: Vec<Topic> = metadata.topics().iter().map(topic).collect();
                topics.sort_by(|one, other| one.name.cmp(&other.name));
                return Ok(topics);
            }
            Err(error) => error,
        };
        // Complaints wait in the queue that is polled for records.
        while reader.poll(Duration::ZERO).is_some() {}
        let complaint = reader.context().complaint();
        let hopeless = complaint.as_deref().is_some_and(|text| {
            ["refused", "resolve", "Authentication", "SSL", "SASL"]
                .iter()
                .any(|word| text.contains(word))
        });
        if hopeless || begun.elapsed() >= ANSWER {
            let reason = complaint.unwrap_or_else(|| error.to_string());
            return Err(Failure::run(format!(
                "the brokers at {} cannot be reached: {}. Give the address with --bootstrap HOST:PORT or KOLO_BOOTSTRAP; `kolo dev` starts a broker for development, scripts/kafka/start an Apache Kafka.",
                config.bootstrap,
                reason.trim_end_matches('.')
            )));
        }
    }
}

fn topic(metadata: &rdkafka::metadata::MetadataTopic) -> Topic {
    let mut partitions: Vec<Partition> = metadata
        .partitions()
        .iter()
        .map(|partition| Partition {
            number: partition.id(),
            leader: partition.leader(),
            replicas: partition.replicas().to_vec(),
            in_sync: partition.isr().to_vec(),
        })
        .collect();
    partitions.sort_by_key(|partition| partition.number);
    Topic {
        name: metadata.name().to_owned(),
        partitions,
    }
}

/// The first offset of a partition, and the next one to be written.
pub(crate) fn ends(reader: &Reader, topic: &str, partition: i32) -> Result<(i64, i64), Failure> {
    reader.fetch_watermarks(topic, partition, ANSWER).map_err(|error| {
        Failure::run(format!(
            "the offsets of {topic}[{partition}] cannot be read: {error}. `kolo topics describe {topic}` shows whether the partition has a leader."
        ))
    })
}
