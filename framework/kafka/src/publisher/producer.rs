//! librdkafka's producer, which is replaced when it may have lost the brokers for good, or has given up for good.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use kolo_core::EventId;
use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use tokio::sync::{Notify, oneshot};

use crate::client_log;
use crate::config::Config;
use crate::intake;
use crate::native::Connected;

use super::PublishError;

/// What the producer is called in messages.
const PUBLISHER: &str = "publisher";

/// Partition and offset of a record that was acknowledged.
type Report = Result<(i32, i64), KafkaError>;

/// A record to be published.
pub(super) struct Record<'a> {
    pub(super) topic: &'static str,
    pub(super) key: &'a str,
    pub(super) value: &'a [u8],
    pub(super) headers: OwnedHeaders,
}

/// Why a record was not taken.
pub(super) enum NotTaken {
    Full,
    Closed,
    Refused(KafkaError),
}

impl NotTaken {
    pub(super) fn at(self, (topic, key, id): (&'static str, String, EventId)) -> PublishError {
        match self {
            NotTaken::Full => PublishError::Busy { topic, key, id },
            NotTaken::Closed => PublishError::Closed,
            NotTaken::Refused(error) => PublishError::Refused {
                topic,
                key,
                id,
                problem: error.to_string(),
            },
        }
    }
}

/// The producer in use, and how many records are under way with it or its predecessors.
pub(super) struct Producers {
    config: Config,
    within: Duration,
    current: Mutex<Arc<Handle>>,
    flights: Arc<Flights>,
}

#[derive(Default)]
struct Flights {
    count: AtomicU64,
    closed: AtomicBool,
    landed: Notify,
}

/// A record under way. What goes with it keeps its producer alive: that a publisher is dropped takes nothing back.
pub(super) struct Flight {
    tell: Option<oneshot::Sender<Report>>,
    flights: Arc<Flights>,
    _producer: Arc<Handle>,
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.flights.count.fetch_sub(1, Ordering::AcqRel);
        self.flights.landed.notify_waiters();
    }
}

/// A producer that is not dropped where it is let go of: that takes a moment, and must not be on its own thread.
pub(super) struct Handle(Option<Connected<ThreadedProducer<Reports>>>);

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(producer) = self.0.take() {
            let dropped = std::thread::Builder::new().spawn(move || drop(producer));
            if let Err(error) = dropped {
                tracing::warn!("no thread can be started to end the {PUBLISHER}: {error}");
            }
        }
    }
}

pub(super) struct Reports;

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client_log::line(PUBLISHER, level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        client_log::error(PUBLISHER, &error, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<Flight>;

    fn delivery(&self, result: &DeliveryResult<'_>, mut flight: Box<Flight>) {
        let report = match result {
            Ok(message) => Ok((message.partition(), message.offset())),
            Err((error, _)) => Err(error.clone()),
        };
        if let Some(tell) = flight.tell.take() {
            // Nobody may wait any more.
            let _ = tell.send(report);
        }
    }
}

impl Producers {
    pub(super) fn new(config: Config, within: Duration) -> Result<Self, KafkaError> {
        let current = Mutex::new(Arc::new(open(&config, within)?));
        Ok(Producers {
            config,
            within,
            current,
            flights: Arc::default(),
        })
    }

    /// Hands a record over; `tell` is told what became of it.
    pub(super) fn send(
        &self,
        record: Record<'_>,
        tell: oneshot::Sender<Report>,
    ) -> Result<Arc<Handle>, NotTaken> {
        let handle = Arc::clone(&self.current.lock());
        // Before it is looked whether the publisher is closed, so that closing sees it.
        self.flights.count.fetch_add(1, Ordering::AcqRel);
        let flight = Box::new(Flight {
            tell: Some(tell),
            flights: Arc::clone(&self.flights),
            _producer: Arc::clone(&handle),
        });
        if self.flights.closed.load(Ordering::Acquire) {
            return Err(NotTaken::Closed);
        }
        let Some(producer) = &handle.0 else {
            return Err(NotTaken::Closed);
        };
        let sent = producer.send(
            BaseRecord::with_opaque_to(record.topic, flight)
                .key(record.key)
                .payload(record.value)
                .headers(record.headers),
        );
        match sent {
            Ok(()) => Ok(handle),
            Err((error, _)) => match error.rdkafka_error_code() {
                Some(RDKafkaErrorCode::QueueFull) => Err(NotTaken::Full),
                _ => {
                    self.failed(&handle, &error);
                    Err(NotTaken::Refused(error))
                }
            },
        }
    }

    /// Replaces the producer if it may be of no use any more. What is under way with it goes on.
    pub(super) fn failed(&self, handle: &Arc<Handle>, error: &KafkaError) {
        let is_lost = matches!(
            error.rdkafka_error_code(),
            Some(RDKafkaErrorCode::MessageTimedOut | RDKafkaErrorCode::Fatal)
        );
        let is_broken = |handle: &Handle| {
            let producer = handle.0.as_ref();
            producer.is_some_and(|producer| producer.client().fatal_error().is_some())
        };
        if !is_lost && !is_broken(handle) {
            return;
        }
        let mut current = self.current.lock();
        if !Arc::ptr_eq(&current, handle) {
            return;
        }
        match open(&self.config, self.within) {
            Ok(new) => *current = Arc::new(new),
            Err(error) => tracing::warn!("the {PUBLISHER} cannot be replaced: {error}"),
        }
    }

    pub(super) async fn close(&self) {
        self.flights.closed.store(true, Ordering::Release);
        loop {
            let landed = self.flights.landed.notified();
            tokio::pin!(landed);
            landed.as_mut().enable();
            if self.flights.count.load(Ordering::Acquire) == 0 {
                return;
            }
            landed.await;
        }
    }
}

fn open(config: &Config, within: Duration) -> Result<Handle, KafkaError> {
    let mut client = intake::client(config, within);
    client
        // A batch forms by itself while others are under way.
        .set("linger.ms", "0")
        .set("compression.type", "lz4")
        // What an edge takes beyond this waits at its clients.
        .set("queue.buffering.max.kbytes", "65536");
    Ok(Handle(Some(config.connect(&client, Reports)?)))
}
