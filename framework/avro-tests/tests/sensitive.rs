//! What a schema marks as sensitive is hidden: in JSON for tools, and where generated types are printed.
//!
//! The versions of `Shipment` and `Delivery` were published before anybody marked a field, and stay what they are.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use kolo_avro::codec::{Meaning, frame, ids};
use kolo_avro::dynamic::SchemaSet;
use kolo_avro_tests::delivery_v3;
use kolo_avro_tests::evolving::Shipment;
use kolo_avro_tests::upcasts::{Delivery, Progress, Size};
use kolo_core::{Event, revealed};
use serde_json::{Value, json};

const SHIPMENTS: [(&[u8], &str); 3] = [
    (
        include_bytes!("../published/evolving/Shipment/1.bin"),
        include_str!("../published/evolving/Shipment/1.json"),
    ),
    (
        include_bytes!("../published/evolving/Shipment/2.bin"),
        include_str!("../published/evolving/Shipment/2.json"),
    ),
    (
        include_bytes!("../published/evolving/Shipment/3.bin"),
        include_str!("../published/evolving/Shipment/3.json"),
    ),
];

fn set() -> SchemaSet {
    SchemaSet::load(env!("CARGO_MANIFEST_DIR")).unwrap()
}

/// The fields that are marked, at their places in a shipment.
fn sensitive(shipment: &mut Value) -> Vec<&mut Value> {
    let Value::Object(fields) = shipment else {
        panic!("an event is an object")
    };
    let mut found = Vec::new();
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("turned", value) => found.push(value),
            ("parcels", Value::Array(parcels)) => {
                found.extend(parcels.iter_mut().filter_map(|of| of.get_mut("weight")));
            }
            ("by_name", Value::Object(parcels)) => {
                found.extend(parcels.values_mut().filter_map(|of| of.get_mut("weight")));
            }
            _ => {}
        }
    }
    found
}

#[test]
fn values_of_all_versions_are_shown_without_what_is_sensitive_today() {
    for (bytes, json) in SHIPMENTS {
        let whole: Value = serde_json::from_str(json).unwrap();
        let mut hidden = whole.clone();
        let places = sensitive(&mut hidden);
        assert!(places.len() >= 4, "{json}");
        for place in places {
            *place = json!("(hidden)");
        }
        assert_eq!(set().decode(bytes).unwrap().json, hidden);
        assert_eq!(set().revealed().decode(bytes).unwrap().json, whole);
    }
}

#[test]
fn a_version_of_a_registry_hides_what_it_marks_itself() {
    let event = "kolo.test.kinds.Elsewhere";
    let text = format!(
        r#"{{"type": "record", "name": "{event}", "fields": [{{"name": "a", "type": "int"}}, {{"name": "b", "type": ["null", "int"], "sensitive": true}}]}}"#
    );
    ids::learn(40_101, Meaning::schema(101, event, &text));
    let value = [frame::registry_frame(40_101).as_slice(), &[6, 0]].concat();
    let json = set().decode(&value).unwrap().json;
    assert_eq!(json, json!({"a": 3, "b": "(hidden)"}));
}

#[test]
fn bytes_are_shown_only_of_what_is_known_to_have_nothing_sensitive() {
    let set = set();
    let mut shown = ["kolo.test.shop.OrderPlaced", "kolo.test.kinds.Everything"].into_iter();
    assert!(shown.all(|event| set.may_show_bytes(Some(event))));
    let hidden = ["kolo.test.evolving.Shipment", "kolo.test.upcasts.Delivery"];
    for event in hidden.map(Some).into_iter().chain([Some("other"), None]) {
        assert!(!set.may_show_bytes(event), "{event:?}");
        assert!(set.clone().revealed().may_show_bytes(event));
    }
}

#[test]
fn generated_types_print_themselves_without_it() {
    let shipment = Shipment::decode(SHIPMENTS[0].0).unwrap();
    let weight = format!("{:?}", shipment.parcels[0].weight);
    let hidden = format!("{shipment:?}");
    assert!(hidden.contains("turned: (hidden)"), "{hidden}");
    assert!(hidden.contains("weight: (hidden)"), "{hidden}");
    assert!(
        hidden.contains("color: \"plain\"") && !hidden.contains(&weight),
        "{hidden}"
    );
    let whole = revealed(|| format!("{shipment:?}"));
    assert!(whole.contains(&format!("weight: {weight}")), "{whole}");

    let delivery = Delivery::decode(include_bytes!("../published/upcasts/Delivery/4.bin")).unwrap();
    let printed = format!("{delivery:#?}");
    assert!(
        printed.starts_with("Delivery {\n    id: DeliveryId(\n"),
        "{printed}"
    );
    assert!(printed.contains("    note: (hidden),\n"), "{printed}");
}

/// The types of versions that upcasts take: what is sensitive was so before it was marked.
#[test]
fn types_of_older_versions_hide_what_the_working_schema_marks() {
    let old = delivery_v3::Delivery {
        id: "d-1".into(),
        order_id: uuid::Uuid::nil(),
        grams: 5,
        to: delivery_v3::Address {
            street: "Main Street".into(),
            city: "Springfield".into(),
        },
        status: Progress::Lost,
        size: Size { wide: 1, high: 2 },
        note: "mind the dog".into(),
        price_euros: None,
    };
    let printed = format!("{old:?}");
    assert!(
        printed.contains("note: (hidden)") && printed.contains("Main Street"),
        "{printed}"
    );
}
