//! Records of older and newer published versions, read by the schema in use.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;

use kolo_avro::codec::frame::{self, FRAME_BYTES};
use kolo_avro::codec::{Meaning, ids};
use kolo_avro::{Date, Decimal, TimestampMillis};
use kolo_avro_tests::evolving::{BatchId, Fresh, Parcel, Same, Shipment, ShipmentEvent, Status};
use kolo_core::{DecodeError, Event, OwnEvents};
use uuid::Uuid;

const V1: &[u8] = include_bytes!("../published/evolving/Shipment/1.bin");
const V2: &[u8] = include_bytes!("../published/evolving/Shipment/2.bin");
const V3: &[u8] = include_bytes!("../published/evolving/Shipment/3.bin");

/// Every promotion, every default, every kind of field that is gone; the figures are those of `1.json`.
#[test]
fn the_older_version_is_resolved() {
    let parcel = |weight| Parcel {
        status: Status::Sent,
        weight,
        color: "plain".to_owned(),
    };
    let expected = Shipment {
        status: Status::Sent,
        id: "id №6".to_owned(),
        int_long: 707,
        int_float: 807.0,
        int_double: 907.0,
        long_float: 100_000_000_007_i64 as f32,
        long_double: 110_000_000_007.0,
        float_double: -12.5,
        string_bytes: "string_bytes №13".as_bytes().to_vec(),
        bytes_string: "\0bytes_string №14".to_owned(),
        uuid_string: "44091298-8644-5831-8c7e-c5eb418a7404".to_owned(),
        int_millis: TimestampMillis(1607),
        digits: Decimal::new(-99_999).unwrap(),
        now_nullable: Some(1807),
        always_null: None,
        turned: Some(2007),
        parcels: vec![parcel(3707.0), parcel(4107.0)],
        by_name: BTreeMap::from([("by_name".to_owned(), Some(parcel(4607.0)))]),
        unchanged: Same {
            a: 5007,
            b: Some("b №51".to_owned()),
        },
        longs: vec![5307, 5407],
        new_flag: true,
        new_int: -7,
        new_long: 9_000_000_000,
        new_float: 0.25,
        new_double: 3.0,
        new_bytes: vec![0xFF, 0x01],
        new_string: "say \"hi\"\n".to_owned(),
        new_uuid: BatchId(Uuid::from_u128(0x12345678_1234_1234_1234_123456789abc)),
        new_date: Date(20_000),
        new_millis: TimestampMillis(5),
        new_decimal: Decimal::new(255).unwrap(),
        new_fixed: *b"ab",
        new_enum: Status::Sent,
        new_null: None,
        new_some: Some("some".to_owned()),
        new_array: vec![1, 2],
        new_map: BTreeMap::from([("one".to_owned(), 1)]),
        new_record: Fresh {
            n: 4,
            t: "deep".to_owned(),
        },
    };
    assert_eq!(Shipment::decode(V1), Ok(expected));
}

/// What the newer version adds is stepped over; what it has taken away gets its default.
#[test]
fn the_newer_version_is_resolved() {
    let own = Shipment::decode(V2).unwrap();
    let newer = Shipment::decode(V3).unwrap();
    assert_eq!(newer.status, Status::Unknown, "DELIVERED is not known yet");
    assert_eq!(
        newer.new_string, "say \"hi\"\n",
        "it was removed, so its default counts"
    );
    assert_eq!(newer.parcels.len(), 2);
    assert!(
        newer
            .parcels
            .iter()
            .all(|parcel| parcel.weight < 0.0 && parcel.color.starts_with("color"))
    );
    assert_eq!(newer.digits, own.digits);
    assert_eq!(newer.new_record.t.split(' ').next(), Some("t"));
}

