//! An index tells what a scan tells, whatever has become of topics, schemas and routers in between.

use std::path::Path;

use kolo_core::choreography::Manifest;
use kolo_core::wire::{Source, Stamp};
use kolo_core::{CorrelationId, EventId, Mark, Path as Way, Position, TopicId, partition_of};
use kolo_kafka::Config;
use kolo_kafka::topics::TopicAdmin;
use rdkafka::ClientConfig;
use rdkafka::admin::AdminOptions;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::{Value, json};
use uuid::Uuid;

use super::backup::{Raw, put_to};
use super::common::{Ran, block, create_at, order};
use super::index::{PARTITIONS, Shop, with, writer};
use super::sagas::{lasting, sagas};

const INBOX: &str = "order.lifecycle.inbox";
const CREATED: &str = "shop.order.OrderCreated";
const OPENED: &str = "shop.order.OrderOpened";

const SCHEMAS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas");

/// The order service, but for this: a router copies what comes from outside into its inbox, and nothing ends a saga.
fn routed() -> Manifest {
    let mut manifest = Manifest::from(&order::service());
    for reaction in &mut manifest.aggregates[0].reactions {
        reaction.routed = reaction.event == CREATED;
    }
    for event in &mut manifest.events {
        event.mark = Mark::Step;
    }
    assert_eq!(manifest.aggregates[0].inbox, INBOX);
    manifest
}

impl Shop {
    fn routing() -> Shop {
        let shop = Shop::declaring(&routed());
        create_at(&shop.broker.bootstrap(), &[(INBOX, PARTITIONS)]);
        shop
    }

    fn id_of(&self, topic: &str) -> TopicId {
        let mut config = Config::default();
        config.bootstrap = self.broker.bootstrap();
        let admin = TopicAdmin::new(&config).unwrap();
        admin.describe(&[topic]).unwrap()[topic].id
    }

    /// Orders are placed, and nobody has taken them up.
    fn publish(&self, orders: &[u32]) {
        let placed = orders.iter().map(|&number| Raw {
            partition: partition(number),
            key: Some(order(number).into_bytes()),
            value: Some(b"x".to_vec()),
            ..with(CREATED, &format!("placed-{number}"), None)
        });
        put_to(
            &self.broker.bootstrap(),
            "orders",
            &placed.collect::<Vec<_>>(),
        );
    }

    /// The router's copy of an order that stands at this offset: it says no saga.
    fn copy(&self, number: u32, offset: i64) {
        let stamp = Stamp {
            correlation: None,
            causation: None,
            writer: None,
            source: Source::Copy {
                path: Way::CURRENT_ROUTE,
                topic: self.id_of("orders"),
                partition: partition(number),
                position: Position { offset, copy: 0 },
                after: None,
            },
            index: 1,
            count: 1,
        };
        let id = EventId::foreign(&format!("placed-{number}")).to_string();
        let copy = Raw {
            partition: partition(number),
            key: Some(order(number).into_bytes()),
            value: Some(b"x".to_vec()),
            ..with(CREATED, &id, Some(&stamp))
        };
        put_to(&self.broker.bootstrap(), INBOX, &[copy]);
    }

