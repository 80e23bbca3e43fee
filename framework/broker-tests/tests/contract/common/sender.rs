//! A librdkafka producer whose delivery reports can be awaited.

use std::sync::mpsc;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, DeliveryResult, ProducerContext, ThreadedProducer};

use super::{PATIENCE, client};

/// What became of a record: where it stands, or why it does not.
pub(crate) type Outcome = Result<(i32, i64), RDKafkaErrorCode>;

struct Reports(mpsc::Sender<(usize, Outcome)>);

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, token: usize) {
        let outcome = match result {
            Ok(message) => Ok((message.partition(), message.offset())),
            Err((error, _)) => Err(error.rdkafka_error_code().expect("a code")),
        };
        // Nobody listens any more when the case is over.
        let _ = self.0.send((token, outcome));
    }
}

/// A producer.
pub(crate) struct Sender {
    producer: ThreadedProducer<Reports>,
    reports: mpsc::Receiver<(usize, Outcome)>,
}

impl Sender {
    /// With kolo's settings: idempotent, all acknowledgements, no wait for company.
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    pub(crate) fn with(settings: &[(&str, &str)]) -> Self {
        let mut config: ClientConfig = client();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "0")
            .set("message.timeout.ms", "60000");
        for (key, value) in settings {
            config.set(*key, *value);
        }
        let (sender, reports) = mpsc::channel();
        let producer = config
            .create_with_context(Reports(sender))
            .expect("a producer");
        Sender { producer, reports }
    }

    /// Hands a record over without waiting; its report will carry the token.
    pub(crate) fn queue(
        &self,
        topic: &str,
        partition: i32,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        token: usize,
    ) {
        let mut record =
            BaseRecord::<[u8], [u8], usize>::with_opaque_to(topic, token).partition(partition);
        if let Some(key) = key {
            record = record.key(key);
        }
        if let Some(value) = value {
            record = record.payload(value);
        }
        self.queue_record(record);
    }

    pub(crate) fn queue_record(&self, record: BaseRecord<'_, [u8], [u8], usize>) {
        self.try_queue(record).expect("the record is queued");
    }

    fn try_queue(&self, record: BaseRecord<'_, [u8], [u8], usize>) -> Result<(), KafkaError> {
        self.producer.send(record).map_err(|(error, _)| error)
    }

    /// The next delivery report.
    pub(crate) fn report(&self) -> (usize, Outcome) {
        self.reports
            .recv_timeout(PATIENCE)
            .expect("a delivery report in time")
    }

    /// Sends one record and waits until it is answered: by the broker, or at once by a librdkafka that knows already that the
    /// topic or the partition does not exist.
    pub(crate) fn send(&self, topic: &str, partition: i32, value: &[u8]) -> Outcome {
        let record = BaseRecord::with_opaque_to(topic, 0).partition(partition);
        match self.try_queue(record.payload(value)) {
            Ok(()) => self.report().1,
            Err(error) => Err(error.rdkafka_error_code().expect("a code")),
        }
    }

    /// Sends records without keys in one go, waits for all of them, and returns their offsets in the order sent.
    pub(crate) fn send_all<V: AsRef<[u8]>>(
        &self,
        topic: &str,
        partition: i32,
        values: &[V],
    ) -> Vec<i64> {
        for (token, value) in values.iter().enumerate() {
            self.queue(topic, partition, None, Some(value.as_ref()), token);
        }
        let mut offsets = vec![-1; values.len()];
        for _ in values {
            let (token, outcome) = self.report();
            offsets[token] = outcome.expect("an acknowledged record").1;
        }
        offsets
    }
}
