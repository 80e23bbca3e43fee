//! What other tools rely on: names, topics, keys and fields of the events.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use kolo_avro::dynamic::SchemaSet;
use kolo_core::{Event, Key, OwnEvents};
use shop_schemas::inventory::{ReservationEvent, StockEvent, StockShort, StockTaken};
use shop_schemas::order::{OrderCreated, OrderEvent, OrderLine};
use shop_schemas::payment::PaymentEvent;
use shop_schemas::{CustomerId, OrderId, Sku};

/// Topic, key, event, and whether it is public.
#[test]
fn events_are_where_they_are_looked_for() {
    let set = SchemaSet::load(env!("CARGO_MANIFEST_DIR")).unwrap();
    let mut found: Vec<String> = set
        .events()
        .map(|event| {
            let private = if event.is_public() { "" } else { " private" };
            let saga = event.saga_field().unwrap_or("-");
            format!(
                "{} {} {saga} {}{private}",
                event.topic(),
                event.key_field(),
                event.name()
            )
        })
        .collect();
    found.sort();
    assert_eq!(
        found,
        [
            "inventory order_id order_id shop.inventory.InventoryRejected",
            "inventory order_id order_id shop.inventory.InventoryReleased",
            "inventory order_id order_id shop.inventory.InventoryReserved",
            "inventory order_id order_id shop.inventory.LineHeld private",
            "inventory order_id order_id shop.inventory.LineMissing private",
            "inventory order_id order_id shop.inventory.ReservationOpened private",
            "inventory order_id order_id shop.inventory.ReturnRequested private",
            "inventory.stock sku - shop.inventory.StockAdded",
            "inventory.stock sku order_id shop.inventory.StockReturned",
            "inventory.stock sku order_id shop.inventory.StockShort",
            "inventory.stock sku order_id shop.inventory.StockTaken",
            "orders order_id order_id shop.order.CancelRequested",
            "orders order_id order_id shop.order.OrderCreated",
            "orders.outcome order_id order_id shop.order.OrderCancelled",
            "orders.outcome order_id order_id shop.order.OrderConfirmed",
            "orders.outcome order_id order_id shop.order.OrderOpened private",
            "payments order_id order_id shop.payment.PaymentAuthorized",
            "payments order_id order_id shop.payment.PaymentFailed",
            "payments order_id order_id shop.payment.PaymentRefunded",
            "payments order_id order_id shop.payment.PaymentRequested",
            "payments order_id order_id shop.payment.RefundRequested",
            "stock-receipts sku - shop.inventory.StockReceived",
        ]
    );
}

/// A schema that is not published can be written, and never be read again after its next change.
#[test]
fn every_schema_is_published_as_it_stands() {
    let package = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let generator =
        kolo_avro::Generator::new(package.join("avro")).published(package.join("published"));
    assert_eq!(
        generator.full_compatibility().code().unwrap().unpublished,
        Vec::<String>::new()
    );
}

#[test]
fn json_of_an_order_is_the_typed_order() {
    let id = "0192d3a0-1111-7000-8000-000000004711";
    let json = serde_json::json!({
        "order_id": id, "customer_id": "ada", "currency": "EUR", "total_cents": 2500,
        "lines": [{"sku": "mug", "quantity": 2, "unit_price_cents": 1250}],
    });
    let set = SchemaSet::load(env!("CARGO_MANIFEST_DIR")).unwrap();
    let encoded = set.event("OrderCreated").unwrap().encode(&json).unwrap();
    assert_eq!(
        (
            encoded.topic.as_str(),
            encoded.key.as_str(),
            encoded.saga.as_deref()
        ),
        ("orders", id, Some(id))
    );
    let order = OrderCreated {
        order_id: OrderId(id.parse().unwrap()),
        customer_id: CustomerId::from("ada"),
        lines: vec![OrderLine {
            sku: Sku::from("mug"),
            quantity: 2,
            unit_price_cents: 1250,
        }],
        currency: "EUR".to_owned(),
        total_cents: 2500,
        answer_within_seconds: None,
    };
    assert_eq!(OrderCreated::decode(&encoded.value), Ok(order.clone()));
    assert_eq!(order.key().text(), id);
    assert_eq!(order.saga().as_deref(), Some(id));
}

#[test]
fn streams_hold_their_own_events() {
    assert_eq!(ReservationEvent::STREAM, "inventory");
    assert_eq!(StockEvent::STREAM, "inventory.stock");
    assert_eq!(PaymentEvent::STREAM, "payments");
    assert_eq!(OrderEvent::STREAM, "orders.outcome");
    let sizes = [
        ReservationEvent::TYPES,
        StockEvent::TYPES,
        PaymentEvent::TYPES,
        OrderEvent::TYPES,
    ]
    .map(<[_]>::len);
    assert_eq!(sizes, [7, 4, 5, 3]);

    let taken = StockTaken {
        order_id: OrderId(uuid()),
        sku: Sku::from("mug"),
        quantity: 2,
    };
    let event = StockEvent::from(taken.clone());
    let mut value = Vec::new();
    event.encode(&mut value);
    assert_eq!(
        StockEvent::decode("shop.inventory.StockTaken", &value),
        Some(Ok(event.clone()))
    );
    assert_eq!(event.key(), &Sku::from("mug"));
    assert_eq!(kolo_core::Owns::<StockTaken>::get(&event), Some(&taken));
    assert_eq!(kolo_core::Owns::<StockShort>::get(&event), None);
}

fn uuid() -> kolo_avro::uuid::Uuid {
    kolo_avro::uuid::Uuid::from_u128(0x4711)
}
