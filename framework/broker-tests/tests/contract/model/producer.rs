//! A producer with the settings of kolo's own, and its acknowledgements.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::message::{Header, Message, OwnedHeaders};
use rdkafka::producer::{
    BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext, PurgeConfig,
};

use super::record::Found;
use crate::common::{PATIENCE, client};

type Outcome = Result<i64, String>;

#[derive(Default)]
struct Reports(Mutex<Vec<(usize, Outcome)>>);

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        let outcome = match result {
            Ok(message) => Ok(message.offset()),
            Err((error, _)) => Err(error.to_string()),
        };
        locked(&self.0).push((number, outcome));
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Producers that are used next: a new one of librdkafka's waits half a second until it asks for its id a second time
/// (2.12.1), since at the first time it has no connection.
static READY: Mutex<VecDeque<Writer>> = Mutex::new(VecDeque::new());

const READY_WRITERS: usize = 16;

/// One producer, with one request in flight and in order.
pub(crate) struct Writer {
    producer: BaseProducer<Reports>,
    /// What was sent and not yet told of.
    waiting: usize,
    reported: BTreeMap<usize, Outcome>,
}

impl Writer {
    /// One that has no record in flight.
    pub(crate) fn take() -> Self {
        let mut ready = locked(&READY);
        while ready.len() <= READY_WRITERS {
            ready.push_back(Self::new());
        }
        ready.pop_front().expect("more than one")
    }

    /// Makes it the next one to be taken, if all that it sent was told of.
    pub(crate) fn give_back(self) {
        if self.waiting == 0 && self.reported.is_empty() {
            locked(&READY).push_front(self);
        }
    }

    fn new() -> Self {
        let mut config = client();
        config
            .set("compression.codec", "lz4")
            .set("max.in.flight.requests.per.connection", "1")
            .set("linger.ms", "0")
            .set("socket.nagle.disable", "true")
            .set("enable.idempotence", "true")
            .set("enable.gapless.guarantee", "true")
            .set("acks", "all")
            .set("message.timeout.ms", "0");
        let producer = config
            .create_with_context(Reports::default())
            .expect("a producer");
        Writer {
            producer,
            waiting: 0,
            reported: BTreeMap::new(),
        }
    }

    /// Hands a record over without waiting; false if it is refused at once.
    pub(crate) fn send(
        &mut self,
        topic: &str,
        partition: usize,
        number: usize,
        record: &Found,
    ) -> bool {
        let mut headers = OwnedHeaders::new();
        for (key, value) in &record.headers {
            let value = Some(value);
            headers = headers.insert(Header { key, value });
        }
        let record = BaseRecord::with_opaque_to(topic, number)
            .partition(partition as i32)
            .timestamp(record.at_ms)
            .key(record.key.as_deref().expect("a key"))
            .payload(record.value.as_deref().expect("a value"))
            .headers(headers);
        let sent = self.producer.send(record).is_ok();
        self.waiting += usize::from(sent);
        sent
    }

    /// Waits until all that was sent is told of, and gives what was not given before.
    pub(crate) fn reports(&mut self) -> Vec<(usize, Outcome)> {
        let until = Instant::now() + PATIENCE;
        while self.waiting > 0 {
            self.take_reports();
            assert!(
                Instant::now() < until,
                "acknowledgements within {PATIENCE:?}"
            );
        }
        std::mem::take(&mut self.reported).into_iter().collect()
    }

    /// Waits until one record is told of.
    pub(crate) fn report_of(&mut self, number: usize) -> Outcome {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(outcome) = self.reported.remove(&number) {
                return outcome;
            }
            self.take_reports();
            assert!(Instant::now() < until, "a report within {PATIENCE:?}");
        }
    }

    fn take_reports(&mut self) {
        // It lets all of this time pass, whatever comes.
        self.producer.poll(Duration::from_millis(1));
        let reports = std::mem::take(&mut *locked(&self.producer.context().0));
        self.waiting -= reports.len();
        self.reported.extend(reports);
    }

    /// What has not left the client never arrives; what has may still do. The client ends in a thread: it takes its time.
    pub(crate) fn throw_away(self) -> JoinHandle<()> {
        self.producer
            .purge(PurgeConfig::default().queue().inflight());
        std::thread::spawn(|| drop(self))
    }
}
