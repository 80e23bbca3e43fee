//! Which records count.

use kolo::wire::{Stamp, Writer};
use kolo::{Event, EventId};
use shop::audit::{Books, Place, Record, Topic};
use shop_schemas::inventory::{StockAdded, StockReceived};
use shop_schemas::order::{CancelRequested, OrderCancelled, OrderCreated};
use uuid::Uuid;

use crate::hand::{RUN, Shop, created, encoded, movement, one, order, sku};

#[test]
fn void_records_count_for_nothing() {
    let mut shop = Shop::open();
    shop.confirmed(1);
    let wish = shop.publish(&CancelRequested { order_id: order(1) });
    let end = OrderCancelled {
        order_id: order(1),
        reason: "a zombie".into(),
    };
    // Out of its turn, resent, or without a header at all.
    shop.emit_numbered(&end, Uuid::from_u128(7), Some(wish), 9);
    shop.emit_numbered(&end, Uuid::from_u128(7), Some(wish), 1);
    shop.publish_as(&end, Uuid::from_u128(7));
    assert_eq!(shop.violations(), []);
    assert_eq!(shop.books.void(), 3);
    // In its turn it counts.
    shop.emit(&end, wish);
    assert!(!shop.report().is_clean());
}

#[test]
fn a_stream_without_an_owner_holds_nothing() {
    let mut shop = Shop::unfenced(None);
    let receipt = shop.publish(&StockReceived {
        sku: sku(),
        quantity: 10,
    });
    shop.emit(
        &StockAdded {
            sku: sku(),
            quantity: 10,
        },
        receipt,
    );
    assert_eq!(
        shop.violations(),
        one(
            "stock",
            format!(
                "{}: received 10, but 0 in stock and 0 held by confirmed orders make 0",
                sku()
            )
        )
    );
}

#[test]
fn another_run_is_not_looked_at() {
    for (scope, clean) in [(None, false), (Some(RUN), false), (Some("0000002b"), true)] {
        let mut shop = Shop::unfenced(scope);
        shop.publish(&created(1));
        shop.publish(&StockReceived {
            sku: sku(),
            quantity: 10,
        });
        shop.ledger.charges.push(movement(1, Uuid::from_u128(7), 5));
        let report = shop.report();
        assert_eq!(
            (report.is_clean(), report.orders == 0),
            (clean, clean),
            "{scope:?}"
        );
    }
}

#[test]
fn a_fact_from_outside_may_have_a_foreign_id_or_none() {
    let mut shop = Shop::open();
    let (key, value) = encoded(&CancelRequested { order_id: order(1) });
    let event_type = Some(CancelRequested::TYPE.name);
    let record = Record {
        key: Some(&key),
        value: &value,
        id: Some("wish 1"),
        event_type,
        ..Record::default()
    };
    shop.append(Topic::Orders, &record);
    shop.emit(
        &OrderCancelled {
            order_id: order(1),
            reason: "no".into(),
        },
        EventId::foreign("wish 1").0,
    );
    assert_eq!(shop.violations(), []);

    // Without any, the id is made of the record's place and the topic's id, which a fence tells.
    let topic = Uuid::from_u128(0xabc);
    let (key, value) = encoded(&CancelRequested { order_id: order(2) });
    let offset = shop.append(
        Topic::Orders,
        &Record {
            key: Some(&key),
            value: &value,
            event_type,
            ..Record::default()
        },
    );
    let cause = EventId::of_place(kolo::TopicId(topic), 0, offset).0;
    shop.emit(
        &OrderCancelled {
            order_id: order(2),
            reason: "no".into(),
        },
        cause,
    );
    assert_eq!(shop.violations().len(), 1);
    let fence = kolo::wire::Fence {
        service: "order".into(),
        aggregate: "lifecycle".into(),
        partitions: 1,
        version: 1,
        origins: vec![kolo::Origin {
            path: kolo::Path::Direct,
            id: kolo::TopicId(topic),
            topic: "orders".into(),
        }],
    };
    let stamp = Stamp::own(Writer {
        epoch: None,
        nonce: 1,
        number: 0,
    })
    .to_string();
    let value = serde_json::to_vec(&fence).unwrap();
    shop.append(
        Topic::Outcome,
        &Record {
            value: &value,
            event_type: Some("kolo.fence"),
            kolo: Some(&stamp),
            ..Record::default()
        },
    );
    assert_eq!(shop.violations(), []);
}

#[test]
fn a_record_that_cannot_be_read_ends_the_audit_with_its_place() {
    let mut books = Books::new(None);
    let place = Place {
        topic: Topic::Orders,
        partition: 3,
        offset: 17,
    };
    let key = order(1).to_string();
    let record = Record {
        key: Some(&key),
        value: b"hello",
        event_type: Some(OrderCreated::TYPE.name),
        ..Record::default()
    };
    let error = books.take(place, &record).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!(
            "orders partition 3 offset 17, key {key}: shop.order.OrderCreated: "
        )),
        "{error}"
    );
    let error = books
        .take(
            place,
            &Record {
                event_type: None,
                ..record
            },
        )
        .unwrap_err()
        .to_string();
    assert!(error.contains("ce_type"), "{error}");
    // What is not looked at may be what it likes.
    assert_eq!(
        Books::new(Some("0000002b".into())).take(place, &record),
        Ok(())
    );
}
