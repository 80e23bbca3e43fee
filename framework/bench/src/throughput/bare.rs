//! The bare loop: rdkafka and nothing else. One record out for each record in, with the bytes that kolo would write.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use anyhow::{Context, bail};
use kolo::{Config, Event};
use rdkafka::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::{Offset, TopicPartitionList};
use uuid::Uuid;

use crate::bench::Credited;

use super::settings::{BATCH, consumer, producer};
use super::{BARE_STREAM, LoopArgs, input};

/// The threads of the loop.
pub(super) struct Bare {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<anyhow::Result<()>>>,
}

impl Bare {
    /// Fails if a thread has ended.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        if self.threads.iter().any(JoinHandle::is_finished) {
            bail!("a thread of the bare loop has ended");
        }
        Ok(())
    }

    pub(super) fn stop(self) -> anyhow::Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.thread().unpark();
            match thread.join() {
                Ok(outcome) => outcome?,
                Err(_) => bail!("a thread of the bare loop panicked"),
            }
        }
        Ok(())
    }
}

/// Starts the threads; each has a consumer, a producer, and every n-th partition. All of them are assigned on return.
pub(super) fn start(config: &Config, arguments: &LoopArgs) -> anyhow::Result<Bare> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut threads = Vec::new();
    for worker in 0..arguments.workers {
        let partitions =
            (i32::from(worker)..arguments.partitions).step_by(usize::from(arguments.workers));
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition_offset(input::TOPIC, partition, Offset::Beginning)?;
        }
        let consumer: BaseConsumer = consumer(config)
            .create()
            .context("the bare consumer's settings")?;
        consumer.assign(&list)?;
        let producer: BaseProducer<Acknowledged> = producer(config)
            .create_with_context(Acknowledged::default())
            .context("the bare producer's settings")?;
        let mut bare = Copier {
            consumer,
            producer,
            texts: Texts::new(worker),
            sent: 0,
            most_in_flight: config.max_in_flight_records,
        };
        let stop = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name(format!("bare-{worker}"))
            .spawn(move || bare.run(&stop))
            .context("no thread")?;
        threads.push(thread);
    }
    Ok(Bare { stop, threads })
}

#[derive(Default)]
struct Acknowledged {
    records: AtomicUsize,
    failed: AtomicBool,
}

impl ClientContext for Acknowledged {}

impl ProducerContext for Acknowledged {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, _: usize) {
        self.records.fetch_add(1, Ordering::Relaxed);
        if result.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
    }
}

struct Copier {
    consumer: BaseConsumer,
    producer: BaseProducer<Acknowledged>,
    texts: Texts,
    sent: usize,
    most_in_flight: usize,
}

impl Copier {
    fn run(&mut self, stop: &AtomicBool) -> anyhow::Result<()> {
        let this: Thread = std::thread::current();
        self.consumer.set_nonempty_callback(move || this.unpark());
        while !stop.load(Ordering::Relaxed) {
            let mut busy = false;
            for _ in 0..BATCH {
                if self.in_flight() >= self.most_in_flight {
                    break;
                }
                let Some(message) = self.consumer.poll(Duration::ZERO) else {
                    break;
                };
                let message = message.context("an input cannot be read")?;
                busy = true;
                self.texts.next();
                send(&self.producer, &self.texts, &message)?;
                self.sent += 1;
            }
            self.producer.poll(Duration::ZERO);
            if self.producer.context().failed.load(Ordering::Relaxed) {
                bail!("an append failed");
            }
            if !busy {
                let waits = if self.in_flight() > 0 { 1 } else { 100 };
                std::thread::park_timeout(Duration::from_millis(waits));
            }
        }
        Ok(())
    }

    fn in_flight(&self) -> usize {
        self.sent - self.producer.context().records.load(Ordering::Relaxed)
    }
}

fn send(
    producer: &BaseProducer<Acknowledged>,
    texts: &Texts,
    message: &BorrowedMessage<'_>,
) -> anyhow::Result<()> {
    let (id, stamp) = texts.current();
    let headers = OwnedHeaders::new_with_capacity(7)
        .insert(Header {
            key: "ce_specversion",
            value: Some("1.0"),
        })
        .insert(Header {
            key: "ce_id",
            value: Some(id),
        })
        .insert(Header {
            key: "ce_source",
            value: Some("/bench/account"),
        })
        .insert(Header {
            key: "ce_type",
            value: Some(Credited::TYPE.name),
        })
        .insert(Header {
            key: "kolo",
            value: Some(stamp),
        });
    let mut record = BaseRecord::with_opaque_to(BARE_STREAM, 0)
        .partition(message.partition())
        .key(message.key().unwrap_or_default())
        .payload(message.payload().unwrap_or_default())
        .timestamp(wall_clock_millis())
        .headers(headers);
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                record = back;
                producer.poll(Duration::ZERO);
                std::thread::park_timeout(Duration::from_millis(1));
            }
            Err((error, _)) => return Err(error).context("a record is not produced"),
        }
    }
}

fn wall_clock_millis() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Ids and stamps as random as kolo's, made beforehand: enough of them that no batch holds one twice.
struct Texts {
    texts: Vec<(String, String)>,
    at: usize,
}

impl Texts {
    fn new(worker: u16) -> Texts {
        const DIGITS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut random = fastrand::Rng::with_seed(worker.into());
        let texts = (0..16_384).map(|number| {
            let id = Uuid::from_u128(random.u128(..)).to_string();
            // Correlation and cause are the same here, as they are for an input that names no saga.
            let cause: String = (0..22)
                .map(|_| char::from(DIGITS[random.usize(0..64)]))
                .collect();
            let number = 60_000 + number;
            (
                id,
                format!("1 {cause} {cause} 1.AbCdEfGhIjK.{number} 0:3:{number} 1/1"),
            )
        });
        Texts {
            texts: texts.collect(),
            at: 0,
        }
    }

    fn next(&mut self) {
        self.at = (self.at + 1) % self.texts.len();
    }

    fn current(&self) -> (&str, &str) {
        let (id, stamp) = &self.texts[self.at];
        (id, stamp)
    }
}
