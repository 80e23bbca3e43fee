//! A counter on topics of its own for each test, and plain clients to look at what the shell did.
#![allow(
    dead_code,
    clippy::expect_used,
    reason = "each test takes what it needs; a test fails by panicking"
)]

use std::fmt;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

pub(crate) use kolo_broker::testing::bootstrap;
use kolo_core::stream::{StreamReader, Verdict};
use kolo_core::wire::Headers;
use kolo_kafka::Config;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Headers as _, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::net::TcpSocket;

/// An address that nobody listens at. Nobody else is given its port while this is held; who is told it may listen there.
pub(crate) struct FreeAddress {
    address: SocketAddr,
    _held: TcpSocket,
}

impl FreeAddress {
    pub(crate) fn take() -> Self {
        let held = TcpSocket::new_v4().expect("a socket");
        held.set_reuseaddr(true).expect("a port that may be shared");
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        held.bind(any).expect("a port");
        FreeAddress {
            address: held.local_addr().expect("an address"),
            _held: held,
        }
    }
}

impl fmt::Display for FreeAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(formatter)
    }
}

/// Status, content type and body of what is answered at a path; nothing where nobody listens.
pub(crate) fn get(at: impl ToSocketAddrs, path: &str) -> Option<(u16, String, String)> {
    let mut stream = TcpStream::connect(at).ok()?;
    let limit = Some(Duration::from_secs(60));
    stream.set_read_timeout(limit).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let kind = head.lines().find_map(|line| {
        let line = line.to_lowercase();
        line.strip_prefix("content-type: ").map(str::to_owned)
    });
    Some((status, kind.unwrap_or_default(), body.to_owned()))
}

/// Declares `Added` (intake), `Counted` (stream), and the enum, on topics of these names.
macro_rules! counter_events {
    ($intake:expr, $stream:expr $(, $schema:literal)?) => {
        use std::borrow::Cow;

        use kolo_core::{
            Aggregate, DecodeError, Event, EventType, OwnEvents, Owns, Received, Service, State,
            Timestamp,
        };

        fn malformed(event: &'static str) -> DecodeError {
            DecodeError::Malformed {
                event,
                at: 0,
                problem: "not `key amount`".into(),
            }
        }

        macro_rules! event {
            ($name:ident, $topic:expr) => {
                event!($name, $topic, Step);
            };
            ($name:ident, $topic:expr, $mark:ident) => {
                #[derive(Debug, Clone, PartialEq)]
                pub(crate) struct $name {
                    pub(crate) key: String,
                    pub(crate) amount: i64,
                }

                impl Event for $name {
                    type Key = String;
                    const TYPE: &'static EventType = &EventType {
                        name: concat!("test.", stringify!($name)),
                        topic: $topic,
                        key_field: "key",
                        saga_field: Some("key"),
                        public: true,
                        mark: kolo_core::Mark::$mark,
                        key_type: "String",
                        schema: concat!("" $(, $schema)?),
                    };
                    fn key(&self) -> &String {
                        &self.key
                    }
                    fn saga(&self) -> Option<Cow<'_, str>> {
                        Some(Cow::Borrowed(&self.key))
                    }
                    fn encode(&self, out: &mut Vec<u8>) {
                        out.extend_from_slice(format!("{} {}", self.key, self.amount).as_bytes());
                    }
                    fn decode(value: &[u8]) -> Result<Self, DecodeError> {
                        let text =
                            std::str::from_utf8(value).map_err(|_| malformed(Self::TYPE.name))?;
                        let (key, amount) = text
                            .split_once(' ')
                            .ok_or_else(|| malformed(Self::TYPE.name))?;
                        let amount = amount.parse().map_err(|_| malformed(Self::TYPE.name))?;
                        Ok($name {
                            key: key.into(),
                            amount,
                        })
                    }
                }
                kolo_core::emits!($name);
            };
        }
        event!(Added, $intake, Intake);
        event!(Counted, $stream);

        #[derive(Debug, Clone, PartialEq)]
        pub(crate) enum CounterEvent {
            Counted(Counted),
        }
        impl From<Counted> for CounterEvent {
            fn from(event: Counted) -> Self {
                CounterEvent::Counted(event)
            }
        }
        impl Owns<Counted> for CounterEvent {
            fn get(&self) -> Option<&Counted> {
                let CounterEvent::Counted(event) = self;
                Some(event)
            }
        }
        impl OwnEvents for CounterEvent {
            type Key = String;
            const STREAM: &'static str = $stream;
            const TYPES: &'static [&'static EventType] = &[Counted::TYPE];
            fn event_type(&self) -> &'static EventType {
                Counted::TYPE
            }
            fn key(&self) -> &String {
                let CounterEvent::Counted(event) = self;
                &event.key
            }
            fn encode(&self, out: &mut Vec<u8>) {
                let CounterEvent::Counted(event) = self;
                event.encode(out);
            }
            fn decode(name: &str, value: &[u8]) -> Option<Result<Self, DecodeError>> {
                (name == Counted::TYPE.name)
                    .then(|| Counted::decode(value).map(CounterEvent::Counted))
            }
        }
    };
}
pub(crate) use counter_events;