    /// The router commits that it has passed all before this offset, of the topic of orders with this id.
    fn pass(&self, orders: TopicId, partition: i32, next: i64) {
        let router: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.broker.bootstrap())
            .set("group.id", "order.lifecycle.router")
            .create()
            .unwrap();
        let mut list = TopicPartitionList::new();
        let mut place = list.add_partition("orders", partition);
        place.set_offset(Offset::Offset(next)).unwrap();
        place.set_metadata(json!({"topic": orders.0, "cursor": null}).to_string());
        router.commit(&list, CommitMode::Sync).unwrap();
    }

    /// The service opens an order, under a key that does not tell it.
    fn open_under(&mut self, key: &str, number: u32) {
        let next = &mut self.next[0];
        let stamp = Stamp {
            correlation: Some(CorrelationId::of_saga(&order(number))),
            ..Stamp::own(writer(*next as u64))
        };
        *next += 1;
        let opened = Raw {
            key: Some(key.into()),
            value: Some(b"x".to_vec()),
            ..with(OPENED, &format!("opened-{number}"), Some(&stamp))
        };
        put_to(&self.broker.bootstrap(), "orders.outcome", &[opened]);
    }

    /// Retention deletes all that this topic has.
    fn delete_all_of(&self, topic: &str) {
        let mut ends = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            ends.add_partition_offset(topic, partition, Offset::End)
                .unwrap();
        }
        block(self.admin().delete_records(&ends, &AdminOptions::new())).unwrap();
    }

    /// An order whose value can be read with the sample's schemas.
    fn publish_value(&self, number: u32, customer: &str, currency: &str) {
        let value = json!({"order_id": order(number), "customer_id": customer, "currency": currency,
            "total_cents": 900, "lines": []});
        self.run(&[
            "publish",
            "OrderCreated",
            &value.to_string(),
            "--schemas",
            SCHEMAS,
        ])
        .done();
    }

    /// How many records the index gives back when it reads on.
    fn forgets(&self) -> u64 {
        let index = self.index.path().to_str().unwrap();
        let ran = self.run(&["index", "--once", "--json", "--index", index]);
        let lines = ran.done().lines();
        lines.last().unwrap()["forgotten"].as_u64().unwrap()
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.command(args).output().unwrap().into()
    }

    /// What is told of a saga with the index and without.
    #[track_caller]
    fn explain_alike(&self, asked: &str) -> Value {
        self.explain_alike_with(&[asked]).0
    }

    /// The same with options, and what is said to the person who asks the index.
    #[track_caller]
    fn explain_alike_with(&self, args: &[&str]) -> (Value, String) {
        let index = self.index.path().to_str().unwrap();
        let args = [&["explain", "--json"], args].concat();
        let scanned = self.run(&args).done().json();
        let indexed = self.run(&[&args[..], &["--index", index]].concat()).done();
        let [scanned, told] = [scanned, indexed.json()].map(|mut told| {
            told["read"] = Value::Null;
            // How long it has waited.
            told["verdict"] = Value::Null;
            for wait in told["waits"].as_array_mut().unwrap() {
                wait["text"] = Value::Null;
            }
            told
        });
        assert_eq!(told, scanned);
        (scanned, indexed.err)
    }

    /// All sagas that are not over, with the index and without.
    #[track_caller]
    fn list_alike(&self) -> Value {
        let index = self.index.path().to_str().unwrap();
        let scanned = self.run(&["sagas", "--json"]).done().json();
        let indexed = self.run(&["sagas", "--json", "--index", index]);
        assert_eq!(lasting(&indexed.done().json()), lasting(&scanned));
        scanned
    }
}

fn partition(number: u32) -> i32 {
    partition_of(order(number).as_bytes(), PARTITIONS)
}

/// Two orders of one partition.
fn neighbours() -> [u32; 2] {
    let other = (2..).find(|&other| partition(other) == partition(1));
    [1, other.unwrap()]
}

#[test]
fn a_copy_of_what_came_from_outside_waits_in_its_inbox() {
    let shop = Shop::routing();
    let [one, other] = neighbours();
    shop.publish(&[one, other]);
    let told = shop.explain_alike(&order(one));
    assert_eq!(told["waits"][0]["why"], "unrouted", "{told}");
    // The router has come as far as the other, so nobody waits for the one; and it is over.
    shop.copy(other, 1);
    let list = shop.list_alike();
    assert_eq!(sagas(&list).len(), 1, "{list}");
    assert_eq!(sagas(&list)[0]["name"], order(other));
    let told = shop.explain_alike(&order(other));
    assert_eq!(
        [
            &told["waits"][0]["why"],
            &told["waits"][0]["unread"]["topic"]
        ],
        [&json!("unread"), &json!(INBOX)]
    );
    // Its copy comes late all the same.
    shop.copy(one, 0);
    assert_eq!(sagas(&shop.list_alike()).len(), 2);
    assert_eq!(
        shop.explain_alike(&order(one))["waits"][0]["why"],
        json!("unread")
    );
}

