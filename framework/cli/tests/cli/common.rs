//! Runs the command, and reads and writes the broker beside it.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

pub(crate) use kolo_broker::testing::bootstrap;
use kolo_core::TopicId;
use kolo_core::wire::{Fence, Source, Stamp, Writer};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::Value;
use uuid::Uuid;

/// Within this time everything comes that is waited for.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// What the command printed.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.code, 0, "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }

    /// Fails with this code and these words, in one paragraph that begins with `error:`.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, words: &[&str]) {
        assert_eq!(
            self.code, code,
            "stdout: {}\nstderr: {}",
            self.out, self.err
        );
        assert_eq!(
            self.err.matches("error:").count(),
            1,
            "one error: {}",
            self.err
        );
        assert!(!self.err.contains("\n\n"), "one paragraph: {}", self.err);
        for word in words {
            assert!(
                self.err.contains(word),
                "{word:?} is missing in: {}",
                self.err
            );
        }
    }

    #[track_caller]
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).expect(line))
            .collect()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).expect(&self.out)
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

/// The command, with nothing of this process's environment that could change it.
pub(crate) fn kolo(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kolo"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("KOLO_")) {
        command.env_remove(name);
    }
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command.args(args).stdin(Stdio::null());
    command
}

pub(crate) fn run(args: &[&str]) -> Ran {
    kolo(args).output().unwrap().into()
}

/// A folder of schemas whose topics are this test's own.
pub(crate) struct Cafe {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) orders: String,
    pub(crate) served: String,
}

impl Cafe {
    pub(crate) fn new() -> Self {
        let run = Uuid::now_v7().simple().to_string();
        let cafe = Cafe {
            folder: tempfile::tempdir().unwrap(),
            orders: format!("cafe-orders-{run}"),
            served: format!("cafe-served-{run}"),
        };
        cafe.schema("cafe", "CupOrdered", &cafe.orders, r#"
            {"name": "order_id", "type": {"type": "string", "logicalType": "uuid"}},
            {"name": "drink", "type": "string"},
            {"name": "cups", "type": "int"},
            {"name": "sugar", "type": {"type": "array", "items": {"type": "record", "name": "test.cafe.Sugar", "fields": [
                {"name": "grams", "type": "long"}, {"name": "brown", "type": "boolean"}]}}, "default": []},
            {"name": "price", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}], "default": null},
            {"name": "wanted_at", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}], "default": null}"#);
        cafe.schema(
            "cafe",
            "CupServed",
            &cafe.served,
            r#"
            {"name": "order_id", "type": {"type": "string", "logicalType": "uuid"}}"#,
        );
        cafe
    }

    pub(crate) fn schema(&self, owner: &str, event: &str, topic: &str, fields: &str) {
        let folder = self.folder.path().join("avro").join(owner);
        std::fs::create_dir_all(&folder).unwrap();
        let text = format!(
            r#"{{"type": "record", "name": "test.{owner}.{event}", "topic": "{topic}", "key": "order_id", "saga": "order_id", "doc": "About {event}.", "fields": [{fields}]}}"#
        );
        std::fs::write(folder.join(format!("{event}.avsc")), text).unwrap();
    }

    pub(crate) fn schemas(&self) -> String {
        self.folder.path().join("avro").to_str().unwrap().to_owned()
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Runs the command with the schemas, without a broker's address.
    pub(crate) fn offline(&self, args: &[&str]) -> Ran {
        kolo(args)
            .env("KOLO_SCHEMAS", self.schemas())
            .env("KOLO_BOOTSTRAP", "127.0.0.1:1")
            .output()
            .unwrap()
            .into()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = kolo(args);
        command
            .env("KOLO_SCHEMAS", self.schemas())
            .env("KOLO_BOOTSTRAP", bootstrap());
        command
    }

    /// Runs the command with the schemas and the broker.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.command(args).output().unwrap().into()
    }
}

pub(crate) fn order(number: u32) -> String {
    Uuid::from_u128(0x018f_0000_0000_7000_8000_0000_0000_0000 | u128::from(number)).to_string()
}

pub(crate) fn cup(number: u32, cups: i64) -> String {
    format!(
        r#"{{"order_id": "{}", "drink": "tea", "cups": {cups}}}"#,
        order(number)
    )
}

pub(crate) fn admin() -> AdminClient<DefaultClientContext> {
    ClientConfig::new()
        .set("bootstrap.servers", bootstrap())
        .create()
        .unwrap()
}

pub(crate) fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

/// Creates a topic and waits until the broker lists it.
pub(crate) fn create(topic: &str, partitions: i32) {
    let new =
        NewTopic::new(topic, partitions, TopicReplication::Fixed(1)).set("retention.ms", "-1");
    let results = block(admin().create_topics([&new], &AdminOptions::new())).unwrap();
    results.into_iter().for_each(|result| drop(result.unwrap()));
    let consumer = consumer();
    let begun = Instant::now();
    loop {
        let metadata = consumer.fetch_metadata(Some(topic), LIMIT).unwrap();
        let known = &metadata.topics()[0];
        if known.error().is_none()
            && known
                .partitions()
                .iter()
                .filter(|known| known.leader() >= 0)
                .count()
                == partitions as usize
        {
            return;
        }
        assert!(begun.elapsed() < LIMIT, "the topic {topic} is not listed");
        std::thread::yield_now();
    }
}

/// Creates topics on another broker than the shared one.
pub(crate) fn create_at(bootstrap: &str, topics: &[(&str, i32)]) {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .create()
        .unwrap();
    let new = topics
        .iter()
        .map(|&(topic, partitions)| NewTopic::new(topic, partitions, TopicReplication::Fixed(1)));
    let new: Vec<NewTopic<'_>> = new.collect();
    let results = block(admin.create_topics(&new, &AdminOptions::new())).unwrap();
    results.into_iter().for_each(|result| drop(result.unwrap()));
}

