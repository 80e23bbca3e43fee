//! `kolo index`: killed at any moment it loses and doubles nothing; what does not fit any more is built again or refused.

use std::path::Path;
use std::process::Command;

use kolo_broker::Broker;
use kolo_core::choreography::Manifest;
use kolo_core::wire::{FENCE, Fence, Source, Stamp, Writer};
use kolo_core::{CorrelationId, EventId, Origin, Path as Way, Position, TopicId, partition_of};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use serde_json::Value;
use uuid::Uuid;

use super::backup::{Raw, Running, put_to};
use super::common::{Ran, block, create_at, kolo, order};

pub(super) const PARTITIONS: i32 = 2;

/// A broker with the order service's topics and manifest, and an index beside it.
pub(super) struct Shop {
    pub(super) broker: Broker,
    pub(super) index: tempfile::TempDir,
    /// The next offset, and number, of each partition of the stream.
    pub(super) next: Vec<i64>,
}

impl Shop {
    fn open() -> Shop {
        Shop::declaring(&Manifest::from(&order::service()))
    }

    /// Where the order service declares this.
    pub(super) fn declaring(manifest: &Manifest) -> Shop {
        let broker = Broker::builder().auto_create_topics(false);
        let broker = broker.start_blocking().unwrap();
        let at = broker.bootstrap();
        create_at(&at, &[("kolo.manifests", 1)]);
        let shop = Shop {
            broker,
            index: tempfile::tempdir().unwrap(),
            next: vec![1; PARTITIONS as usize],
        };
        shop.declare(manifest);
        shop.create();
        shop
    }

    pub(super) fn declare(&self, manifest: &Manifest) {
        let declared = Raw {
            key: Some(manifest.service.clone().into_bytes()),
            value: Some(manifest.to_json().into_bytes()),
            ..Raw::default()
        };
        put_to(&self.broker.bootstrap(), "kolo.manifests", &[declared]);
    }

    /// The topics, with a fence in each partition of the stream.
    pub(super) fn create(&self) {
        let at = self.broker.bootstrap();
        create_at(
            &at,
            &[("orders", PARTITIONS), ("orders.outcome", PARTITIONS)],
        );
        let fence = Fence {
            service: "order".into(),
            aggregate: "lifecycle".into(),
            partitions: PARTITIONS,
            version: 1,
            origins: vec![Origin {
                path: Way::Direct,
                id: TopicId(Uuid::from_u128(1)),
                topic: "orders".into(),
            }],
        };
        let fences = (0..PARTITIONS).map(|partition| Raw {
            partition,
            value: Some(serde_json::to_vec(&fence).unwrap()),
            ..with(FENCE, "fence", Some(&Stamp::own(writer(0))))
        });
        put_to(&at, "orders.outcome", &fences.collect::<Vec<_>>());
    }

    pub(super) fn create_again(&mut self) {
        let topics = &["orders", "orders.outcome"];
        let deleted = self.admin().delete_topics(topics, &AdminOptions::new());
        for deleted in block(deleted).unwrap() {
            deleted.unwrap();
        }
        self.create();
        self.next = vec![1; PARTITIONS as usize];
    }

    pub(super) fn admin(&self) -> AdminClient<DefaultClientContext> {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", self.broker.bootstrap());
        client.create().unwrap()
    }

    /// Each order is placed and opened: one record in each topic.
    pub(super) fn place(&mut self, orders: std::ops::Range<u32>) {
        let (mut placed, mut opened) = (Vec::new(), Vec::new());
        for number in orders {
            let id = order(number);
            let partition = partition_of(id.as_bytes(), PARTITIONS);
            let key = Some(id.clone().into_bytes());
            let next = &mut self.next[partition as usize];
            let stamp = Stamp {
                correlation: Some(CorrelationId::of_saga(&id)),
                causation: Some(EventId::foreign(&format!("placed-{number}"))),
                source: Source::Input {
                    origin: 0,
                    partition,
                    position: Position::direct(*next - 1),
                },
                ..Stamp::own(writer(*next as u64))
            };
            *next += 1;
            let record = |event, id: String, stamp: Option<&Stamp>| Raw {
                partition,
                key: key.clone(),
                value: Some(b"x".to_vec()),
                ..with(event, &id, stamp)
            };
            placed.push(record(
                "shop.order.OrderCreated",
                format!("placed-{number}"),
                None,
            ));
            opened.push(record(
                "shop.order.OrderOpened",
                format!("opened-{number}"),
                Some(&stamp),
            ));
        }
        put_to(&self.broker.bootstrap(), "orders", &placed);
        put_to(&self.broker.bootstrap(), "orders.outcome", &opened);
    }

    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = kolo(args);
        command.env("KOLO_BOOTSTRAP", self.broker.bootstrap());
        command
    }

    fn index(&self, folder: &Path, more: &[&str]) -> Command {
        let mut command = self.command(&["index", "--json", "--index", folder.to_str().unwrap()]);
        command.args(more);
        command
    }

    /// What is told of an order, without what was read for it.
    pub(super) fn explain(&self, asked: &str, folder: Option<&Path>) -> Value {
        let mut command = self.command(&["explain", asked, "--json"]);
        if let Some(folder) = folder {
            command.env("KOLO_INDEX", folder);
        }
        let mut told = Ran::from(command.output().unwrap()).done().json();
        for of in ["read", "verdict", "waits"] {
            told[of] = Value::Null;
        }
        told
    }
}

