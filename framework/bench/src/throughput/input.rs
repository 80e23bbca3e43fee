//! The records that a run takes: there beforehand, and seen by nobody until they are released. On a Kafka they stand in
//! an open transaction; the embedded broker, which has none, hides their topic.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use kolo::{Config, Event, partition_of};
use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use uuid::Uuid;

use crate::bench::Deposited;
use crate::broker::{Embedded, Subject};

/// Where they are.
pub(crate) const TOPIC: &str = Deposited::TYPE.topic;

/// How long the broker may take for one step.
const PATIENCE: Duration = Duration::from_secs(60);
/// With key, amount and frame it makes a value of some 200 bytes.
const MEMO_BYTES: usize = 172;

/// How many records, of how many keys, on how many partitions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) records: u32,
    pub(crate) keys: u32,
    pub(crate) partitions: i32,
}

/// Produced, and not to be read yet.
pub(crate) enum Input<'a> {
    Uncommitted(BaseProducer<Delivered>),
    Hidden(&'a Embedded),
}

#[derive(Default)]
pub(crate) struct Delivered {
    records: AtomicU32,
    failed: AtomicU32,
}

impl ClientContext for Delivered {}

impl ProducerContext for Delivered {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let count = if result.is_ok() {
            &self.records
        } else {
            &self.failed
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

impl<'a> Input<'a> {
    /// Produces the records of a run.
    pub(crate) fn preload(
        config: &Config,
        subject: &'a Subject,
        load: Load,
    ) -> anyhow::Result<Input<'a>> {
        let hidden = subject.embedded.as_ref();
        let mut client = config.client();
        client
            .set("queue.buffering.max.messages", "1000000")
            .set("compression.codec", "lz4");
        if hidden.is_none() {
            client
                .set("transactional.id", "kolo-bench")
                .set("transaction.timeout.ms", "600000");
        }
        let producer: BaseProducer<Delivered> = client
            .create_with_context(Delivered::default())
            .context("the preload's settings")?;
        match hidden {
            Some(embedded) => embedded.hide(TOPIC)?,
            None => {
                producer
                    .init_transactions(PATIENCE)
                    .with_context(|| format!("no broker answers at {}", config.bootstrap))?;
                producer.begin_transaction()?;
            }
        }

        let mut random = fastrand::Rng::with_seed(7);
        let mut value = Vec::new();
        for number in 0..load.records {
            let event = Deposited {
                account: format!("account-{:06}", random.u32(0..load.keys)),
                amount_cents: random.i64(1..100_000),
                memo: memo(&mut random),
            };
            value.clear();
            event.encode(&mut value);
            send(
                &producer,
                &event.account,
                &value,
                load.partitions,
                random.u128(..),
            )?;
            if number.is_multiple_of(256) {
                producer.poll(Duration::ZERO);
            }
        }
        await_deliveries(&producer, load.records)?;
        Ok(hidden.map_or(Input::Uncommitted(producer), Input::Hidden))
    }

    /// From now on all records are there to be read.
    pub(crate) fn release(&self) -> anyhow::Result<()> {
        match self {
            Input::Uncommitted(producer) => producer
                .commit_transaction(PATIENCE)
                .context("the preload is not committed"),
            Input::Hidden(embedded) => embedded.show(),
        }
    }
}

/// Words that compress about as well as text does.
fn memo(random: &mut fastrand::Rng) -> String {
    const WORDS: [&str; 16] = [
        "invoice",
        "rent",
        "salary",
        "refund",
        "groceries",
        "insurance",
        "tickets",
        "fuel",
        "books",
        "coffee",
        "interest",
        "donation",
        "repair",
        "water",
        "phone",
        "rain",
    ];
    let mut memo = String::with_capacity(MEMO_BYTES + 16);
    while memo.len() < MEMO_BYTES {
        memo.push_str(WORDS[random.usize(0..WORDS.len())]);
        memo.push_str(&format!(" {:04x} ", random.u16(..)));
    }
    memo.truncate(MEMO_BYTES);
    memo
}

fn send(
    producer: &BaseProducer<Delivered>,
    key: &str,
    value: &[u8],
    partitions: i32,
    id: u128,
) -> anyhow::Result<()> {
    let mut text = Uuid::encode_buffer();
    let id: &str = Uuid::from_u128(id).hyphenated().encode_lower(&mut text);
    let headers = [
        ("ce_specversion", "1.0"),
        ("ce_id", id),
        ("ce_source", "/bench/preload"),
        ("ce_type", Deposited::TYPE.name),
    ];
    let mut owned = OwnedHeaders::new_with_capacity(headers.len());
    for (key, value) in headers {
        owned = owned.insert(Header {
            key,
            value: Some(value),
        });
    }
    let mut record = BaseRecord::to(TOPIC)
        .partition(partition_of(key.as_bytes(), partitions))
        .key(key)
        .payload(value)
        .headers(owned);
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                record = back;
                producer.poll(Duration::ZERO);
                std::thread::park_timeout(Duration::from_millis(1));
            }
            Err((error, _)) => return Err(error).context("an input is not produced"),
        }
    }
}

fn await_deliveries(producer: &BaseProducer<Delivered>, records: u32) -> anyhow::Result<()> {
    let until = Instant::now() + PATIENCE;
    let delivered = producer.context();
    while delivered.records.load(Ordering::Relaxed) < records {
        producer.poll(Duration::ZERO);
        if delivered.failed.load(Ordering::Relaxed) > 0 || Instant::now() > until {
            bail!("the broker does not take the inputs");
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    Ok(())
}
