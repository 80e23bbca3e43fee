//! Changes that break a reader, planted into the sample's schemas: each is found, with the reader and what to do.

use super::{Shop, has};

const REASON: &str = "The gateway's words.";

#[test]
fn a_field_that_a_consumer_reads_is_removed() {
    let shop = Shop::new();
    let field = r#"    {"name": "currency", "type": "string", "doc": "ISO 4217 code of all amounts, such as `EUR`."},
"#;
    shop.change("order/OrderCreated", field, "");
    let ran = shop.with_services(&["check"]);
    ran.fails(1, &["2 findings", "docs/schemas.md"]);
    has(
        &ran.out,
        &[
            "error[unreadable-by-older]: schemas/avro/order/OrderCreated.avsc: OrderCreated.currency: ",
            "it has no \"default\" (READER_FIELD_MISSING_DEFAULT_VALUE)",
            "published version 2 (schemas/published/order/OrderCreated/2.avsc)",
            "  read by inventory.reservation `open` (services/inventory/src/reservation.rs:",
            "  read by order.lifecycle `open` (services/order/src/lib.rs:",
            "  next: keep the field",
            "changed shop.order.OrderCreated: not published",
        ],
    );
}

#[test]
fn a_symbol_of_an_enum_is_renamed() {
    let shop = Shop::new();
    let field = |symbol: &str| {
        format!(
            r#"{{"name": "kind", "type": {{"type": "enum", "name": "FailureKind", "symbols": ["REFUSED", "{symbol}"]}}, "default": "REFUSED", "doc": "Of which kind."}}"#
        )
    };
    shop.add("payment/PaymentFailed", REASON, &field("LOST"));
    shop.with_services(&["check"]).done();
    shop.schema(&["publish", "PaymentFailed"]).done();
    shop.change("payment/PaymentFailed", "LOST", "GONE");
    let ran = shop.with_services(&["check"]);
    ran.fails(1, &["2 findings"]);
    has(
        &ran.out,
        &[
            "error[unreadable-log]: schemas/avro/payment/PaymentFailed.avsc: PaymentFailed.kind: the reader's enum does not know LOST",
            "error[unreadable-by-older]: schemas/avro/payment/PaymentFailed.avsc: PaymentFailed.kind: the reader's enum does not know GONE",
            "  read by order.lifecycle `",
            "  read by inventory.reservation `",
            "  next: keep the symbol: a symbol that is renamed is one removed and one added",
        ],
    );
}

#[test]
fn a_union_is_narrowed() {
    let shop = Shop::new();
    let (wide, narrow) = (
        r#""type": ["null", "int"], "default": null"#,
        r#""type": "int", "default": 900"#,
    );
    shop.change("order/OrderCreated", wide, narrow);
    let ran = shop.with_services(&["check"]);
    ran.fails(1, &["1 finding"]);
    has(
        &ran.out,
        &[
            "error[unreadable-log]: ",
            "OrderCreated.answer_within_seconds: the writer's null cannot be read as int (TYPE_MISMATCH); records written with the published version 2",
            "  read by order.lifecycle `open` (services/order/src/lib.rs:",
            "  next: keep the type, or make it wider",
        ],
    );
}

#[test]
fn an_event_is_taken_away() {
    let shop = Shop::new();
    std::fs::remove_file(shop.path("schemas/avro/payment/PaymentFailed.avsc")).unwrap();
    let ran = shop.with_services(&["check"]);
    ran.fails(1, &["1 finding"]);
    has(
        &ran.out,
        &[
            "error[event-gone]: ",
            "`shop.payment.PaymentFailed` was published",
            "  read by order.lifecycle `",
        ],
    );
}

#[test]
fn a_field_with_a_default_passes_and_the_order_of_deploying_is_told() {
    let shop = Shop::new();
    shop.add(
        "payment/PaymentFailed",
        REASON,
        r#"{"name": "tries", "type": "int", "default": 1, "doc": "How often it was tried."}"#,
    );
    let ran = shop.with_services(&["check"]).done();
    has(
        &ran.out,
        &[
            "note[deploy-order]: what runs of ",
            "cannot read the next version of `PaymentFailed` (written by payment.payment `",
            "changed shop.payment.PaymentFailed: not published; `kolo schema publish PaymentFailed` makes it version 2",
            "deploy in this order: 1. inventory, order; 2. payment\n",
            "22 events and 3 builds: 0 errors, 1 not published\n",
        ],
    );
}