pub(super) fn writer(number: u64) -> Writer {
    Writer {
        epoch: (number > 0).then_some(0),
        nonce: 7,
        number,
    }
}

pub(super) fn with(event: &str, id: &str, stamp: Option<&Stamp>) -> Raw {
    let mut headers = vec![
        ("ce_id".to_owned(), Some(id.as_bytes().to_vec())),
        ("ce_type".to_owned(), Some(event.as_bytes().to_vec())),
    ];
    headers.extend(stamp.map(|stamp| ("kolo".to_owned(), Some(stamp.to_string().into_bytes()))));
    Raw {
        headers,
        ..Raw::default()
    }
}

#[test]
fn killed_again_and_again_it_ends_as_one_that_was_not() {
    const ORDERS: u32 = 25_000;
    let mut shop = Shop::open();
    shop.place(0..ORDERS);
    let mut kills = 0;
    let whole = loop {
        let mut running = Running::start(shop.index(shop.index.path(), &["--once"]));
        let line = running.line().unwrap();
        // The first line follows the first write; there is more to read.
        if line["read"].as_u64() < line["of"].as_u64() {
            running.kill();
            kills += 1;
            continue;
        }
        let last = std::iter::from_fn(|| running.line()).last();
        running.ended().done();
        break last.unwrap_or(line);
    };
    assert!(kills > 2, "it was killed {kills} times");
    assert_eq!(whole["records"], 2 * u64::from(ORDERS) + PARTITIONS as u64);
    assert_eq!(whole["is_whole"], true);

    let fresh = tempfile::tempdir().unwrap();
    let built = shop.index(fresh.path(), &["--once"]).output().unwrap();
    let built = Ran::from(built).done().lines();
    assert_eq!(built.last().unwrap()["records"], whole["records"]);
    for number in (0..ORDERS).step_by(2_503) {
        let id = order(number);
        let told = shop.explain(&id, Some(shop.index.path()));
        assert_eq!(told["events"].as_array().unwrap().len(), 2, "{told}");
        assert_eq!(told, shop.explain(&id, Some(fresh.path())));
        // By the id of an event, and not by the saga.
        let opened = format!("opened-{number}");
        let same = shop.explain(&opened, Some(shop.index.path()));
        assert_eq!(told["events"], same["events"]);
    }
    let id = order(ORDERS / 2);
    assert_eq!(
        shop.explain(&id, Some(fresh.path())),
        shop.explain(&id, None)
    );
}

#[test]
fn a_follower_reads_on_while_others_ask_until_it_is_told_to_end() {
    let mut shop = Shop::open();
    shop.place(0..10);
    let mut follower = Running::start(shop.index(shop.index.path(), &[]));
    let mut until = |records: u64| {
        while follower.line().unwrap()["records"] != records {}
    };
    until(22);
    shop.explain(&order(3), Some(shop.index.path()));
    shop.place(10..20);
    until(42);
    shop.explain(&order(13), Some(shop.index.path()));
    let ended = follower.signal("-TERM");
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn a_topic_that_was_created_again_is_read_again() {
    let mut shop = Shop::open();
    shop.place(0..10);
    let before = shop.explain(&order(3), Some(shop.index.path()));
    assert_eq!(before["events"].as_array().unwrap().len(), 2);
    shop.create_again();
    shop.place(5..30);
    for number in [5, 9, 29] {
        let told = shop.explain(&order(number), Some(shop.index.path()));
        assert_eq!(told, shop.explain(&order(number), None));
        assert_eq!(told["events"].as_array().unwrap().len(), 2);
    }
    let gone = order(3);
    let mut command = shop.command(&["explain", &gone, "--index"]);
    let ran = command.arg(shop.index.path()).output().unwrap();
    Ran::from(ran).fails(1, &["no saga, event or key", &gone]);
}

#[test]
fn an_index_of_another_cluster_or_of_another_layout_is_not_believed() {
    let mut shop = Shop::open();
    shop.place(0..10);
    let told = shop.explain(&order(3), Some(shop.index.path()));
    let other = Shop::open();
    let mut command = other.command(&["explain", &order(3), "--index"]);
    let refused = command.arg(shop.index.path()).output().unwrap();
    Ran::from(refused).fails(2, &["is the index of another cluster"]);

    let mark = shop.index.path().join("index.json");
    let text = std::fs::read_to_string(&mark).unwrap();
    std::fs::write(&mark, text.replace(r#""layout":2"#, r#""layout":0"#)).unwrap();
    let built = shop.index(shop.index.path(), &["--once"]).output().unwrap();
    let built = Ran::from(built).done();
    assert!(built.err.contains("it is built again"), "{}", built.err);
    assert_eq!(built.lines().last().unwrap()["read"], 22);
    assert_eq!(shop.explain(&order(3), Some(shop.index.path())), told);
}