/// Declares the enum of these own events, after [`counter_events`].
#[allow(unused_macros, reason = "each test takes what it needs")]
macro_rules! own_events {
    ($events:ident, $stream:literal, $($name:ident),*) => {
        #[derive(Debug, Clone, PartialEq)]
        pub(crate) enum $events {
            $($name($name)),*
        }
        $(impl From<$name> for $events {
            fn from(event: $name) -> Self {
                $events::$name(event)
            }
        }
        impl Owns<$name> for $events {
            fn get(&self) -> Option<&$name> {
                match self { $events::$name(event) => Some(event), _ => None }
            }
        })*
        impl OwnEvents for $events {
            type Key = String;
            const STREAM: &'static str = $stream;
            const TYPES: &'static [&'static EventType] = &[$($name::TYPE),*];
            fn event_type(&self) -> &'static EventType {
                match self { $($events::$name(_) => $name::TYPE),* }
            }
            fn key(&self) -> &String {
                match self { $($events::$name(event) => &event.key),* }
            }
            fn encode(&self, out: &mut Vec<u8>) {
                match self { $($events::$name(event) => event.encode(out)),* }
            }
            fn decode(name: &str, value: &[u8]) -> Option<Result<Self, DecodeError>> {
                $(if name == $name::TYPE.name {
                    return Some($name::decode(value).map($events::$name));
                })*
                None
            }
        }
    };
}
#[allow(unused_imports, reason = "each test takes what it needs")]
pub(crate) use own_events;

/// Declares an aggregate that asks a bank about what is added, and tells of its reply, on a stream of this name; with more own
/// events, if they are named. After [`counter_events`].
#[allow(unused_macros, reason = "each test takes what it needs")]
macro_rules! asker {
    ($stream:literal $(, $more:ident)*) => {
        event!(Asked, $stream);
        event!(Told, $stream);
        $(event!($more, $stream);)*
        $crate::common::own_events!(AskEvent, $stream, Asked, Told $(, $more)*);

        #[derive(Debug, Default)]
        pub(crate) struct Asker;

        impl State for Asker {
            type Event = AskEvent;
            fn evolve(&mut self, _: &AskEvent, _: Timestamp) {}
        }

        pub(crate) struct Bank;

        impl kolo_core::Port for Bank {
            type Request = Asked;
            type Reply = ();
        }

        #[allow(dead_code, reason = "a test may declare another one")]
        fn ask(_: &Asker, added: &Received<Added>) -> Asked {
            let (key, amount) = (added.key.clone(), added.amount);
            Asked { key, amount }
        }

        fn told(_: &Asker, asked: &Asked, (): ()) -> Told {
            let (key, amount) = (asked.key.clone(), asked.amount);
            Told { key, amount }
        }
    };
}
#[allow(unused_imports, reason = "each test takes what it needs")]
pub(crate) use asker;

/// Declares the state of the events that [`counter_events`] declares.
#[allow(unused_macros, reason = "each test takes what it needs")]
macro_rules! counter_state {
    () => {
        #[derive(Debug, Default)]
        pub(crate) struct Counter(i64);

        impl State for Counter {
            type Event = CounterEvent;
            fn evolve(&mut self, event: &CounterEvent, _: Timestamp) {
                let CounterEvent::Counted(event) = event;
                self.0 = event.amount;
            }
        }
    };
}
#[allow(unused_imports, reason = "each test takes what it needs")]
pub(crate) use counter_state;

/// Declares the state and the service of the events that [`counter_events`] declares.
#[allow(unused_macros, reason = "each test takes what it needs")]
macro_rules! counter {
    ($service:literal) => {
        $crate::common::counter_state!();

        fn count(counter: &Counter, added: &Received<Added>) -> Counted {
            Counted {
                key: added.key.clone(),
                amount: counter.0 + added.amount,
            }
        }

        #[allow(dead_code, reason = "a test may declare another one")]
        pub(crate) fn service() -> Service {
            Service::new($service).aggregate(Aggregate::<Counter>::new("counter").on(count))
        }
    };
}
#[allow(unused_imports, reason = "each test takes what it needs")]
pub(crate) use counter;

pub(crate) fn config() -> Config {
    let mut config = Config::new(bootstrap());
    config.partitions = 3;
    config
}

