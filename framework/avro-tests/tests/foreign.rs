//! A build to which no version was published reads what a registry tells it of as the build reads it that was made with it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use kolo_avro::codec::frame::{self, FRAME_BYTES};
use kolo_avro::codec::{Meaning, ids};
use kolo_avro::schema::Document;
use kolo_avro::transcode::Transcoder;
use kolo_avro_tests::evolving::Shipment;
use kolo_avro_tests::upcasts::Delivery;
use kolo_core::{DecodeError, Event};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The same schemas, and nothing published.
#[allow(unreachable_pub, reason = "generated for the root of a crate")]
mod alone {
    include!(concat!(env!("OUT_DIR"), "/alone.rs"));
}

const EVENT: &str = "kolo.test.evolving.Shipment";

/// Each version: its id, its golden sample and its text.
const VERSIONS: [(u32, &[u8], &str); 3] = [
    (
        30_001,
        include_bytes!("../published/evolving/Shipment/1.bin"),
        include_str!("../published/evolving/Shipment/1.avsc"),
    ),
    (
        30_002,
        include_bytes!("../published/evolving/Shipment/2.bin"),
        include_str!("../published/evolving/Shipment/2.avsc"),
    ),
    (
        30_003,
        include_bytes!("../published/evolving/Shipment/3.bin"),
        include_str!("../published/evolving/Shipment/3.avsc"),
    ),
];

fn learn() {
    for (id, sample, text) in VERSIONS {
        let print = frame::fingerprint(sample).unwrap();
        ids::learn(id, Meaning::schema(print, EVENT, text));
    }
}

fn by_id(id: u32, body: &[u8]) -> Vec<u8> {
    [frame::registry_frame(id).as_slice(), body].concat()
}

fn again(event: &impl Event) -> Vec<u8> {
    let mut out = Vec::new();
    event.encode(&mut out);
    out
}

/// What both builds read of a value, or that they do not.
fn both(value: &[u8]) -> (Result<Vec<u8>, DecodeError>, Result<Vec<u8>, DecodeError>) {
    let here = Shipment::decode(value).map(|read| again(&read));
    let alone = alone::evolving::Shipment::decode(value).map(|read| again(&read));
    (here, alone)
}

#[test]
fn every_version_is_read_as_if_it_had_been_published() {
    learn();
    assert!(<alone::evolving::Shipment as Event>::VERSIONS.len() == 1);
    for (id, sample, _) in VERSIONS {
        let (here, alone) = both(&by_id(id, &sample[FRAME_BYTES..]));
        assert_eq!(here.unwrap(), alone.unwrap(), "{id}");
    }
    // A fingerprint alone says nothing of a version that was not published.
    let unknown = alone::evolving::Shipment::decode(VERSIONS[0].1);
    assert!(
        matches!(unknown, Err(DecodeError::UnknownVersion { .. })),
        "{unknown:?}"
    );
}

#[test]
fn a_value_that_ends_too_early_or_too_late_is_told_with_its_place() {
    learn();
    for (id, sample, _) in VERSIONS {
        let body = &sample[FRAME_BYTES..];
        for end in 0..body.len() {
            let (here, alone) = both(&by_id(id, &body[..end]));
            assert!(here.is_err(), "{id} {end}");
            assert!(
                matches!(alone, Err(DecodeError::Malformed { event: EVENT, .. })),
                "{id} {end}: {alone:?}"
            );
        }
        let mut longer = by_id(id, body);
        longer.push(0);
        let (_, alone) = both(&longer);
        let error = alone.unwrap_err().to_string();
        assert!(error.contains("1 byte(s) follow the last field"), "{error}");
    }
    // A text is looked at when it is read: in what it was resolved to.
    let (id, sample, _) = VERSIONS[0];
    let mut body = sample[FRAME_BYTES..].to_vec();
    let id_text = "id №6".as_bytes();
    let at = body
        .windows(id_text.len())
        .position(|bytes| bytes == id_text);
    body[at.unwrap()] = 0xFF;
    let error = both(&by_id(id, &body)).1.unwrap_err().to_string();
    assert!(
        error.contains("not UTF-8") && error.contains("to which it was resolved"),
        "{error}"
    );
}

