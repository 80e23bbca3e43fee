//! Sends records in order, one request in flight, and checks where each of them got to stand.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kolo_kafka::{Config, Connected};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, PurgeConfig, ThreadedProducer};

use crate::backup::Record;
use crate::cluster::{Quiet, refused};
use crate::failure::Failure;

/// How long a record may stay without acknowledgement. Long enough for a broker's restart.
const ACKNOWLEDGEMENT: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(50);
/// How much may wait to be sent; a larger record is refused.
const QUEUE_KBYTES: &str = "131072";
/// Kafka's timestamp of a record that has none.
const NO_TIMESTAMP: i64 = -1;

/// What became of what was sent to one partition.
#[derive(Debug, Default)]
struct Book {
    /// Where the next acknowledgement is to be; none where it may be anywhere.
    next: Option<i64>,
    last: Option<i64>,
    under_way: u64,
    acknowledged: u64,
    failure: Option<String>,
}

/// Delivery reports come on the producer's own thread.
#[derive(Clone)]
struct Reports {
    book: Arc<(Mutex<Book>, Condvar)>,
    quiet: Quiet,
}

impl Reports {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self) {
        drop(self.book.1.wait_timeout(self.book(), LOOK));
    }
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.quiet.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.quiet.error(error, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let mut book = self.book();
        book.under_way -= 1;
        match result {
            Ok(message) => book.acknowledge(message.offset()),
            Err((error, _)) if book.failure.is_none() => {
                let timeout = error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageTimedOut);
                let reason = match (timeout, self.quiet.complaint()) {
                    (true, Some(complaint)) => {
                        format!(
                            "no answer for {} s ({complaint})",
                            ACKNOWLEDGEMENT.as_secs()
                        )
                    }
                    (true, None) => format!("no answer for {} s", ACKNOWLEDGEMENT.as_secs()),
                    (false, _) => error.to_string(),
                };
                book.failure = Some(format!("a record was not acknowledged: {reason}"));
            }
            Err(_) => {}
        }
        drop(book);
        self.book.1.notify_all();
    }
}

impl Book {
    fn acknowledge(&mut self, offset: i64) {
        if self.failure.is_some() {
            return;
        }
        match self.next {
            Some(next) if offset > next => {
                self.failure = Some(format!(
                    "a record was acknowledged at offset {offset}, and {next} was to be the next one: somebody else writes to the topic"
                ));
            }
            Some(next) if offset < next => {
                self.failure = Some(format!(
                    "a record was acknowledged at offset {offset}, and {next} was to be the next one: it is not known what was repeated"
                ));
            }
            _ => {
                self.acknowledged += 1;
                self.last = Some(offset);
                self.next = Some(offset + 1);
            }
        }
    }
}

/// A producer for one topic.
pub(super) struct Sender<'a> {
    topic: &'a str,
    reports: Reports,
    producer: Connected<ThreadedProducer<Reports>>,
}

impl<'a> Sender<'a> {
    pub(super) fn new(config: &Config, topic: &'a str) -> Result<Self, Failure> {
        let reports = Reports {
            book: Arc::default(),
            quiet: Quiet::default(),
        };
        let mut client = config.client();
        let defaults = [
            ("compression.codec", "lz4"),
            ("batch.num.messages", "100000"),
            ("queue.buffering.max.kbytes", QUEUE_KBYTES),
            // What the topic takes is for its brokers to say.
            ("message.max.bytes", "1000000000"),
        ];
        for (property, value) in defaults {
            if client.get(property).is_none() {
                client.set(property, value);
            }
        }
        // One behind the other, or not at all.
        client
            .set("enable.idempotence", "true")
            .set("enable.gapless.guarantee", "true")
            .set("max.in.flight.requests.per.connection", "1")
            .set("acks", "all")
            .set(
                "message.timeout.ms",
                ACKNOWLEDGEMENT.as_millis().to_string(),
            )
            .set("allow.auto.create.topics", "false")
            .set_log_level(RDKafkaLogLevel::Error);
        let producer = config
            .connect(&client, reports.clone())
            .map_err(|error| refused(&error))?;
        Ok(Sender {
            topic,
            reports,
            producer,
        })
    }

    /// Begins with a partition: where its first record is to stand, if that is known.
    pub(super) fn begin(&self, next: Option<i64>) {
        *self.reports.book() = Book {
            next,
            ..Book::default()
        };
    }

    /// How many records of the partition are acknowledged where they are to stand.
    pub(super) fn acknowledged(&self) -> u64 {
        self.reports.book().acknowledged
    }

    /// Hands a record over, and waits for nothing but room for it.
    pub(super) fn send(&self, record: &Record) -> Result<(), Failure> {
        let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
        for header in &record.headers {
            headers = headers.insert(Header {
                key: &header.name,
                value: header.value.as_ref(),
            });
        }
        let mut message = BaseRecord::<[u8], [u8], ()>::to(self.topic)
            .partition(record.partition)
            .timestamp(record.timestamp.unwrap_or(NO_TIMESTAMP));
        message.key = record.key.as_deref();
        message.payload = record.value.as_deref();
        if !record.headers.is_empty() {
            message = message.headers(headers);
        }
        // Before it is handed over: its report may come at once.
        self.reports.book().under_way += 1;
        loop {
            if self.reports.book().failure.is_some() {
                self.reports.book().under_way -= 1;
                return self.finish().map(drop);
            }
            match self.producer.send(message) {
                Ok(()) => return Ok(()),
                Err((error, back))
                    if error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull)
                        // A record for which there is no room when nothing else waits would wait for ever.
                        && self.reports.book().under_way > 1 =>
                {
                    message = back;
                    self.reports.wait();
                }
                Err((error, _)) => {
                    let mut book = self.reports.book();
                    book.under_way -= 1;
                    let offset = record.offset;
                    book.failure.get_or_insert(format!(
                        "the record of the backup's offset {offset} is refused: {error}"
                    ));
                    drop(book);
                    return self.finish().map(drop);
                }
            }
        }
    }

    /// Waits until everything is acknowledged; the offset of the last one, if there was any.
    pub(super) fn finish(&self) -> Result<Option<i64>, Failure> {
        loop {
            let book = self.reports.book();
            if let Some(problem) = &book.failure {
                let failure = Failure::run(format!(
                    "the import into `{}` stopped: {problem}. {} records of this partition were acknowledged in this run; type the same command again: it compares what is there, and goes on behind it or says what is in the way.",
                    self.topic, book.acknowledged
                ));
                drop(book);
                self.producer.purge(PurgeConfig::default().queue());
                return Err(failure);
            }
            if book.under_way == 0 {
                return Ok(book.last);
            }
            drop(book);
            self.reports.wait();
        }
    }
}
