//! A producer that fills streams before they are measured.

use std::time::Duration;

use anyhow::{Context, ensure};
use kolo::Config;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::ToBytes;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, ThreadedProducer};

pub(crate) type Filling = ThreadedProducer<DefaultProducerContext>;

pub(crate) fn open(config: &Config) -> anyhow::Result<Filling> {
    config
        .client()
        .set("enable.idempotence", "true")
        .set("compression.codec", "lz4")
        .set("queue.buffering.max.messages", "1000000")
        .create()
        .context("the producer's settings")
}

/// Hands a record over, and waits while the queue is full.
pub(crate) fn send<K>(producer: &Filling, mut record: BaseRecord<'_, K, [u8]>) -> anyhow::Result<()>
where
    K: ToBytes + ?Sized,
{
    while let Err((error, back)) = producer.send(record) {
        let is_full = matches!(
            error,
            KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)
        );
        ensure!(is_full, "a record is not taken: {error}");
        std::thread::park_timeout(Duration::from_millis(5));
        record = back;
    }
    Ok(())
}
