//! `kolo schema docs`; and docs/events, which is what it makes of the sample.

use std::path::Path;

use super::{SERVICES, Shop, has};
use crate::common::{Ran, kolo};

#[test]
fn a_page_says_what_an_event_is_and_links_to_its_neighbours() {
    let shop = Shop::new();
    let ran = shop.with_services(&["docs", "--to", "pages"]).done();
    assert_eq!(ran.out, "23 pages in pages: 23 written, 0 removed\n");
    let read = |file: &str| std::fs::read_to_string(shop.path(file)).unwrap();
    has(
        &read("pages/order/OrderCreated.md"),
        &[
            "# OrderCreated\n\nA customer has placed an order.",
            "| topic | `orders` |\n| key | `order_id` |\n| saga | `order_id` |\n| owner | `order` |\n| mark | comes from outside |",
            "[OrderCreated.avsc](../../schemas/avro/order/OrderCreated.avsc)",
            "| `answer_within_seconds` | int or null | `null` | After how long",
            "### OrderLine\n\nOne article of an order.",
            "## Emitted by\n\n- what publishes from outside\n",
            "- `inventory.reservation`, `open` in `services/inventory/src/reservation.rs`: [`ReservationOpened`](../inventory/ReservationOpened.md), ",
            "- **2** (`629d993cb54bfe92`): `OrderCreated.answer_within_seconds`: field added",
        ],
    );
    has(
        &read("pages/README.md"),
        &[
            "## order\n",
            "| [`OrderCreated`](order/OrderCreated.md), comes from outside | ",
        ],
    );
}

#[test]
fn stale_pages_fail_a_check_and_are_written_anew() {
    let shop = Shop::new();
    let docs = |args: &[&str]| shop.with_services(&[&["docs", "--to", "pages"], args].concat());
    docs(&[]).done();
    docs(&["--check"]).done();
    shop.change(
        "order/OrderConfirmed",
        "\"The order.\"",
        "\"The order's id.\"",
    );
    std::fs::write(shop.path("pages/order/Hand.md"), "written by somebody").unwrap();
    let made = std::fs::read_to_string(shop.path("pages/order/OrderCreated.md")).unwrap();
    std::fs::write(shop.path("pages/order/Gone.md"), made).unwrap();
    docs(&["--check"]).fails(
        1,
        &[
            "2 pages are stale in pages",
            "order/OrderConfirmed.md, order/Gone.md (of no event)",
        ],
    );
    let ran = docs(&[]).done();
    assert_eq!(ran.out, "23 pages in pages: 1 written, 1 removed\n");
    docs(&["--check"]).done();
    assert!(shop.path("pages/order/Hand.md").exists());
    let json = docs(&["--json"]).done().json();
    assert_eq!(json["pages"].as_array().unwrap().len(), 23);
    assert_eq!(json["stale"], serde_json::json!([]));
}

/// The pages in docs/events, written where that is wanted.
#[test]
fn docs_events_is_what_the_schemas_and_services_say() {
    let shop = Shop::new();
    let manifests = SERVICES.map(|name| shop.path(name).to_str().unwrap().to_owned());
    let mut args = vec!["schema", "docs"];
    args.extend(manifests.iter().map(String::as_str));
    if std::env::var_os("KOLO_WRITE_DOCS").is_none() {
        args.push("--check");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let ran: Ran = kolo(&args).current_dir(root).output().unwrap().into();
    assert_eq!(ran.code, 0, "run scripts/event-docs: {}", ran.err);
}
