//! The log as the compacted topic `_schemas`, where Confluent's registry would look for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseRecord, ProducerContext, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::{ClientContext, types::RDKafkaRespErr};
use tokio::sync::oneshot;

use super::{Record, Store, StoreError, StoreFuture};

/// Where Confluent's registry keeps its log.
const TOPIC: &str = "_schemas";
/// How long the brokers may take for one request.
const ANSWER: Duration = Duration::from_secs(10);
/// How long reading the log may take.
const READING: Duration = Duration::from_secs(60);
/// A schema of a mebibyte has every second character escaped at worst, and references beside it.
const MAX_RECORD_BYTES: &str = "8388608";

/// A log in the topic `_schemas` of a Kafka. The topic is created if it is missing.
pub struct KafkaStore {
    bootstrap: String,
    /// None before the first write, and after one that failed: what becomes of its requests is not known.
    producer: Option<Arc<ThreadedProducer<Receipts>>>,
}

impl KafkaStore {
    /// Connects when first used.
    #[must_use]
    pub fn new(bootstrap: impl Into<String>) -> Self {
        KafkaStore {
            bootstrap: bootstrap.into(),
            producer: None,
        }
    }

    fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", &self.bootstrap)
            .set("client.id", "kolo-registry")
            .set("allow.auto.create.topics", "false")
            .set_log_level(RDKafkaLogLevel::Critical);
        client
    }

    fn producer(&mut self) -> Result<Arc<ThreadedProducer<Receipts>>, StoreError> {
        if let Some(producer) = &self.producer {
            return Ok(Arc::clone(producer));
        }
        let mut client = self.client();
        client
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("linger.ms", "0")
            .set("message.max.bytes", MAX_RECORD_BYTES)
            .set("message.timeout.ms", ANSWER.as_millis().to_string());
        let producer = client
            .create_with_context(Receipts(Quiet))
            .map_err(|error| self.failed("cannot be written to", &error))?;
        let producer = Arc::new(producer);
        self.producer = Some(Arc::clone(&producer));
        Ok(producer)
    }

    fn failed(&self, what: &str, error: &KafkaError) -> StoreError {
        StoreError(format!(
            "the topic {TOPIC} at {} {what}: {error}",
            self.bootstrap
        ))
    }

    async fn read(&self) -> Result<Vec<Record>, StoreError> {
        self.ensure_topic().await?;
        let mut client = self.client();
        client
            // In no group, but librdkafka wants the name of one.
            .set("group.id", "kolo-registry")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("fetch.wait.max.ms", "5")
            .set("fetch.queue.backoff.ms", "1");
        let failed = |error: KafkaError| self.failed("cannot be read", &error);
        let reader: BaseConsumer<Quiet> = client.create_with_context(Quiet).map_err(failed)?;
        // librdkafka blocks its caller.
        let reading = tokio::task::spawn_blocking(move || read_to_end(&reader));
        let read = reading
            .await
            .map_err(|error| StoreError(format!("the reader of {TOPIC} ended: {error}")))?;
        match read.map_err(failed)? {
            Log::Records(records) => Ok(records),
            Log::Partitions(count) => Err(StoreError(format!(
                "the topic {TOPIC} at {} has {count} partitions and needs a single one, or its records have no order: delete it",
                self.bootstrap
            ))),
        }
    }

    /// Creates the topic, or sees to it that it keeps the latest record of each key.
    async fn ensure_topic(&self) -> Result<(), StoreError> {
        let failed = |error: KafkaError| self.failed("cannot be prepared", &error);
        let refused = |_, code| failed(KafkaError::AdminOp(code));
        let admin: AdminClient<Quiet> = self.client().create_with_context(Quiet).map_err(failed)?;
        let options = AdminOptions::new()
            .request_timeout(Some(ANSWER))
            .operation_timeout(Some(ANSWER));
        let topic = NewTopic::new(TOPIC, 1, TopicReplication::Fixed(-1))
            .set("cleanup.policy", "compact")
            .set("max.message.bytes", MAX_RECORD_BYTES);
        for created in admin
            .create_topics([&topic], &options)
            .await
            .map_err(failed)?
        {
            match created {
                Ok(_) => return Ok(()),
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, code)) => return Err(refused(topic, code)),
            }
        }
        let described = admin
            .describe_configs([&ResourceSpecifier::Topic(TOPIC)], &options)
            .await
            .map_err(failed)?;
        for resource in described {
            let resource = resource.map_err(|code| failed(KafkaError::AdminOp(code)))?;
            let policy = resource
                .get("cleanup.policy")
                .and_then(|entry| entry.value.as_deref());
            if policy != Some("compact") {
                return Err(StoreError(format!(
                    "the topic {TOPIC} at {} has cleanup.policy={}, which would lose schemas: set it to compact, or delete the topic",
                    self.bootstrap,
                    policy.unwrap_or("unknown")
                )));
            }
        }
        Ok(())
    }

    async fn write(&mut self, records: Vec<Record>) -> Result<(), StoreError> {
        let producer = self.producer()?;
        let mut receipts = Vec::with_capacity(records.len());
        for record in &records {
            let (sender, receipt) = oneshot::channel();
            let mut message = BaseRecord::with_opaque_to(TOPIC, Box::new(sender))
                .partition(0)
                .key(&record.key);
            if let Some(value) = &record.value {
                message = message.payload(value);
            }
            producer
                .send(message)
                .map_err(|(error, _)| self.failed("cannot be written to", &error))?;
            receipts.push(receipt);
        }
        for receipt in receipts {
            match receipt.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(self.failed("did not take a record", &error)),
                Err(_) => return Err(StoreError("the producer ended".to_owned())),
            }
        }
        Ok(())
    }
}

