//! Publishes facts from outside on the intake topics, as any producer that knows the schemas could.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use kolo::registry::{Registry, Schema, Writer};
use kolo::{Config, Connected, Event, Key, intake};
use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use uuid::Uuid;

use crate::connect::START_ONE;

/// Who the records say they are from.
const SOURCE: &str = "/shop/load";

/// How long to wait before the producer is looked at again.
const PAUSE: Duration = Duration::from_millis(1);

/// How long an event may take to be delivered: long enough for any restart of a broker.
const DELIVERED_WITHIN: Duration = Duration::from_secs(300);

/// How long a broker may take to answer the first question.
const FIRST_ANSWER: Duration = Duration::from_secs(10);

/// Counts what was delivered.
#[derive(Debug, Clone, Default)]
struct Deliveries {
    delivered: Arc<AtomicU64>,
    failure: Arc<Mutex<Option<String>>>,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(_) => {
                self.delivered.fetch_add(1, Ordering::Relaxed);
            }
            Err((error, message)) => {
                let key = String::from_utf8_lossy(message.key().unwrap_or_default());
                let failure = format!("{} key {key}: not published: {error}", message.topic());
                self.failure.lock().get_or_insert(failure);
            }
        }
    }
}

/// What values are written with where there is a schema registry.
fn writer(config: &Config, topics: &[&str]) -> anyhow::Result<Option<Writer>> {
    if !config.registry.is_set() {
        return Ok(None);
    }
    let registry = Registry::open(&config.registry)?;
    let events = shop_schemas::EVENTS.iter();
    let schemas: Vec<Schema<'_>> = events
        .filter(|event| topics.contains(&event.topic))
        .map(|event| kolo::schema_of(event))
        .collect();
    Ok(Some(registry.writer(&schemas)?))
}

/// A producer for the intake topics.
pub struct Publisher {
    producer: Connected<BaseProducer<Deliveries>>,
    deliveries: Deliveries,
    sent: u64,
    /// Where there is a schema registry: the ids that values name their schemas by.
    writer: Option<Writer>,
    key: String,
    value: Vec<u8>,
    framed: Vec<u8>,
}

impl Publisher {
    /// Connects, and makes sure that the topics are there: a producer would create them with a wrong partition count.
    ///
    /// # Errors
    /// When no broker answers, or a topic is missing.
    pub fn connect(config: &Config, topics: &[&str]) -> anyhow::Result<Self> {
        let mut client = intake::client(config, DELIVERED_WITHIN);
        // A load is there to put records on the topic now; a batch forms by itself while others are under way.
        client
            .set("linger.ms", "0")
            .set("queue.buffering.max.messages", "500000")
            .set("compression.type", "lz4");
        let deliveries = Deliveries::default();
        let producer = config
            .connect(&client, deliveries.clone())
            .context("the producer's settings")?;
        check_topics(&producer, &config.bootstrap, topics)?;
        Ok(Publisher {
            writer: writer(config, topics)?,
            producer,
            deliveries,
            sent: 0,
            key: String::new(),
            value: Vec::new(),
            framed: Vec::new(),
        })
    }

    /// Publishes an event under this id. It is on its way afterwards, not yet delivered.
    ///
    /// # Errors
    /// When this or an earlier event cannot be published.
    pub fn publish<E: Event>(&mut self, event: &E, id: Uuid) -> anyhow::Result<()> {
        self.key.clear();
        self.value.clear();
        event.key().write(&mut self.key);
        event.encode(&mut self.value);
        let value = match &self.writer {
            None => Ok(self.value.as_slice()),
            Some(writer) => writer.frame(&self.value, &mut self.framed),
        };
        let Ok(value) = value else {
            bail!(
                "{}: the schema registry was not asked for its schema",
                E::TYPE.name
            )
        };
        let mut id_text = Uuid::encode_buffer();
        let id_text: &str = id.hyphenated().encode_lower(&mut id_text);
        let mut record = BaseRecord::to(E::TYPE.topic)
            .key(&self.key)
            .payload(value)
            .headers(intake::headers(id_text, SOURCE, E::TYPE.name, None));
        loop {
            match self.producer.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    self.producer.poll(Duration::ZERO);
                    std::thread::sleep(PAUSE);
                }
                Err((error, _)) => {
                    bail!("{} key {}: not published: {error}", E::TYPE.topic, self.key)
                }
            }
        }
        self.sent += 1;
        if self.sent.is_multiple_of(64) {
            self.poll()?;
        }
        Ok(())
    }

    /// Takes up what was delivered, without waiting.
    ///
    /// # Errors
    /// When an event could not be delivered.
    pub fn poll(&self) -> anyhow::Result<()> {
        self.producer.poll(Duration::ZERO);
        if let Some(failure) = self.deliveries.failure.lock().clone() {
            bail!(failure);
        }
        Ok(())
    }

    /// Sleeps until `due`, and takes up deliveries meanwhile.
    ///
    /// # Errors
    /// When an event could not be delivered.
    pub fn wait_until(&self, due: Instant) -> anyhow::Result<()> {
        loop {
            self.poll()?;
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(PAUSE));
        }
    }

    /// Waits until all that was published is delivered.
    ///
    /// # Errors
    /// When an event could not be delivered; it is tried for five minutes.
    pub fn deliver_all(&self) -> anyhow::Result<()> {
        while self.deliveries.delivered.load(Ordering::Relaxed) < self.sent {
            self.poll()?;
            std::thread::sleep(PAUSE);
        }
        self.poll()
    }
}

/// Makes sure that the topics exist, without creating them.
fn check_topics(
    producer: &BaseProducer<Deliveries>,
    brokers: &str,
    topics: &[&str],
) -> anyhow::Result<()> {
    let metadata = producer
        .client()
        .fetch_metadata(None, FIRST_ANSWER)
        .with_context(|| format!("no broker answers at {brokers}; {START_ONE}"))?;
    for wanted in topics {
        if !metadata
            .topics()
            .iter()
            .any(|topic| topic.name() == *wanted && !topic.partitions().is_empty())
        {
            bail!(
                "the topic `{wanted}` does not exist at {brokers}: start the services first, they create it"
            );
        }
    }
    Ok(())
}
