//! `kolo schema check` where there are no services, and its flags.

use super::{Shop, has};

#[test]
fn the_sample_passes() {
    let shop = Shop::new();
    let ran = shop.with_services(&["check", "--frozen"]).done();
    assert_eq!(
        ran.out,
        "22 events and 3 builds: 0 errors, 0 not published\n"
    );
}

#[test]
fn json_has_what_is_broken_and_by_whom_it_is_read() {
    let shop = Shop::new();
    shop.change(
        "payment/PaymentFailed",
        r#""name": "reason""#,
        r#""name": "motive""#,
    );
    let ran = shop.with_services(&["check", "--json"]);
    ran.fails(1, &["2 findings"]);
    let json = ran.json();
    let broken = json["broken"].as_array().unwrap();
    assert_eq!(broken.len(), 2, "{json}");
    let older = broken
        .iter()
        .find(|row| row["code"] == "unreadable-by-older")
        .unwrap();
    assert_eq!(
        (
            older["event"].as_str(),
            older["place"].as_str(),
            older["version"].as_u64()
        ),
        (
            Some("shop.payment.PaymentFailed"),
            Some("PaymentFailed.reason"),
            Some(1)
        )
    );
    let readers: Vec<&str> = older["readers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reader| reader["service"].as_str().unwrap())
        .collect();
    assert_eq!(readers, ["order", "inventory"]);
    assert!(older["readers"][0]["line"].as_u64() > Some(0));
    let changed: Vec<&str> = json["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["state"] == "changed")
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert_eq!(changed, ["PaymentFailed"]);
}

#[test]
fn a_mode_asks_for_one_direction() {
    let shop = Shop::new();
    shop.change(
        "order/OrderCreated",
        r#""total_cents", "type": "long""#,
        r#""total_cents", "type": "double""#,
    );
    shop.schema(&["check"]).fails(1, &["2 findings"]);
    shop.schema(&["check", "--mode", "backward"]).done();
    shop.schema(&["check", "--mode", "forward"])
        .fails(1, &["2 findings"]);
    shop.schema(&["check", "--mode", "forward", "--transitive=false"])
        .fails(1, &["1 finding;"]);
    shop.schema(&["check", "--mode", "none"]).done();
}

#[test]
fn in_no_mode_may_an_event_move() {
    let shop = Shop::new();
    shop.change(
        "payment/PaymentFailed",
        r#""topic": "payments""#,
        r#""topic": "failures""#,
    );
    let ran = shop.schema(&["check", "--mode", "none"]);
    ran.fails(1, &["1 finding"]);
    has(
        &ran.out,
        &[
            "error[another-place]: ",
            "is `payments`, here it is `failures`",
        ],
    );
}

#[test]
fn what_is_not_published_fails_a_release_and_nothing_else() {
    let shop = Shop::new();
    shop.change(
        "inventory/StockReceived",
        "\n  ]",
        ",\n    {\"name\": \"dock\", \"type\": \"int\", \"default\": 0}\n  ]",
    );
    shop.schema(&["check"]).done();
    shop.schema(&["check", "--frozen"]).fails(
        1,
        &[
            "1 schema is not published as it stands",
            "`kolo schema publish`",
        ],
    );
    shop.schema(&["publish"]).done();
    shop.schema(&["check", "--frozen"]).done();
    // Documentation alone is no version.
    shop.change("inventory/StockReceived", "\"doc\": \"", "\"doc\": \"Yes. ");
    shop.schema(&["check", "--frozen"]).done();
}

#[test]
fn folders_that_are_none_are_named() {
    let shop = Shop::new();
    shop.schema(&["list", "--schemas", "nowhere"]).fails(
        2,
        &["nowhere is no folder", "--schemas DIR or KOLO_SCHEMAS"],
    );
    shop.schema(&["list", "--published", "nowhere"])
        .fails(2, &["nowhere is no folder", "--published DIR"]);
    let file = shop.path("schemas/avro/order/OrderCreated.avsc");
    std::fs::write(file, "{").unwrap();
    shop.schema(&["check"]).fails(
        2,
        &[
            "the schemas in schemas/avro cannot be used",
            "OrderCreated.avsc",
            "this is not JSON",
        ],
    );
}