impl Store for KafkaStore {
    fn load(&mut self) -> StoreFuture<'_, Vec<Record>> {
        Box::pin(self.read())
    }

    fn append(&mut self, records: Vec<Record>) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let written = self.write(records).await;
            if written.is_err()
                && let Some(producer) = self.producer.take()
            {
                // It waits for its own threads.
                tokio::task::spawn_blocking(move || drop(producer));
            }
            written
        })
    }
}

/// Keeps to itself what librdkafka complains about: whoever asked is told anyway, and the end of a partition is no error.
struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(facility, "{message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, "{reason}");
    }
}

impl ConsumerContext for Quiet {}

/// Hands each delivery report to whoever waits for it.
struct Receipts(Quiet);

impl ClientContext for Receipts {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.0.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(error, reason);
    }
}

impl ProducerContext for Receipts {
    type DeliveryOpaque = Box<oneshot::Sender<Result<(), KafkaError>>>;

    fn delivery(&self, result: &DeliveryResult<'_>, receipt: Self::DeliveryOpaque) {
        let result = match result {
            Ok(_) => Ok(()),
            Err((error, _)) => Err(error.clone()),
        };
        // Whoever waited may have given up.
        let _ = receipt.send(result);
    }
}

/// What was found in the topic.
enum Log {
    Records(Vec<Record>),
    /// More than one.
    Partitions(usize),
}

fn read_to_end(reader: &BaseConsumer<Quiet>) -> Result<Log, KafkaError> {
    let metadata = reader.fetch_metadata(Some(TOPIC), ANSWER)?;
    let topic = metadata.topics().first();
    let count = topic.map_or(0, |topic| topic.partitions().len());
    if count > 1 {
        return Ok(Log::Partitions(count));
    }
    let mut assignment = TopicPartitionList::new();
    assignment.add_partition_offset(TOPIC, 0, Offset::Beginning)?;
    reader.assign(&assignment)?;
    let until = Instant::now() + READING;
    let mut records = Vec::new();
    loop {
        match reader.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => records.push(Record {
                key: message.key().unwrap_or_default().to_vec(),
                value: message.payload().map(<[u8]>::to_vec),
            }),
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(Log::Records(records)),
            // librdkafka goes on by itself after all other errors, or until the time is over.
            Some(Err(_)) | None => {}
        }
        if Instant::now() > until {
            let timed_out = RDKafkaRespErr::RD_KAFKA_RESP_ERR__TIMED_OUT;
            return Err(KafkaError::MessageConsumption(timed_out.into()));
        }
    }
}