#[test]
fn a_key_leads_to_no_saga_of_a_topic_that_is_gone() {
    let mut shop = Shop::declaring(&Manifest::from(&order::service()));
    shop.open_under("tea", 1);
    shop.open_under("tea", 2);
    let index = shop.index.path().to_str().unwrap();
    let several = shop.run(&["explain", "tea", "--index", index]);
    several.fails(2, &["`tea` is a key of 2 sagas"]);
    shop.create_again();
    shop.open_under("tea", 3);
    let told = shop.explain_alike("tea");
    let saga = CorrelationId::of_saga(&order(3)).to_string();
    assert_eq!(told["saga"], json!(saga));
    // And what is known of the one that is gone is forgotten.
    assert_eq!([shop.forgets(), shop.forgets()], [2, 0]);
    assert_eq!(shop.explain_alike("tea"), told);
}

#[test]
fn nobody_waits_for_a_router_that_has_passed_an_event_without_a_copy() {
    let shop = Shop::routing();
    let [one, other] = neighbours();
    shop.publish(&[one, other]);
    let why = |number: u32| {
        let told = shop.explain_alike(&order(number));
        told["waits"][0]["why"].clone()
    };
    // What it has passed of an earlier topic says nothing.
    shop.pass(TopicId(Uuid::nil()), partition(one), 2);
    assert_eq!(
        [why(one), why(other)],
        [json!("unrouted"), json!("unrouted")]
    );
    assert_eq!(sagas(&shop.list_alike()).len(), 2);
    shop.pass(shop.id_of("orders"), partition(one), 1);
    assert_eq!([why(one), why(other)], [Value::Null, json!("unrouted")]);
    let list = shop.list_alike();
    assert_eq!(sagas(&list).len(), 1, "{list}");
    assert_eq!(sagas(&list)[0]["name"], order(other));
    // The last of its partition.
    shop.pass(shop.id_of("orders"), partition(one), 2);
    assert_eq!(why(other), Value::Null);
    assert_eq!(sagas(&shop.list_alike()).len(), 0);
}

/// The order service, with this field to tell the saga of what comes from outside.
fn told_by(field: &str) -> Manifest {
    let mut manifest = Manifest::from(&order::service());
    let mut events = manifest.events.iter_mut();
    let created = events.find(|event| event.name == CREATED).unwrap();
    created.saga_field = Some(field.to_owned());
    manifest
}

#[test]
fn a_saga_that_another_field_tells_has_its_topic_read_again() {
    let shop = Shop::declaring(&told_by("customer_id"));
    shop.publish_value(1, "me", "EUR");
    let (told, note) = shop.explain_alike_with(&["me", "--schemas", SCHEMAS]);
    assert_eq!(told["events"][0]["key"], order(1));
    assert_eq!(note, "");
    shop.declare(&told_by("currency"));
    let (told, note) = shop.explain_alike_with(&["EUR", "--schemas", SCHEMAS]);
    assert_eq!(told["events"][0]["key"], order(1));
    assert!(
        note.contains("orders is read again: its events, or the fields"),
        "{note}"
    );
}

