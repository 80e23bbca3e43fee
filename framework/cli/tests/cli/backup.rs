//! What the tests of export and import share: records of every shape, and backups on disk.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::Consumer;
use rdkafka::message::{Header, Headers, Message, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use serde_json::Value;
use uuid::Uuid;

use super::common::{LIMIT, Ran, admin, block, bootstrap, consumer, kolo};

/// A record with nothing left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Raw {
    pub(crate) partition: i32,
    pub(crate) millis: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Raw {
    pub(crate) fn of(message: &OwnedMessage) -> Self {
        let headers = message.headers().into_iter().flat_map(|all| all.iter());
        Raw {
            partition: message.partition(),
            millis: message.timestamp().to_millis().unwrap(),
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            headers: headers
                .map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
                .collect(),
        }
    }
}

/// All records of a topic, in the order of partitions and offsets.
pub(crate) fn raws(topic: &str) -> Vec<Raw> {
    super::common::records(topic).iter().map(Raw::of).collect()
}

/// Writes records as they are, in this order.
pub(crate) fn put(topic: &str, records: &[Raw]) {
    put_to(bootstrap(), topic, records);
}

/// The same on another broker than that of all tests.
pub(crate) fn put_to(bootstrap: &str, topic: &str, records: &[Raw]) {
    let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("enable.idempotence", "true")
        .set("linger.ms", "1")
        .create()
        .unwrap();
    for raw in records {
        let mut record = BaseRecord::<[u8], [u8]>::to(topic)
            .partition(raw.partition)
            .timestamp(raw.millis);
        record.key = raw.key.as_deref();
        record.payload = raw.value.as_deref();
        if !raw.headers.is_empty() {
            let mut headers = OwnedHeaders::new();
            for (key, value) in &raw.headers {
                headers = headers.insert(Header {
                    key,
                    value: value.as_ref(),
                });
            }
            record = record.headers(headers);
        }
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(LIMIT).unwrap();
}

/// So many plain records for each of the partitions.
pub(crate) fn plain(partitions: i32, from: i64, count: i64) -> Vec<Raw> {
    let of = |number: i64| {
        (0..partitions).map(move |partition| Raw {
            partition,
            millis: 1_700_000_000_000 + number,
            key: Some(format!("key-{number}").into_bytes()),
            value: Some(format!("value {number} of partition {partition}").into_bytes()),
            headers: vec![(
                "ce_id".into(),
                Some(format!("{partition}-{number}").into_bytes()),
            )],
        })
    };
    (from..from + count).flat_map(of).collect()
}

pub(crate) fn fresh(name: &str) -> String {
    format!("{name}-{}", Uuid::now_v7().simple())
}

/// A directory for a backup.
pub(crate) struct Dir(tempfile::TempDir);

impl Dir {
    pub(crate) fn new() -> Self {
        Dir(tempfile::tempdir().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        self.0.path().to_str().unwrap().to_owned()
    }

    pub(crate) fn topic(&self, topic: &str) -> PathBuf {
        self.0.path().join(topic)
    }

    /// The folder of a topic, to be typed.
    pub(crate) fn of(&self, topic: &str) -> String {
        self.topic(topic).to_str().unwrap().to_owned()
    }

    /// The files of one partition with this ending, by name.
    pub(crate) fn files(&self, topic: &str, partition: i32, ending: &str) -> Vec<PathBuf> {
        let folder = self.topic(topic).join(partition.to_string());
        let Ok(entries) = std::fs::read_dir(folder) else {
            return Vec::new();
        };
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|found| found == ending));
        files.sort();
        files
    }

    /// The offsets of one partition, as any Avro tool reads them.
    pub(crate) fn offsets(&self, topic: &str, partition: i32) -> Vec<i64> {
        let mut offsets = Vec::new();
        for file in self.files(topic, partition, "avro") {
            let file = std::fs::File::open(file).unwrap();
            for record in apache_avro::Reader::new(BufReader::new(file)).unwrap() {
                let apache_avro::types::Value::Record(fields) = record.unwrap() else {
                    panic!("a record");
                };
                let offset = fields.iter().find(|(name, _)| name == "offset").unwrap();
                let apache_avro::types::Value::Long(offset) = offset.1 else {
                    panic!("a long");
                };
                offsets.push(offset);
            }
        }
        offsets
    }

    pub(crate) fn manifest(&self, topic: &str) -> Value {
        let text = std::fs::read(self.topic(topic).join("manifest.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    pub(crate) fn export_command(&self, topic: &str, more: &[&str]) -> Command {
        let dir = self.text();
        let mut args = vec!["export", topic, "--to", &dir];
        args.extend(more);
        with_broker(&args)
    }

    pub(crate) fn export(&self, topic: &str, more: &[&str]) -> Ran {
        self.export_command(topic, more).output().unwrap().into()
    }

    pub(crate) fn verify(&self) -> Ran {
        kolo(&["verify-export", &self.text(), "--json"])
            .output()
            .unwrap()
            .into()
    }

    /// Whole, and with every offset from 0 to before `next` once.
    #[track_caller]
    pub(crate) fn holds(&self, topic: &str, partitions: i32, next: i64) {
        let verified = self.verify().done().lines();
        let verified = verified.iter().find(|row| row["topic"] == topic).unwrap();
        assert_eq!(verified["whole"], true);
        for partition in 0..partitions {
            let all: Vec<i64> = (0..next).collect();
            assert_eq!(self.offsets(topic, partition), all, "partition {partition}");
        }
    }
}

pub(crate) fn with_broker(args: &[&str]) -> Command {
    let mut command = kolo(args);
    command.env("KOLO_BOOTSTRAP", bootstrap());
    command
}

pub(crate) fn import(dir: &str, more: &[&str]) -> Ran {
    let mut args = vec!["import", dir];
    args.extend(more);
    with_broker(&args).output().unwrap().into()
}

/// A command at work, whose standard output is read line by line.
pub(crate) struct Running {
    pub(crate) child: Child,
    out: BufReader<ChildStdout>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Running { child, out }
    }

    /// The next line, as JSON; none where it has ended.
    pub(crate) fn line(&mut self) -> Option<Value> {
        let mut line = String::new();
        let read = self.out.read_line(&mut line).unwrap();
        (read > 0).then(|| serde_json::from_str(&line).unwrap())
    }

    /// Waits until all partitions are durable up to here.
    pub(crate) fn durable(&mut self, topic: &str, before: i64) {
        loop {
            let line = self.line().expect("it goes on");
            let durable = line["durable_before"][topic].as_object().unwrap();
            if durable.values().all(|at| at.as_i64() >= Some(before)) {
                return;
            }
        }
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn send(&self, signal: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Sends it, and waits for the end.
    pub(crate) fn signal(self, signal: &str) -> Ran {
        self.send(signal);
        self.ended()
    }

    /// What it printed on its standard error output until it ended, and its exit code.
    pub(crate) fn ended(mut self) -> Ran {
        use std::io::Read;
        let (mut out, mut err) = (String::new(), String::new());
        self.out.read_to_string(&mut out).unwrap();
        let stderr = self.child.stderr.as_mut().unwrap();
        stderr.read_to_string(&mut err).unwrap();
        let code = self.child.wait().unwrap().code().unwrap();
        Ran { code, out, err }
    }
}

pub(crate) fn delete(topic: &str) {
    let results = block(admin().delete_topics(&[topic], &AdminOptions::new())).unwrap();
    results.into_iter().for_each(|result| drop(result.unwrap()));
}

/// Turns one bit of a file round.
pub(crate) fn flip(file: &Path, at: usize) {
    let mut bytes = std::fs::read(file).unwrap();
    bytes[at] ^= 0x10;
    std::fs::write(file, bytes).unwrap();
}

/// Whether the brokers list it.
pub(crate) fn exists(topic: &str) -> bool {
    let metadata = consumer().fetch_metadata(None, LIMIT).unwrap();
    metadata
        .topics()
        .iter()
        .any(|known| known.name() == topic && !known.partitions().is_empty())
}

/// Creates a topic with one setting of its own.
pub(crate) fn create_with(topic: &str, partitions: i32, setting: &str, value: &str) {
    let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1)).set(setting, value);
    let admin = admin();
    let made = block(admin.create_topics(&[new], &AdminOptions::new())).unwrap();
    made.into_iter().for_each(|made| drop(made.unwrap()));
    let begun = Instant::now();
    while !exists(topic) {
        assert!(begun.elapsed() < LIMIT, "{topic} is listed");
    }
}
