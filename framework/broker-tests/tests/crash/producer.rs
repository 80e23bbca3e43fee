//! The producers: each numbers its records, partition by partition.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::message::Message;
use rdkafka::producer::{
    BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer,
};

use super::client;
use super::ledger::{At, Ledger};
use super::verdict::{COMPACTED, KEPT, KEYS, PARTITIONS, SHORT};
use crate::common::{PATIENCE, await_that};

/// What begins the values of the producer that is not idempotent.
pub(crate) const PLAIN: &str = "plain";

/// So many records of one producer are under way at most: enough for several batches a partition.
const UNDER_WAY: i32 = 400;

struct Reports(Arc<Ledger>);

impl ClientContext for Reports {
    fn error(&self, _: rdkafka::error::KafkaError, _: &str) {}
}

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let text =
            |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
        match result {
            Ok(message) => {
                let content = (text(message.key()), text(message.payload()).unwrap());
                let at = at(message.topic(), message.partition());
                self.0.acknowledge(at, message.offset(), content);
            }
            Err((error, message)) => self
                .0
                .refused(format!("{:?} is refused: {error}", text(message.payload()))),
        }
    }
}

/// With the topic's name as it is known here.
pub(crate) fn at(topic: &str, partition: i32) -> At {
    let known = [KEPT, COMPACTED, SHORT]
        .into_iter()
        .find(|known| *known == topic);
    (known.expect("one of our topics"), partition)
}

/// One producer on a thread of its own.
pub(crate) struct Producer {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Producer {
    /// Several idempotent ones, and one that is not.
    pub(crate) fn start_all(address: &str, ledger: &Arc<Ledger>) -> Vec<Producer> {
        let names = ["first", "second", "third", PLAIN];
        names
            .into_iter()
            .map(|name| Self::start(address, name, ledger))
            .collect()
    }

    fn start(address: &str, name: &'static str, ledger: &Arc<Ledger>) -> Producer {
        let mut config = client(address);
        config
            .set("acks", "all")
            .set("linger.ms", "0")
            // Longer than the run: what was sent is there in the end.
            .set("message.timeout.ms", "600000");
        if name == PLAIN {
            // With more than one, a repeat may overtake: the client says so.
            config.set("max.in.flight.requests.per.connection", "1");
        } else {
            config.set("enable.idempotence", "true");
        }
        let producer: ThreadedProducer<Reports> = config
            .create_with_context(Reports(Arc::clone(ledger)))
            .expect("a producer");
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, ledger) = (Arc::clone(&stop), Arc::clone(ledger));
        let thread = std::thread::spawn(move || {
            let mut number = 0_u32;
            while !stopped.load(Ordering::Relaxed) {
                if producer.in_flight_count() < UNDER_WAY {
                    send_round(&producer, &ledger, name, number);
                    number += 1;
                }
                // The pace, so that the run stays readable in the end.
                std::thread::park_timeout(Duration::from_millis(2));
            }
            producer.flush(PATIENCE).expect("everything is answered");
        });
        Producer { stop, thread }
    }

    /// No more records; returns when all of them are answered.
    pub(crate) fn finish(self) {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread;
        await_that("a producer's last answers", || thread.is_finished());
        thread.join().expect("a producer that ended well");
    }
}

/// One record to each partition of each topic.
fn send_round(producer: &ThreadedProducer<Reports>, ledger: &Ledger, name: &str, number: u32) {
    // Batches and segments come in all sizes.
    let filler = "x".repeat(fastrand::usize(0..600));
    let value = format!("{name} {number:07} {filler}");
    let key = format!("{name}-{}", number % KEYS);
    for topic in [KEPT, COMPACTED, SHORT] {
        for partition in 0..PARTITIONS {
            let record = BaseRecord::<str, str>::to(topic)
                .partition(partition)
                .payload(&value)
                .key(&key);
            ledger.sending();
            if let Err((error, _)) = producer.send(record) {
                ledger.refused(format!("{name} cannot send: {error}"));
            }
        }
    }
}