#[test]
fn schemas_that_come_later_have_what_they_read_in_addition_read_again() {
    let shop = Shop::declaring(&told_by("customer_id"));
    shop.publish_value(1, "me", "EUR");
    let index = shop.index.path().to_str().unwrap();
    let read = |more: &[&str]| {
        let once = ["index", "--once", "--json", "--index", index];
        shop.run(&[&once, more].concat()).done()
    };
    // Schemas, but none of this event.
    let others = tempfile::tempdir().unwrap();
    let line = "avro/order/OrderLine.avsc";
    std::fs::create_dir_all(others.path().join("avro/order")).unwrap();
    std::fs::copy(Path::new(SCHEMAS).join(line), others.path().join(line)).unwrap();
    read(&["--schemas", others.path().to_str().unwrap()]);
    let again = "orders is read again: the sagas of some of its events";
    let (told, note) = shop.explain_alike_with(&["me", "--schemas", SCHEMAS]);
    assert_eq!(told["events"][0]["key"], order(1));
    assert!(note.contains(again), "{note}");
    // What is read is there without schemas; what is written later is not, until they are given again.
    shop.publish_value(2, "you", "EUR");
    assert!(!read(&[]).err.contains("read again"));
    let known = shop.run(&["explain", "me", "--json", "--index", index]);
    assert_eq!(known.done().json()["events"], told["events"]);
    let (told, note) = shop.explain_alike_with(&["you", "--schemas", SCHEMAS]);
    assert_eq!(told["events"][0]["key"], order(2));
    assert!(note.contains(again), "{note}");
    // Once.
    let idle = read(&["--schemas", SCHEMAS]);
    assert_eq!(
        (idle.lines().last().unwrap()["read"].clone(), &*idle.err),
        (json!(0), "")
    );
}

#[test]
fn what_retention_has_deleted_is_told_no_more_and_gives_its_place_back() {
    const ORDERS: u32 = 20_000;
    let mut shop = Shop::declaring(&Manifest::from(&order::service()));
    shop.place(0..10);
    shop.publish(&(10..ORDERS).collect::<Vec<_>>());
    let index = shop.index.path().to_str().unwrap();
    assert_eq!(shop.forgets(), 0);
    let before = size(shop.index.path());
    shop.delete_all_of("orders");
    let are_gone = || {
        // By the saga and by an event's id.
        for gone in [&*order(11), "placed-11", "placed-3"] {
            for more in [&[][..], &["--index", index]] {
                let ran = shop.run(&[&["explain", gone], more].concat());
                ran.fails(1, &["no saga, event or key", gone]);
            }
        }
        let told = shop.explain_alike(&order(3));
        assert_eq!(told["events"].as_array().unwrap().len(), 1, "{told}");
        shop.explain_alike("opened-3");
        assert_eq!(sagas(&shop.list_alike()).len(), 10);
    };
    are_gone();
    assert_eq!(shop.forgets(), u64::from(ORDERS));
    let after = size(shop.index.path());
    assert!(after < before / 4, "{before} bytes, then {after}");
    assert_eq!(shop.forgets(), 0);
    are_gone();
}

#[test]
fn a_key_whose_records_retention_has_deleted_leads_nowhere() {
    let shop = Shop::declaring(&told_by("customer_id"));
    let index = shop.index.path().to_str().unwrap();
    shop.publish_value(1, "me", "EUR");
    shop.explain_alike_with(&[&order(1), "--schemas", SCHEMAS]);
    shop.delete_all_of("orders");
    shop.publish_value(2, "me", "EUR");
    for _ in 0..2 {
        let (told, _) = shop.explain_alike_with(&["me", "--schemas", SCHEMAS]);
        assert_eq!(told["events"].as_array().unwrap().len(), 1);
        let gone = &["explain", &order(1), "--index", index, "--schemas", SCHEMAS];
        shop.run(gone).fails(1, &["no saga, event or key"]);
        shop.run(&["index", "--once", "--index", index, "--schemas", SCHEMAS])
            .done();
    }
}

/// How many bytes the files of a folder have.
fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let sizes = entries.map(|entry| match entry.file_type().unwrap().is_dir() {
        true => size(&entry.path()),
        false => entry.metadata().unwrap().len(),
    });
    sizes.sum()
}
