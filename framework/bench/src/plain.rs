//! Produce and consume with a plain client: what a broker costs without any framework.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use kolo::Config;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use crate::broker::{BrokerArgs, Subject, Topics};
use crate::machine::{cpu_seconds, load_text};
use crate::say;
use crate::spread::Spread;

const TOPIC: &str = "bench.plain";
const PARTITIONS: i32 = 6;
/// Nothing may take longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// `kolo-bench plain`
#[derive(Debug, Args)]
pub(crate) struct PlainArgs {
    #[command(flatten)]
    brokers: BrokerArgs,
    /// Sizes of the records' values, in bytes.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1_000])]
    bytes: Vec<usize>,
    /// How many megabytes are produced for each size, and consumed again.
    #[arg(long, default_value_t = 200)]
    megabytes: usize,
    /// How many runs of each.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

/// What one pass came to: records a second, and CPU seconds a million records of client and broker.
#[derive(Debug, Clone, Copy)]
struct Pass {
    records_per_second: f64,
    client: Option<f64>,
    broker: Option<f64>,
}

/// Runs the benchmark.
///
/// # Errors
/// When a broker does not answer, or does not take or give the records.
pub(crate) fn run(arguments: &PlainArgs) -> anyhow::Result<()> {
    let subjects = arguments.brokers.subjects()?;
    say("pass             broker    run  records/s  client CPU s/M  broker CPU s/M  load");
    for &bytes in &arguments.bytes {
        let records = u32::try_from(arguments.megabytes * 1_000_000 / bytes)?;
        let mut passes: Vec<[Vec<Pass>; 2]> =
            subjects.iter().map(|_| [Vec::new(), Vec::new()]).collect();
        for number in 1..=arguments.runs {
            for (subject, passes) in subjects.iter().zip(&mut passes) {
                let config = Config::new(&subject.bootstrap);
                let topics = Topics::connect(&config)?;
                topics.renew(TOPIC, PARTITIONS)?;
                let produced = measured(subject, records, || produce(&config, records, bytes))?;
                let consumed = measured(subject, records, || consume(&config, records))?;
                topics.delete(TOPIC)?;
                for (at, pass) in [produced, consumed].into_iter().enumerate() {
                    say(format!(
                        "{:<16} {:<8}  {number:>3}  {:>9.0}  {:>14}  {:>14}  {:>4}",
                        name(at, bytes),
                        subject.name,
                        pass.records_per_second,
                        figure(pass.client),
                        figure(pass.broker),
                        load_text()
                    ));
                    passes[at].push(pass);
                }
            }
        }
        if let [first, second] = &passes[..] {
            for at in 0..2 {
                compare(&name(at, bytes), &subjects, &first[at], &second[at]);
            }
        }
    }
    Ok(())
}

fn name(at: usize, bytes: usize) -> String {
    format!("{} {bytes} B", ["produce", "consume"][at])
}

fn figure(figure: Option<f64>) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.2}"))
}

/// One column of the comparison.
type Figure = fn(&Pass) -> Option<f64>;

fn compare(name: &str, subjects: &[Subject], first: &[Pass], second: &[Pass]) {
    let columns: [(&str, Figure); 3] = [
        ("records/s", |pass| Some(pass.records_per_second)),
        ("client CPU", |pass| pass.client),
        ("broker CPU", |pass| pass.broker),
    ];
    for (column, figure) in columns {
        let ratios = second.iter().zip(first);
        let ratios = ratios.filter_map(|(of, to)| Some(figure(of)? / figure(to)?));
        if let Some(spread) = Spread::of(ratios) {
            say(format!(
                "{name:<16} {column:<10} {} / {}: min / median / max  {spread:.2}",
                subjects[1].name, subjects[0].name
            ));
        }
    }
}

fn measured(
    subject: &Subject,
    records: u32,
    pass: impl FnOnce() -> anyhow::Result<Duration>,
) -> anyhow::Result<Pass> {
    let cpu = [cpu_seconds(None), subject.cpu_seconds()];
    let took = pass()?;
    let million = f64::from(records) / 1e6;
    let since = |before: Option<f64>, now: Option<f64>| Some((now? - before?) / million);
    Ok(Pass {
        records_per_second: f64::from(records) / took.as_secs_f64(),
        client: since(cpu[0], cpu_seconds(None)),
        broker: since(cpu[1], subject.cpu_seconds()),
    })
}

#[derive(Default)]
struct Acknowledged {
    records: AtomicU32,
    failed: AtomicU32,
}

impl ClientContext for Acknowledged {}

impl ProducerContext for Acknowledged {
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

/// From the first record handed over to the last acknowledgement.
fn produce(config: &Config, records: u32, bytes: usize) -> anyhow::Result<Duration> {
    let mut client = config.client();
    client
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("queue.buffering.max.messages", "1000000");
    let producer: BaseProducer<Acknowledged> =
        client.create_with_context(Acknowledged::default())?;
    let mut random = fastrand::Rng::with_seed(11);
    let value: Vec<u8> = std::iter::repeat_with(|| random.u8(b' '..b'~'))
        .take(bytes)
        .collect();
    let began = Instant::now();
    for number in 0..records {
        let partition = i32::try_from(number % PARTITIONS.unsigned_abs())?;
        let mut record = BaseRecord::<[u8], [u8]>::to(TOPIC)
            .partition(partition)
            .payload(&value);
        while let Err((error, back)) = producer.send(record) {
            let full = KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
            ensure!(error == full, "a record is not produced: {error}");
            record = back;
            producer.poll(Duration::ZERO);
            std::thread::park_timeout(Duration::from_millis(1));
        }
        if number.is_multiple_of(1_024) {
            producer.poll(Duration::ZERO);
        }
    }
    let acknowledged = producer.context();
    while acknowledged.records.load(Ordering::Relaxed) < records {
        ensure!(
            acknowledged.failed.load(Ordering::Relaxed) == 0 && began.elapsed() < PATIENCE,
            "the broker does not take the records"
        );
        producer.poll(Duration::ZERO);
        std::thread::park_timeout(Duration::from_millis(1));
    }
    Ok(began.elapsed())
}

/// From the assignment to the last record.
fn consume(config: &Config, records: u32) -> anyhow::Result<Duration> {
    let mut client = config.client();
    client
        .set("group.id", "bench.plain")
        .set("enable.auto.commit", "false")
        .set("queued.min.messages", "100000")
        .set("fetch.queue.backoff.ms", "2");
    let consumer: BaseConsumer = client.create().context("the consumer's settings")?;
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        list.add_partition_offset(TOPIC, partition, Offset::Beginning)?;
    }
    let began = Instant::now();
    consumer.assign(&list)?;
    let mut read = 0;
    while read < records {
        ensure!(
            began.elapsed() < PATIENCE,
            "{} records were produced, and {read} can be read",
            records
        );
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            message.context("a record cannot be read")?;
            read += 1;
        }
    }
    Ok(began.elapsed())
}