/// Beyond an upcast everything means something else, also where Avro's rules would lead there.
#[test]
fn a_version_from_beyond_an_upcast_is_not_read() {
    let own: Value = serde_json::from_str(Delivery::TYPE.schema).unwrap();
    let mut newer = own.clone();
    let field = json!({"name": "extra", "type": "int", "default": 0});
    newer["fields"].as_array_mut().unwrap().push(field);
    let sample = include_bytes!("../published/upcasts/Delivery/4.bin");
    let mut body = sample[FRAME_BYTES..].to_vec();
    body.push(6);
    let name = Delivery::TYPE.name;
    ids::learn(30_011, Meaning::schema(11, name, &newer.to_string()));
    assert_eq!(
        Delivery::decode(&by_id(30_011, &body)),
        Delivery::decode(sample)
    );
    let others = [json!([2]), json!([2, 3, 4])];
    for (id, upcasts) in (30_012..).zip(others) {
        assert_ne!(own["upcasts"], upcasts);
        newer["upcasts"] = upcasts;
        ids::learn(id, Meaning::schema(12, name, &newer.to_string()));
        let error = Delivery::decode(&by_id(id, &body)).unwrap_err();
        assert!(
            matches!(&error, DecodeError::Unresolvable { problem, .. } if problem.contains("an upcast stands between")),
            "{error}"
        );
    }
}

proptest! {
    /// Whatever the bytes are: both read the same, or neither reads anything.
    #[test]
    fn bytes_that_were_changed_are_read_alike(
        version in 0..VERSIONS.len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        learn();
        let (id, sample, _) = VERSIONS[version];
        let mut body = sample[FRAME_BYTES..].to_vec();
        for (at, byte) in changes {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let (here, alone) = both(&by_id(id, &body));
        prop_assert_eq!(here.is_ok(), alone.is_ok(), "{:?} {:?}", here, alone);
        if let (Ok(here), Ok(alone)) = (here, alone) {
            prop_assert_eq!(here, alone);
        }
    }
}

/// Fields in another order, gone and new ones between them, records in arrays in maps.
#[test]
fn the_readers_order_is_that_of_the_reader() {
    let parse = |text: &str| Document::parse(text).unwrap();
    let writer = parse(
        r#"{"type": "record", "name": "n.R", "fields": [
            {"name": "a", "type": "int"},
            {"name": "gone", "type": {"type": "array", "items": "string"}},
            {"name": "b", "type": "string"},
            {"name": "inner", "type": {"type": "map", "values": {"type": "record", "name": "n.I", "fields": [
                {"name": "x", "type": "long"}, {"name": "y", "type": "boolean"}]}}}]}"#,
    );
    let reader = parse(
        r#"{"type": "record", "name": "n.R", "fields": [
            {"name": "new", "type": ["null", "int"], "default": null},
            {"name": "inner", "type": {"type": "map", "values": {"type": "record", "name": "n.I", "fields": [
                {"name": "y", "type": "boolean"}, {"name": "z", "type": "int", "default": 5}, {"name": "x", "type": "double"}]}}},
            {"name": "b", "type": "string"},
            {"name": "a", "type": ["null", "long"], "default": null}]}"#,
    );
    let written = [
        2, // a = 1
        2, 2, b'g', 0, // gone = ["g"]
        4, b'b', b'!', // b = "b!"
        2, 2, b'k', 6, 1, 0, // inner = {"k": {x = 3, y = true}}
    ];
    let mut read = Vec::new();
    Transcoder::new(&reader, &writer)
        .unwrap()
        .run(&written, 0, &mut read)
        .unwrap();
    let mut expected = vec![0, 2, 2, b'k', 1, 10];
    expected.extend(3f64.to_le_bytes());
    expected.extend([0, 4, b'b', b'!', 2, 2]);
    assert_eq!(read, expected);
}

/// Types that name one another twice are planned once each; what would take for ever and no bytes is refused.
#[test]
fn a_plan_is_no_larger_than_its_schema() {
    // Each level is defined in a field of its own, and names the one before it twice.
    let nested = |levels: usize, leaf: &str| {
        let level = |level: usize| {
            let inner = match level {
                0 => leaf.to_owned(),
                _ => format!("n.L{}", level - 1),
            };
            format!(
                r#"{{"name": "f{level}", "type": {{"type": "record", "name": "n.L{level}", "fields": [{{"name": "a", "type": "{inner}"}}, {{"name": "b", "type": "{inner}"}}]}}}}"#
            )
        };
        let fields: Vec<String> = (0..levels).map(level).collect();
        let fields = fields.join(", ");
        let text = format!(r#"{{"type": "record", "name": "n.Root", "fields": [{fields}]}}"#);
        Document::parse(&text).unwrap()
    };
    let (few, many) = (nested(10, "int"), nested(60, "null"));
    let mut out = Vec::new();
    let transcoder = Transcoder::new(&few, &few).unwrap();
    transcoder.run(&[2; 2046], 0, &mut out).unwrap();
    assert_eq!(out, [2; 2046]);
    let error = Transcoder::new(&many, &many).unwrap_err();
    assert!(error.contains("steps"), "{error}");
}
