//! `kolo schema publish`: a version for good.

use super::{Shop, has};

fn add_fields(shop: &Shop) {
    for event in ["order/OrderConfirmed", "payment/PaymentFailed"] {
        shop.change(
            event,
            "\n  ]",
            ",\n    {\"name\": \"note\", \"type\": \"string\", \"default\": \"\"}\n  ]",
        );
    }
}

#[test]
fn a_dry_run_says_what_would_be_written_and_writes_nothing() {
    let shop = Shop::new();
    add_fields(&shop);
    let ran = shop.schema(&["publish", "--dry-run"]).done();
    has(
        &ran.out,
        &[
            "shop.order.OrderConfirmed would be published as version 2: schemas/published/order/OrderConfirmed/2.avsc",
            "shop.payment.PaymentFailed would be published as version 2",
            "nothing is written",
        ],
    );
    assert!(
        !shop
            .path("schemas/published/order/OrderConfirmed/2.avsc")
            .exists()
    );
}

#[test]
fn those_that_are_named_are_published_with_their_samples_and_others_are_not() {
    let shop = Shop::new();
    add_fields(&shop);
    let ran = shop.schema(&["publish", "OrderConfirmed"]).done();
    has(
        &ran.out,
        &[
            "shop.order.OrderConfirmed is published as version 2",
            "deploy the readers first",
        ],
    );
    for end in ["avsc", "bin", "json"] {
        let file = format!("schemas/published/order/OrderConfirmed/2.{end}");
        assert!(shop.path(&file).is_file(), "{file}");
    }
    assert!(
        !shop
            .path("schemas/published/payment/PaymentFailed/2.avsc")
            .exists()
    );
    let published = shop.path("schemas/published/order/OrderConfirmed/2.avsc");
    let raw = shop.schema(&["show", "OrderConfirmed", "--raw"]).done().out;
    assert_eq!(raw, std::fs::read_to_string(published).unwrap());

    let json = shop.schema(&["publish", "--json"]).done().json();
    assert_eq!(json.as_array().unwrap().len(), 1, "{json}");
    assert_eq!(
        (&json[0]["event"], &json[0]["version"], &json[0]["written"]),
        (
            &"shop.payment.PaymentFailed".into(),
            &2.into(),
            &true.into()
        )
    );
    let again = shop.schema(&["publish"]).done();
    assert_eq!(again.out, "every schema is published as it stands\n");
}

#[test]
fn what_breaks_the_log_is_not_published_and_does_not_hold_back_others() {
    let shop = Shop::new();
    add_fields(&shop);
    shop.change(
        "payment/PaymentFailed",
        "\"string\", \"default\": \"\"",
        "\"string\"",
    );
    let ran = shop.schema(&["publish"]);
    ran.fails(
        1,
        &[
            "nothing is published",
            "PaymentFailed.note",
            "`kolo schema check` with the services' manifests",
        ],
    );
    assert!(
        !shop
            .path("schemas/published/order/OrderConfirmed/2.avsc")
            .exists()
    );
    shop.schema(&["publish", "OrderConfirmed"]).done();
}
