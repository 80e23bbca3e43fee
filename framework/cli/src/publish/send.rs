//! Sends events and waits for their acknowledgements.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kolo_kafka::{Config, Connected, intake};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseRecord, ProducerContext, ThreadedProducer};

use super::SOURCE;
use super::input::Item;
use crate::cluster::{Quiet, refused};
use crate::failure::Failure;
use crate::terminal::Interrupt;

/// How long an event may stay without acknowledgement. Long enough for a broker's restart.
const ACKNOWLEDGEMENT: Duration = Duration::from_secs(30);
/// How often waiting looks at Ctrl-C.
const LOOK: Duration = Duration::from_millis(50);
/// After Ctrl-C, how long is waited for what is under way.
const LAST_WAIT: Duration = Duration::from_secs(10);

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Receipt {
    Unsent,
    /// Handed to the client library, nothing heard yet.
    Unknown,
    Acknowledged {
        partition: i32,
        offset: i64,
    },
    Failed(String),
}

/// What became of all of them.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) receipts: Vec<Receipt>,
    pub(super) took: Duration,
    pub(super) interrupted: bool,
}

impl Outcome {
    pub(super) fn acknowledged(&self) -> usize {
        self.receipts
            .iter()
            .filter(|receipt| matches!(receipt, Receipt::Acknowledged { .. }))
            .count()
    }
}

#[derive(Debug, Default)]
struct Book {
    receipts: Vec<Receipt>,
    under_way: usize,
    acknowledged: u64,
    failed: bool,
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

    fn wait(&self, at_most: Duration) {
        drop(self.book.1.wait_timeout(self.book(), at_most));
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
    type DeliveryOpaque = Box<usize>;

    fn delivery(&self, result: &DeliveryResult<'_>, number: Box<usize>) {
        let receipt = match result {
            Ok(message) => Receipt::Acknowledged {
                partition: message.partition(),
                offset: message.offset(),
            },
            Err((error, _)) => Receipt::Failed(self.reason(error)),
        };
        let mut book = self.book();
        book.under_way -= 1;
        match receipt {
            Receipt::Acknowledged { .. } => book.acknowledged += 1,
            _ => book.failed = true,
        }
        if let Some(place) = book.receipts.get_mut(*number) {
            *place = receipt;
        }
        drop(book);
        self.book.1.notify_all();
    }
}

impl Reports {
    fn reason(&self, error: &KafkaError) -> String {
        match (error.rdkafka_error_code(), self.quiet.complaint()) {
            (Some(RDKafkaErrorCode::MessageTimedOut), Some(complaint)) => {
                format!(
                    "no answer for {} s ({complaint})",
                    ACKNOWLEDGEMENT.as_secs()
                )
            }
            (Some(RDKafkaErrorCode::MessageTimedOut), None) => {
                format!("no answer for {} s", ACKNOWLEDGEMENT.as_secs())
            }
            _ => error.to_string(),
        }
    }
}

fn producer(
    config: &Config,
    reports: Reports,
) -> Result<Connected<ThreadedProducer<Reports>>, Failure> {
    let mut client = intake::client(config, ACKNOWLEDGEMENT);
    client.set_log_level(RDKafkaLogLevel::Error);
    config
        .connect(&client, reports)
        .map_err(|error| refused(&error))
}

/// Sends the items in order, `rate` a second at most, and waits until each has an acknowledgement or none will come.
pub(super) fn send(
    config: &Config,
    topic: &str,
    items: &[Item],
    rate: Option<f64>,
    interrupt: &Interrupt,
) -> Result<Outcome, Failure> {
    let book = Book {
        receipts: vec![Receipt::Unsent; items.len()],
        ..Book::default()
    };
    let reports = Reports {
        book: Arc::new((Mutex::new(book), Condvar::new())),
        quiet: Quiet::default(),
    };
    let producer = producer(config, reports.clone())?;
    let bar = super::progress(items.len());
    let begun = Instant::now();
    for (number, item) in items.iter().enumerate() {
        let due = rate.map(|rate| begun + Duration::from_secs_f64(number as f64 / rate));
        while let Some(left) = due.and_then(|due| due.checked_duration_since(Instant::now()))
            && !left.is_zero()
            && !interrupt.came()
        {
            bar.set_position(reports.book().acknowledged);
            reports.wait(left.min(LOOK));
        }
        // After a failure, the rest would most likely fail as well, each after its own time.
        if interrupt.came() || reports.book().failed {
            break;
        }
        hand_over(&producer, &reports, topic, number, item, interrupt)?;
        bar.set_position(reports.book().acknowledged);
    }
    let mut stop = None;
    loop {
        let open = reports.book().under_way;
        bar.set_position(reports.book().acknowledged);
        if interrupt.came() {
            stop.get_or_insert_with(|| Instant::now() + LAST_WAIT);
        }
        if open == 0 || stop.is_some_and(|stop| Instant::now() >= stop) {
            break;
        }
        reports.wait(LOOK);
    }
    bar.finish_and_clear();
    let receipts = reports.book().receipts.clone();
    let complete = receipts
        .iter()
        .all(|receipt| matches!(receipt, Receipt::Acknowledged { .. }));
    Ok(Outcome {
        receipts,
        took: begun.elapsed(),
        interrupted: interrupt.came() && !complete,
    })
}

fn hand_over(
    producer: &ThreadedProducer<Reports>,
    reports: &Reports,
    topic: &str,
    number: usize,
    item: &Item,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let event = &item.encoded;
    let headers = intake::headers(&item.id, SOURCE, &event.name, None);
    let mut record = BaseRecord::with_opaque_to(topic, Box::new(number))
        .key(event.key.as_bytes())
        .payload(event.value.as_slice())
        .headers(headers);
    {
        // Before the record is handed over: its report may come at once.
        let mut book = reports.book();
        book.under_way += 1;
        book.receipts[number] = Receipt::Unknown;
    }
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((error, back))
                if error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull)
                    && !interrupt.came() =>
            {
                record = back;
                reports.wait(LOOK);
            }
            Err((error, _)) => {
                let mut book = reports.book();
                book.under_way -= 1;
                let full = error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull);
                book.receipts[number] = if full {
                    Receipt::Unsent
                } else {
                    Receipt::Failed(error.to_string())
                };
                book.failed |= !full;
                return Ok(());
            }
        }
    }
}
