//! A change that Avro's rules cannot say, with and without an upcast.

use super::{Shop, has};

/// The sample, with amounts in thousandths.
fn changed(upcasts: &str) -> Shop {
    let shop = Shop::new();
    let file = "order/OrderCreated";
    shop.change(file, r#""name": "total_cents""#, r#""name": "total_mills""#);
    shop.change(
        file,
        r#""topic": "orders","#,
        &format!(r#""topic": "orders",{upcasts}"#),
    );
    shop
}

#[test]
fn without_one_every_reader_is_named_and_the_way_out() {
    let ran = changed("").with_services(&["check"]);
    assert_eq!(ran.code, 1);
    has(
        &ran.out,
        &[
            "error[unreadable-log]",
            "OrderCreated.total_mills",
            "read by inventory.reservation `open`",
            "takes an upcast (docs/schemas.md)",
        ],
    );
}

#[test]
fn with_one_it_passes_and_the_readers_are_deployed_first() {
    let shop = changed(r#" "upcasts": [2],"#);
    let ran = shop.with_services(&["check"]).done();
    has(
        &ran.out,
        &[
            "[deploy-order]",
            "deploy in this order: 1. inventory, order; 2. what publishes from outside",
        ],
    );
    assert!(!ran.out.contains("unreadable"), "{}", ran.out);
    let ran = shop.with_services(&["diff", "OrderCreated"]).done();
    has(
        &ran.out,
        &[
            "  new reads old: yes, by the upcast of version 2\n",
            "  old reads new, once it is published to it: no: ",
        ],
    );
    let json = shop
        .with_services(&["diff", "OrderCreated", "--json"])
        .json();
    assert_eq!(json[0]["new_reads_old"], true);
    let ran = shop.schema(&["show", "OrderCreated"]).done();
    has(&ran.out, &["upcast up to version 2\n"]);
    assert_eq!(
        shop.schema(&["show", "OrderCreated", "--json"]).json()["upcasts"],
        serde_json::json!([2])
    );
    shop.schema(&["publish", "OrderCreated"]).done();
    shop.schema(&["check", "--frozen"]).done();
    // The versions before it do not lead to the one behind it.
    let ran = shop
        .schema(&["diff", "OrderCreated", "--from", "1", "--to", "3"])
        .done();
    has(
        &ran.out,
        &["new reads old: yes, by the upcast of version 2\n"],
    );
    let ran = shop
        .schema(&["diff", "OrderCreated", "--from", "1", "--to", "2"])
        .done();
    has(&ran.out, &["new reads old: yes\n"]);
}

#[test]
fn one_of_a_version_that_is_not_published_is_told() {
    let ran = changed(r#" "upcasts": [3],"#).schema(&["check"]);
    assert_eq!(ran.code, 1);
    has(
        &ran.out,
        &[
            "error[upcast-impossible]",
            "\"upcasts\" names the version 3, and 2 is the newest that is published",
        ],
    );
}