pub(crate) fn consumer() -> BaseConsumer {
    ClientConfig::new()
        .set("bootstrap.servers", bootstrap())
        .set("group.id", "kolo-cli-tests")
        .set("enable.auto.commit", "false")
        .set("fetch.queue.backoff.ms", "1")
        .create()
        .unwrap()
}

/// How many records a topic holds.
pub(crate) fn count(topic: &str) -> i64 {
    let consumer = consumer();
    let partitions = consumer
        .fetch_metadata(Some(topic), LIMIT)
        .unwrap()
        .topics()[0]
        .partitions()
        .len();
    (0..partitions as i32)
        .map(|partition| {
            let (low, high) = consumer.fetch_watermarks(topic, partition, LIMIT).unwrap();
            high - low
        })
        .sum()
}

/// All records of a topic, partition by partition.
pub(crate) fn records(topic: &str) -> Vec<OwnedMessage> {
    let total = usize::try_from(count(topic)).unwrap();
    let consumer = consumer();
    let partitions = consumer
        .fetch_metadata(Some(topic), LIMIT)
        .unwrap()
        .topics()[0]
        .partitions()
        .len();
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions as i32 {
        list.add_partition_offset(topic, partition, Offset::Beginning)
            .unwrap();
    }
    consumer.assign(&list).unwrap();
    let begun = Instant::now();
    let mut found = Vec::new();
    while found.len() < total {
        assert!(
            begun.elapsed() < LIMIT,
            "{} of {total} records of {topic}",
            found.len()
        );
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            found.push(message.unwrap().detach());
        }
    }
    found.sort_by_key(|message| (message.partition(), message.offset()));
    found
}

pub(crate) fn headers_of(message: &OwnedMessage) -> Vec<(String, String)> {
    let text = |value: Option<&[u8]>| String::from_utf8(value.unwrap().to_vec()).unwrap();
    message
        .headers()
        .unwrap()
        .iter()
        .map(|header| (header.key.to_owned(), text(header.value)))
        .collect()
}

/// Writes records with any headers, as other tools and owners of streams do.
pub(crate) struct Pen {
    producer: ThreadedProducer<DefaultProducerContext>,
}

/// A record to be written.
#[derive(Clone, Default)]
pub(crate) struct Ink<'a> {
    pub(crate) partition: i32,
    pub(crate) millis: i64,
    pub(crate) key: &'a str,
    pub(crate) value: Vec<u8>,
    pub(crate) headers: Vec<(&'a str, String)>,
}

impl Pen {
    pub(crate) fn new() -> Self {
        let producer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap())
            .set("enable.idempotence", "true")
            .set("linger.ms", "1")
            .create()
            .unwrap();
        Pen { producer }
    }

    /// Writes them in this order, and waits until they are acknowledged.
    pub(crate) fn write(&self, topic: &str, inks: &[Ink<'_>]) {
        for ink in inks {
            let mut headers = OwnedHeaders::new();
            for (key, value) in &ink.headers {
                headers = headers.insert(Header {
                    key,
                    value: Some(value),
                });
            }
            let record = BaseRecord::to(topic)
                .partition(ink.partition)
                .key(ink.key)
                .payload(&ink.value)
                .headers(headers);
            let record = if ink.millis > 0 {
                record.timestamp(ink.millis)
            } else {
                record
            };
            self.producer
                .send(record)
                .map_err(|(error, _)| error)
                .unwrap();
        }
        self.producer.flush(LIMIT).unwrap();
    }
}

/// A fence of `service.aggregate`, whose origin 0 is the topic `cafe-orders`.
pub(crate) fn fence<'a>(nonce: u64) -> Ink<'a> {
    let origin = kolo_core::Origin {
        path: kolo_core::Path::Direct,
        id: TopicId(Uuid::from_u128(1)),
        topic: "cafe-orders".into(),
    };
    let value = Fence {
        service: "cafe".into(),
        aggregate: "counter".into(),
        partitions: 1,
        version: 3,
        origins: vec![origin],
    };
    let stamp = Stamp::own(Writer {
        epoch: None,
        nonce,
        number: 0,
    });
    Ink {
        value: serde_json::to_vec(&value).unwrap(),
        headers: vec![
            ("ce_type", "kolo.fence".into()),
            ("kolo", stamp.to_string()),
        ],
        ..Ink::default()
    }
}

/// A record of an owner that answers the input at `offset` of its origin 0.
pub(crate) fn served<'a>(cafe: &Cafe, epoch: i64, nonce: u64, number: u64, offset: i64) -> Ink<'a> {
    let stamp = Stamp {
        correlation: Some(kolo_core::CorrelationId::of_saga(&order(7))),
        causation: Some(kolo_core::EventId::foreign("cause")),
        writer: Some(Writer {
            epoch: Some(epoch),
            nonce,
            number,
        }),
        source: Source::Input {
            origin: 0,
            partition: 0,
            position: kolo_core::Position::direct(offset),
        },
        index: 1,
        count: 1,
    };
    Ink {
        value: encoded(
            cafe,
            "CupServed",
            &serde_json::json!({ "order_id": order(7) }),
        ),
        headers: vec![
            ("ce_id", format!("served-{epoch}-{number}")),
            ("ce_type", "test.cafe.CupServed".into()),
            ("kolo", stamp.to_string()),
        ],
        ..Ink::default()
    }
}

pub(crate) fn encoded(cafe: &Cafe, event: &str, json: &Value) -> Vec<u8> {
    let set = kolo_avro::dynamic::SchemaSet::load(cafe.schemas()).unwrap();
    set.event(event).unwrap().encode(json).unwrap().value
}