fn client(bootstrap: &str) -> ClientConfig {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", bootstrap);
    client
}

/// Publishes a record as an outside publisher would; `id` is its `ce_id`.
pub(crate) struct Publisher(ThreadedProducer<rdkafka::producer::DefaultProducerContext>);

impl Publisher {
    pub(crate) fn new() -> Self {
        Self::to(bootstrap())
    }

    pub(crate) fn to(bootstrap: &str) -> Self {
        let mut client = client(bootstrap);
        client
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random");
        Publisher(client.create().expect("a producer"))
    }

    pub(crate) fn publish(&self, topic: &str, event_type: &str, id: &str, key: &str, value: &[u8]) {
        let headers = OwnedHeaders::new()
            .insert(Header {
                key: "ce_id",
                value: Some(id),
            })
            .insert(Header {
                key: "ce_type",
                value: Some(event_type),
            });
        let record = BaseRecord::to(topic)
            .key(key)
            .payload(value)
            .headers(headers);
        self.0
            .send(record)
            .map_err(|(error, _)| error)
            .expect("a record is queued");
    }

    /// Writes a record that nobody but a stream's owner should write; `stamp` is its `kolo` header.
    pub(crate) fn intrude(
        &self,
        topic: &str,
        partition: i32,
        event_type: &str,
        stamp: &str,
        value: &str,
    ) {
        let headers = OwnedHeaders::new()
            .insert(Header {
                key: "ce_type",
                value: Some(event_type),
            })
            .insert(Header {
                key: "kolo",
                value: Some(stamp),
            });
        let record = BaseRecord::<str, str>::to(topic)
            .partition(partition)
            .payload(value)
            .headers(headers);
        self.0
            .send(record)
            .map_err(|(error, _)| error)
            .expect("a record is queued");
        self.flush();
    }

    pub(crate) fn flush(&self) {
        self.0
            .flush(Duration::from_secs(20))
            .expect("what was published is acknowledged");
    }
}

/// A record of a topic, as a reader sees it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) event_type: String,
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) valid: bool,
}

/// Everything that a topic holds now, each partition in order, with the verdict of a stream reader.
pub(crate) fn read_all(topic: &str) -> Vec<Seen> {
    read_all_from(bootstrap(), topic)
}

pub(crate) fn read_all_from(bootstrap: &str, topic: &str) -> Vec<Seen> {
    let consumer: BaseConsumer = client(bootstrap)
        .set("group.id", "looks-only")
        .create()
        .expect("a consumer");
    let timeout = Duration::from_secs(20);
    let metadata = consumer
        .fetch_metadata(Some(topic), timeout)
        .expect("metadata");
    let mut list = TopicPartitionList::new();
    let mut ends = std::collections::HashMap::new();
    for partition in metadata.topics()[0].partitions() {
        let (low, high) = consumer
            .fetch_watermarks(topic, partition.id(), timeout)
            .expect("watermarks");
        if high > low {
            list.add_partition_offset(topic, partition.id(), Offset::Beginning)
                .expect("an offset");
            ends.insert(partition.id(), high);
        }
    }
    consumer.assign(&list).expect("an assignment");
    let mut readers = std::collections::HashMap::new();
    let mut seen = Vec::new();
    while !ends.is_empty() {
        let message = consumer
            .poll(timeout)
            .expect("more records in time")
            .expect("a record");
        let text =
            |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
        let mut headers = Headers::default();
        for header in message
            .headers()
            .into_iter()
            .flat_map(|headers| headers.iter())
        {
            headers.take(header.key, header.value);
        }
        let reader = readers
            .entry(message.partition())
            .or_insert_with(StreamReader::from_start);
        let verdict = reader
            .read(message.offset(), &headers)
            .expect("a readable header");
        seen.push(Seen {
            partition: message.partition(),
            offset: message.offset(),
            event_type: headers.event_type.unwrap_or_default().to_owned(),
            id: headers.id.unwrap_or_default().to_owned(),
            key: text(message.key()),
            value: text(message.payload()),
            valid: !matches!(verdict, Verdict::Void(_)),
        });
        if ends
            .get(&message.partition())
            .is_some_and(|end| message.offset() + 1 >= *end)
        {
            ends.remove(&message.partition());
        }
    }
    seen
}

/// Waits until `done` says so; fails the test with `what` when that takes too long.
pub(crate) fn await_that(what: &str, done: impl FnMut() -> bool) {
    await_that_within(Duration::from_secs(60), what, done);
}

pub(crate) fn await_that_within(limit: Duration, what: &str, mut done: impl FnMut() -> bool) {
    let until = Instant::now() + limit;
    while !done() {
        assert!(Instant::now() < until, "waited for {limit:?} until {what}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}
