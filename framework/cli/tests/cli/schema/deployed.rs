//! The gate: builds that run side by side.

use kolo_broker::Broker;
use kolo_core::choreography::Manifest;
use kolo_kafka::manifests::TOPIC;

use super::{Shop, has, manifests};
use crate::backup::{Raw, put_to};
use crate::common::{create_at, run};

/// A build that was made before the newest version of an event was published.
fn before(mut build: Manifest, event: &str) -> Manifest {
    let known = build.events.iter_mut().find(|known| known.name == event);
    let known = known.unwrap();
    assert!(known.versions.len() > 1, "{event} has one version");
    known.versions.remove(0);
    build
}

#[test]
fn a_build_from_before_a_version_cannot_read_it() {
    let shop = Shop::new();
    let [order, inventory, _] = manifests();
    shop.manifest(
        "inventory.json",
        &before(inventory, "shop.order.OrderCreated"),
    );
    // It comes from outside, so nobody who runs writes it: what is published next is what matters.
    let ran = shop.with_services(&["check"]).done();
    has(
        &ran.out,
        &[
            "note[deploy-order]: what runs of `inventory.reservation` (`open`, services/inventory/src/reservation.rs:",
            "the version 629d993cb54bfe92 was not published to its build",
            "next: deploy the readers first: `inventory`; then what publishes from outside",
        ],
    );
    shop.manifest("order-41.json", &before(order, "shop.order.OrderOpened"));
    let ran = shop.schema(&["check", "order-41.json", "order.json"]);
    ran.fails(1, &["1 finding"]);
    has(
        &ran.out,
        &[
            "error[schemas-incompatible]: `order` (build 1 of 2) cannot read `OrderOpened` as `order` (build 2 of 2) writes it",
            "a process that takes over a partition with such a record cannot restore it, and stops (written by order.lifecycle `open` (services/order/src/lib.rs:",
        ],
    );
    let json = shop
        .schema(&["check", "order-41.json", "order.json", "--json"])
        .json();
    assert_eq!(
        json["findings"][0]["code"], "schemas-incompatible",
        "{json}"
    );
}

#[test]
fn a_reader_and_a_writer_that_run_side_by_side_are_named_with_their_places() {
    let shop = Shop::new();
    let [.., mut payment] = manifests();
    let event = "shop.payment.PaymentFailed";
    let mut known = payment.events.iter_mut();
    let failed = known.find(|known| known.name == event).unwrap();
    failed.versions.insert(0, "00000000000000ff".to_owned());
    shop.manifest("payment.json", &payment);
    let ran = shop.with_services(&["check"]);
    ran.fails(1, &["2 findings"]);
    has(
        &ran.out,
        &[
            "error[schemas-incompatible]: `inventory` cannot read `PaymentFailed` as `payment` writes it: the version 00000000000000ff was not published to its build",
            "(written by payment.payment `charged` (services/payment/src/lib.rs:",
            "\n  at release_unpaid (services/inventory/src/reservation.rs:",
            "next: deploy the readers first: build `inventory` with that version published to it; then `payment`",
            "error[schemas-incompatible]: `order` cannot read `PaymentFailed`",
        ],
    );
    // One place: the check of all services has the same rule.
    let manifests = ["order.json", "inventory.json", "payment.json"].map(|name| shop.path(name));
    let args: Vec<&str> = manifests
        .iter()
        .map(|path| path.to_str().unwrap())
        .collect();
    let ran = run(&[&["check"], args.as_slice()].concat());
    has(
        &ran.out,
        &[
            "error[schemas-incompatible]: the service `inventory` cannot read `PaymentFailed` as `payment` writes it: the version 00000000000000ff",
        ],
    );
}

#[test]
fn a_manifest_of_an_older_kolo_tells_no_versions_and_is_taken() {
    let shop = Shop::new();
    let [mut order, ..] = manifests();
    let text = order.to_json();
    assert!(
        text.contains("\"versions\""),
        "the sample's builds tell their versions"
    );
    order
        .events
        .iter_mut()
        .for_each(|event| event.versions.clear());
    assert!(!order.to_json().contains("\"versions\""));
    shop.manifest("order.json", &order);
    shop.with_services(&["check"]).done();
}

#[test]
fn what_services_have_published_is_read_where_brokers_are_named() {
    let broker = Broker::builder()
        .auto_create_topics(false)
        .start_blocking()
        .unwrap();
    let at = broker.bootstrap();
    create_at(&at, &[(TOPIC, 1)]);
    let records = manifests().map(|manifest| Raw {
        partition: 0,
        millis: 1_700_000_000_000,
        key: Some(manifest.service.clone().into()),
        value: Some(manifest.to_json().into()),
        headers: vec![],
    });
    put_to(&at, TOPIC, &records);
    let shop = Shop::new();
    let ran = shop.schema(&["check", "--bootstrap", &at]).done();
    has(&ran.out, &["22 events and 3 builds: 0 errors"]);
    let ran = shop
        .schema(&["diff", "OrderCreated", "--from", "1", "--bootstrap", &at])
        .done();
    has(&ran.out, &["read by inventory.reservation `open`"]);
    // Named in the environment alone they are not asked: the folder says enough.
    let ran = shop.schema(&["list"]).done();
    assert!(!ran.out.contains("readers"), "{}", ran.out);
    run(&["schema", "list", "--bootstrap", "127.0.0.1:1"]).fails(2, &["is no folder"]);
}

/// With a registry, a build that resolves reads what Avro's rules make readable.
#[test]
fn with_a_registry_builds_resolve_and_any_order_is_safe() {
    let shop = Shop::new();
    let [_, inventory, _] = manifests();
    assert!(inventory.events.iter().all(|event| event.resolves));
    let inventory = before(inventory, "shop.order.OrderCreated");
    shop.manifest("inventory.json", &inventory);
    let registry = ["--registry", "http://127.0.0.1:1", "--offline"];
    let ran = shop
        .with_services(&[&["check"], registry.as_slice()].concat())
        .done();
    assert!(!ran.out.contains("deploy"), "{}", ran.out);
    let ran = shop.with_services(&["diff", "OrderCreated", "--from", "1"]);
    has(
        &ran.done().out,
        &["its build resolves the working schema by way of a schema registry"],
    );
    // An older kolo's build does not say that it resolves.
    let mut older = inventory;
    older
        .events
        .iter_mut()
        .for_each(|event| event.resolves = false);
    shop.manifest("inventory.json", &older);
    let ran = shop
        .with_services(&[&["check"], registry.as_slice()].concat())
        .done();
    has(
        &ran.out,
        &[
            "note[deploy-order]",
            "the build is of a kolo that does not resolve",
        ],
    );
}
