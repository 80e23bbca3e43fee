//! `kolo schema diff`: what changed, and who is affected.

use super::{Shop, has};

#[test]
fn nothing_has_changed_in_the_sample() {
    let ran = Shop::new().schema(&["diff"]).done();
    assert_eq!(
        ran.out,
        "no schema differs from its newest published version in more than documentation and marks\n"
    );
}

#[test]
fn two_published_versions_are_compared_with_their_readers() {
    let shop = Shop::new();
    let ran = shop
        .with_services(&["diff", "OrderCreated", "--from", "1", "--to", "2"])
        .done();
    has(
        &ran.out,
        &[
            "shop.order.OrderCreated: version 1 -> version 2\n",
            "  OrderCreated.answer_within_seconds: field added, a union of null, int with the default null\n",
            "  new reads old: yes\n  old reads new, once it is published to it: yes\n",
            "  read by inventory.reservation `open` (services/inventory/src/reservation.rs:",
            "its build reads version 2\n",
        ],
    );
}

#[test]
fn a_change_says_which_builds_cannot_read_it() {
    let shop = Shop::new();
    shop.change(
        "order/OrderLine",
        r#""quantity", "type": "int""#,
        r#""quantity", "type": "long""#,
    );
    let ran = shop.with_services(&["diff"]).done();
    has(
        &ran.out,
        &[
            "shop.order.OrderCreated: version 2 -> the working schema\n",
            "  OrderCreated.lines.quantity: type widened from int to long\n",
            "  new reads old: yes\n",
            "  old reads new, once it is published to it: no: OrderCreated.lines.quantity: the writer's long cannot be read as int (TYPE_MISMATCH)\n",
            "read by order.lifecycle `open` (services/order/src/lib.rs:",
            "its build cannot read the working schema: deploy it again before the writer\n",
        ],
    );
    let json = shop
        .with_services(&["diff", "OrderCreated", "--json"])
        .json();
    let row = &json[0];
    let changes = row["changes"].as_array().unwrap();
    let on_the_wire: Vec<_> = changes
        .iter()
        .filter(|change| change["on_the_wire"] == true)
        .collect();
    assert_eq!(on_the_wire.len(), 1, "{row}");
    assert_eq!(on_the_wire[0]["place"], "OrderCreated.lines.quantity");
    assert_eq!(
        (
            &row["from"],
            &row["to"],
            &row["new_reads_old"],
            &row["old_reads_new"]
        ),
        (&2.into(), &"working".into(), &true.into(), &false.into())
    );
    assert_eq!(row["readers"][0]["reads_new"], false);
}

#[test]
fn documentation_is_told_as_such() {
    let shop = Shop::new();
    shop.change(
        "order/OrderConfirmed",
        "\"The order.\"",
        "\"The order's id.\"",
    );
    let ran = shop.with_services(&["diff", "OrderConfirmed"]).done();
    has(
        &ran.out,
        &[
            "OrderConfirmed.order_id: doc changed to: The order's id.",
            "nothing of it is on the wire",
        ],
    );
}

#[test]
fn what_is_not_there_is_refused_with_what_is() {
    let shop = Shop::new();
    shop.schema(&["diff", "OrderCreated", "--from", "7"]).fails(
        2,
        &["version 7 of `OrderCreated` is not published in schemas/published; these are: 1, 2."],
    );
    shop.schema(&["diff", "OrderCreate"]).fails(
        2,
        &[
            "no event `OrderCreate`",
            "Did you mean shop.order.OrderCreated",
        ],
    );
    shop.schema(&["diff", "--from", "1"]).fails(2, &["name it"]);
    shop.schema(&["diff", "OrderCreated", "OrderOpened"])
        .fails(2, &["`OrderOpened` is a second one"]);
    let ran = shop.schema(&["diff", "OrderCreated", "--to", "new"]);
    assert_eq!(ran.code, 2);
    has(
        &ran.err,
        &["the number of a published version, or `working`"],
    );
}
