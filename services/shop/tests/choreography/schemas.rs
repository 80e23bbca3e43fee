//! A schema that breaks a reader is found with the reader's name, by a test that sees all services.

use std::path::Path;

use crate::services;

const SCHEMAS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas");

#[test]
fn every_schema_is_published_and_read_by_all() {
    kolo_testing::check_schemas(services(), SCHEMAS);
}

/// What the check says after a change of one schema, in a copy of all.
fn planted(event: &str, from: &str, to: &str) -> String {
    let copied = tempfile::tempdir().unwrap();
    copy(Path::new(SCHEMAS), copied.path());
    let file = copied.path().join(format!("avro/{event}.avsc"));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    std::fs::write(&file, text.replace(from, to)).unwrap();
    let check = || kolo_testing::check_schemas(services(), copied.path());
    let told = std::panic::catch_unwind(check).unwrap_err();
    *told.downcast::<String>().unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).unwrap();
        }
    }
}

#[track_caller]
fn has(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is missing in: {text}");
    }
}

#[test]
fn a_field_that_is_removed_is_found_with_all_who_read_it() {
    let told = planted(
        "payment/PaymentFailed",
        "\"name\": \"reason\"",
        "\"name\": \"motive\"",
    );
    has(
        &told,
        &[
            "PaymentFailed.motive: the writer has no such field",
            "PaymentFailed.reason: the writer has no such field",
            "\n  read by order.lifecycle `decline` (services/order/src/lib.rs:",
            "\n  read by inventory.reservation `",
        ],
    );
}

#[test]
fn a_union_that_is_narrowed_is_found_with_all_who_read_it() {
    let told = planted(
        "order/OrderCreated",
        r#"["null", "int"], "default": null"#,
        r#""int", "default": 900"#,
    );
    has(
        &told,
        &[
            "OrderCreated.answer_within_seconds: the writer's null cannot be read as int",
            "\n  read by order.lifecycle `open` (services/order/src/lib.rs:",
            "\n  read by inventory.reservation `open` (services/inventory/src/reservation.rs:",
        ],
    );
}

#[test]
fn a_field_with_a_default_only_has_to_be_published() {
    let told = planted(
        "order/OrderCreated",
        "\n  ]",
        ",\n    {\"name\": \"gift\", \"type\": \"boolean\", \"default\": false}\n  ]",
    );
    has(
        &told,
        &[
            "`shop.order.OrderCreated` is not published as it stands",
            "next: kolo schema publish shop.order.OrderCreated",
        ],
    );
    assert!(!told.contains("cannot"), "{told}");
}
