//! Poison: records that no service can decide, of every kind.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, ensure};
use kolo::{Config, Event, EventType, partition_of};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

/// How long the broker may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A record as somebody wrote it by mistake.
#[derive(Debug, Clone)]
pub struct Poison {
    /// The topic.
    pub topic: &'static str,
    /// Its key, if it has one.
    pub key: Option<String>,
    /// Its header `ce_type`, if it has one.
    pub event_type: Option<&'static str>,
    /// Its value.
    pub value: Vec<u8>,
    /// How far it is from the partition of its key.
    pub astray: i32,
}

impl Poison {
    /// An event as it should be, to be spoilt.
    pub fn of<E: Event>(event: &E, key: impl Into<String>) -> Poison {
        let kind: &EventType = E::TYPE;
        let mut value = Vec::new();
        event.encode(&mut value);
        Poison {
            topic: kind.topic,
            key: Some(key.into()),
            event_type: Some(kind.name),
            value,
            astray: 0,
        }
    }

    /// The same with a value that is no event.
    #[must_use]
    pub fn garbage(self) -> Poison {
        Poison {
            value: b"not an event".to_vec(),
            ..self
        }
    }
}

/// Publishes whatever it is given.
pub struct Poisoner {
    producer: BaseProducer,
    /// By topic.
    partitions: HashMap<&'static str, i32>,
    written: u64,
}

impl Poisoner {
    /// Connects.
    ///
    /// # Errors
    /// When the client cannot be set up.
    pub fn connect(config: &Config) -> anyhow::Result<Poisoner> {
        Ok(Poisoner {
            producer: config.client().create()?,
            partitions: HashMap::new(),
            written: 0,
        })
    }

    /// Writes a record, and waits until it is there.
    ///
    /// # Errors
    /// When the broker does not take it.
    pub fn write(&mut self, poison: &Poison) -> anyhow::Result<()> {
        self.send(poison)?;
        self.flush()
    }

    /// Waits until everything is there.
    ///
    /// # Errors
    /// When the broker does not take it.
    pub fn flush(&self) -> anyhow::Result<()> {
        Ok(self.producer.flush(PATIENCE)?)
    }

    fn partitions(&mut self, topic: &'static str) -> anyhow::Result<i32> {
        if let Some(known) = self.partitions.get(topic) {
            return Ok(*known);
        }
        let client = self.producer.client();
        let metadata = client.fetch_metadata(Some(topic), PATIENCE)?;
        let found = metadata.topics().first().context(topic)?;
        let partitions = i32::try_from(found.partitions().len())?;
        ensure!(partitions > 1, "{topic} has one partition");
        self.partitions.insert(topic, partitions);
        Ok(partitions)
    }

    /// Hands a record over.
    ///
    /// # Errors
    /// When the topic is not what it should be, or the client takes no more.
    pub fn send(&mut self, poison: &Poison) -> anyhow::Result<()> {
        let partitions = self.partitions(poison.topic)?;
        let key = poison.key.as_deref().unwrap_or_default();
        let own = partition_of(key.as_bytes(), partitions);
        self.written += 1;
        let id = format!("poison-{}", self.written);
        let header = |key, value| Header {
            key,
            value: Some(value),
        };
        let mut headers = OwnedHeaders::new().insert(header("ce_id", id.as_str()));
        if let Some(event_type) = poison.event_type {
            headers = headers.insert(header("ce_type", event_type));
        }
        let record = BaseRecord::<str, [u8]>::to(poison.topic)
            .partition((own + poison.astray) % partitions)
            .payload(&poison.value)
            .headers(headers);
        let record = match &poison.key {
            Some(key) => record.key(key),
            None => record,
        };
        let sent = self.producer.send(record);
        Ok(sent.map_err(|(error, _)| error)?)
    }
}