#[test]
fn a_streams_enum_reads_all_versions() {
    for version in [V1, V2, V3] {
        let read = ShipmentEvent::decode("kolo.test.evolving.Shipment", version);
        assert!(matches!(read, Some(Ok(ShipmentEvent::Shipment(_)))));
    }
    assert!(ShipmentEvent::decode("kolo.test.evolving.Other", V1).is_none());
}

#[test]
fn a_version_that_nobody_published_is_named() {
    let mut unknown = V2.to_vec();
    unknown[2..10].copy_from_slice(&0xABCD_u64.to_le_bytes());
    let error = Shipment::decode(&unknown).unwrap_err();
    assert_eq!(
        error,
        DecodeError::UnknownVersion {
            event: "kolo.test.evolving.Shipment",
            fingerprint: 0xABCD
        }
    );
    let text = error.to_string();
    assert!(
        text.contains("kolo.test.evolving.Shipment") && text.contains("000000000000abcd"),
        "{text}"
    );
    assert!(text.contains("publish"), "it says what to do: {text}");
}

#[test]
fn another_framing_is_named() {
    let error = Shipment::decode(&[4, 0, 0, 0, 7, 2, b'x'])
        .unwrap_err()
        .to_string();
    assert!(error.contains("04 00 00 00 07 02 78"), "{error}");
}

/// With an id of a schema registry, whatever was learnt of the id decides; ids are the process's, so these are this test's.
#[test]
fn a_version_is_found_by_its_id_too() {
    let by_id = |id: u32, sample: &[u8]| {
        [frame::registry_frame(id).as_slice(), &sample[FRAME_BYTES..]].concat()
    };
    for (id, sample) in [(9_001, V1), (9_002, V2), (9_003, V3)] {
        let value = by_id(id, sample);
        let error = Shipment::decode(&value).unwrap_err();
        let event = "kolo.test.evolving.Shipment";
        assert_eq!(error, DecodeError::NoRegistry { event, id });
        let print = frame::fingerprint(sample).unwrap();
        ids::learn(id, Meaning::schema(print, event, ""));
        assert_eq!(Shipment::decode(&value), Shipment::decode(sample));
    }
    ids::learn(9_004, Meaning::schema(1, "kolo.test.Other", ""));
    let error = Shipment::decode(&by_id(9_004, V1)).unwrap_err();
    assert!(matches!(error, DecodeError::OtherType { id: 9_004, .. }));
    assert!(error.to_string().contains("`kolo.test.Other`"), "{error}");
    // A version of this event that was never published here, and that cannot be read.
    let event = "kolo.test.evolving.Shipment";
    let text = format!(r#"{{"type": "record", "name": "{event}", "fields": []}}"#);
    ids::learn(9_005, Meaning::schema(1, event, &text));
    let error = Shipment::decode(&by_id(9_005, V1)).unwrap_err();
    assert!(
        matches!(&error, DecodeError::Unresolvable { fingerprint: 1, problem, .. } if problem.contains("the writer has no such field")),
        "{error}"
    );
    ids::learn(9_006, Meaning::none("the registry has forgotten it"));
    let error = Shipment::decode(&by_id(9_006, V1)).unwrap_err();
    assert!(matches!(error, DecodeError::NoSchema { id: 9_006, .. }));
    assert!(error.to_string().contains("has forgotten it"), "{error}");
}

/// Every version, cut anywhere, is an error that names the event; so are bytes behind the last field.
#[test]
fn a_resolved_version_is_read_to_its_end() {
    for version in [V1, V2, V3] {
        for end in 10..version.len() {
            let error = Shipment::decode(&version[..end]).unwrap_err();
            assert!(
                matches!(
                    error,
                    DecodeError::Malformed {
                        event: "kolo.test.evolving.Shipment",
                        ..
                    }
                ),
                "{error}"
            );
        }
        let mut longer = version.to_vec();
        longer.push(0);
        let error = Shipment::decode(&longer).unwrap_err().to_string();
        assert!(error.contains("1 byte(s) follow the last field"), "{error}");
    }
}
