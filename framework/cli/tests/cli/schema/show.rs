//! `kolo schema list` and `show`.

use super::{Shop, has};

#[test]
fn the_list_has_each_event_with_its_state_and_its_readers() {
    let shop = Shop::new();
    shop.change(
        "order/OrderConfirmed",
        "\n  ]",
        ",\n    {\"name\": \"note\", \"type\": \"string\", \"default\": \"\"}\n  ]",
    );
    let ran = shop.with_services(&["list"]).done();
    let row = |event: &str| -> Vec<String> {
        let line = ran
            .out
            .lines()
            .find(|line| line.starts_with(event))
            .unwrap();
        line.split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(
        row("event"),
        ["event", "version", "state", "topic", "owner", "readers"]
    );
    assert_eq!(
        row("OrderCreated"),
        ["OrderCreated", "2", "published", "orders", "order", "2"]
    );
    assert_eq!(row("OrderConfirmed")[1..3], ["1", "changed"]);
    assert_eq!(ran.out.lines().count(), 23);

    let json = shop.with_services(&["list", "--json"]).json();
    let rows = json.as_array().unwrap();
    let created = rows
        .iter()
        .find(|row| row["event"] == "shop.order.OrderCreated")
        .unwrap();
    assert_eq!(
        created["readers"],
        serde_json::json!(["inventory.reservation", "order.lifecycle"])
    );
    assert!(shop.schema(&["list", "--json"]).json()[0]["readers"].is_null());
}

#[test]
fn an_event_is_shown_with_what_it_leads_to() {
    let shop = Shop::new();
    let ran = shop.schema(&["show", "OrderCreated"]).done();
    has(
        &ran.out,
        &[
            "shop.order.OrderCreated  published as version 2, fingerprint 629d993cb54bfe92\n",
            "topic orders, key order_id, saga order_id, comes from outside\n",
            "int or null         [default null] After how long",
            "\nshop.order.OrderLine\nOne article of an order.\n",
        ],
    );
    let older = shop
        .schema(&["show", "OrderCreated", "--version", "1"])
        .done();
    assert!(
        older.out.contains("  version 1, fingerprint")
            && !older.out.contains("answer_within_seconds"),
        "{}",
        older.out
    );
    let json = shop.schema(&["show", "OrderCreated", "--json"]).json();
    assert_eq!(json["record"]["fields"][2]["type"], "array of OrderLine");
    assert_eq!(json["types"][0]["fields"][1]["name"], "quantity");
    shop.schema(&["show", "OrderCreated", "--version", "3"])
        .fails(2, &["version 3 of `OrderCreated` is not published"]);
}
