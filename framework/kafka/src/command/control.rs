//! Control records: what an operator asks of the owner of a key, through the inbox of its aggregate.

use std::sync::Arc;
use std::time::Duration;

use kolo_core::Timestamp;
use kolo_core::wire::{CE_ID, CE_SOURCE, CE_SPECVERSION, CE_TYPE};
use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};

use crate::client_log;
use crate::config::Config;
use crate::native::Connected;

use super::client::settings;
use super::failure::Failure;

/// How long brokers may take to acknowledge.
const ACKNOWLEDGED: Duration = Duration::from_secs(20);

/// Keeps the first record that was not acknowledged, and when the brokers say that the last was appended.
#[derive(Clone, Default)]
pub(super) struct Deliveries {
    failed: Arc<Mutex<Option<String>>>,
    appended_at: Arc<Mutex<Option<Timestamp>>>,
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client_log::line("the control producer", level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!("{error}: {reason}");
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Ok(message) = result
            && let rdkafka::Timestamp::LogAppendTime(at) = message.timestamp()
        {
            *self.appended_at.lock() = Some(Timestamp::from_millis(at));
        }
        if let Err((error, message)) = result {
            let key = String::from_utf8_lossy(message.key().unwrap_or_default());
            let topic = message.topic();
            let failed = format!("{topic}, key `{key}`: not acknowledged: {error}");
            self.failed.lock().get_or_insert(failed);
        }
    }
}

/// A producer whose records are all acknowledged by all replicas, or whose command fails.
pub(crate) struct Sender {
    producer: Connected<ThreadedProducer<Deliveries>>,
    deliveries: Deliveries,
}

impl Sender {
    pub(super) fn new(config: &Config) -> Result<Self, Failure> {
        let mut client = config.client();
        client
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("partitioner", "murmur2_random")
            .set("message.timeout.ms", ACKNOWLEDGED.as_millis().to_string());
        let deliveries = Deliveries::default();
        let producer = config.connect(&client, deliveries.clone());
        Ok(Sender {
            producer: producer.map_err(|error| settings(&error))?,
            deliveries,
        })
    }

    /// Hands a record over; [`Sender::acknowledged`] waits for it. Where one is refused, those before it are waited for: they
    /// are on their way, and dropping the producer would take them back.
    pub(super) fn send(&self, record: BaseRecord<'_, [u8], [u8]>) -> Result<(), Failure> {
        self.hand_over(record).inspect_err(|_| {
            // What became of them is told by what the command reads, the next time that it is typed.
            let _ = self.producer.flush(ACKNOWLEDGED * 2);
        })
    }

    fn hand_over(&self, mut record: BaseRecord<'_, [u8], [u8]>) -> Result<(), Failure> {
        loop {
            let topic = record.topic;
            match self.producer.send(record) {
                Ok(()) => return self.sound(),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    self.sound()?;
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err((error, _)) => {
                    return Err(Failure::run(format!("{topic} cannot be written: {error}")));
                }
            }
        }
    }

    /// Waits until everything that was handed over is acknowledged.
    pub(super) fn acknowledged(&self) -> Result<(), Failure> {
        let flushed = self.producer.flush(ACKNOWLEDGED * 2);
        self.sound()?;
        flushed.map_err(|error| Failure::run(format!("what was sent is not acknowledged: {error}")))
    }

    /// When the brokers say that the last record was appended, where its topic has them say it.
    pub(super) fn appended_at(&self) -> Option<Timestamp> {
        *self.deliveries.appended_at.lock()
    }

    fn sound(&self) -> Result<(), Failure> {
        let failed = self.deliveries.failed.lock().clone();
        failed.map_or(Ok(()), |failed| Err(Failure::run(failed)))
    }
}

/// A control record for the owner of a partition; records without a key have the empty one.
pub(super) fn control_record<'a>(
    inbox: &'a str,
    partition: i32,
    key: &'a str,
    event_type: &str,
    source: &str,
    value: &'a [u8],
) -> BaseRecord<'a, [u8], [u8]> {
    let id = uuid::Uuid::new_v4().to_string();
    let mut headers = OwnedHeaders::new_with_capacity(4);
    for (name, text) in [
        (CE_SPECVERSION, "1.0"),
        (CE_ID, &id),
        (CE_SOURCE, source),
        (CE_TYPE, event_type),
    ] {
        headers = headers.insert(Header {
            key: name,
            value: Some(text),
        });
    }
    let record = BaseRecord::to(inbox)
        .partition(partition)
        .payload(value)
        .headers(headers);
    match key.as_bytes() {
        [] => record,
        key => record.key(key),
    }
}

#[cfg(test)]
mod tests {
    use kolo_broker::Broker;
    use rdkafka::consumer::{BaseConsumer, Consumer};

    use super::*;

    #[test]
    fn where_one_is_refused_those_before_it_arrive() {
        let broker = Broker::builder().partitions(1).start_blocking().unwrap();
        let mut config = Config::new(broker.bootstrap());
        // So long that what is not waited for does not arrive.
        config.kafka.insert("linger.ms".into(), "10000".into());
        let sender = Sender::new(&config).unwrap();
        let to = |partition| control_record("inbox", partition, "key", "type", "/source", b"value");
        sender.send(to(0)).unwrap();
        sender.acknowledged().unwrap();
        sender.send(to(0)).unwrap();
        // The producer knows by now that there is one partition.
        let refused = sender.send(to(7)).unwrap_err();
        drop(sender);
        let refused = refused.message().unwrap();
        assert!(
            refused.starts_with("inbox cannot be written: "),
            "{refused}"
        );
        let reader: BaseConsumer = config.client().create().unwrap();
        let ends = reader.fetch_watermarks("inbox", 0, ACKNOWLEDGED).unwrap();
        assert_eq!(ends, (0, 2));
    }
}
