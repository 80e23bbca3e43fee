//! Records from before a change that Avro's rules cannot say: read as what they were, and turned by declared functions.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use kolo_avro::codec::frame::{self, FRAME_BYTES};
use kolo_avro::codec::write;
use kolo_avro_tests::DeliveryId;
use kolo_avro_tests::upcasts::{Address, Delivery, Progress, Size};
use kolo_core::{DecodeError, Event, Key};
use uuid::Uuid;

const V1: &[u8] = include_bytes!("../published/upcasts/Delivery/1.bin");
const V2: &[u8] = include_bytes!("../published/upcasts/Delivery/2.bin");
const V3: &[u8] = include_bytes!("../published/upcasts/Delivery/3.bin");
const V4: &[u8] = include_bytes!("../published/upcasts/Delivery/4.bin");

/// A record as a program wrote it that had this version's schema.
fn written(version: &[u8], body: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut value = version[..FRAME_BYTES].to_vec();
    write::string(&mut value, "d-1");
    write::uuid(&mut value, Uuid::from_u128(7));
    body(&mut value);
    value
}

/// The first version: a text for the weight, one for the address, and no note.
fn of_version_1(weight: &str) -> Vec<u8> {
    written(V1, |out| {
        write::string(out, weight);
        write::string(out, "Main Street 1, Springfield");
        write::long(out, 1); // LOST, which is the third symbol today
        write::int(out, 30);
        write::int(out, 20);
    })
}

fn expected(grams: i64) -> Delivery {
    Delivery {
        id: DeliveryId("d-1".to_owned()),
        order_id: Uuid::from_u128(7),
        grams,
        to: Address {
            street: "Main Street 1".to_owned(),
            city: "Springfield".to_owned(),
            country: "DE".to_owned(),
        },
        status: Progress::Lost,
        size: Size { wide: 30, high: 20 },
        note: "none".to_owned(),
        price_cents: None,
    }
}

/// The first version is read as the second by Avro's rules, and goes through both functions.
#[test]
fn upcasts_are_chained() {
    assert_eq!(Delivery::decode(&of_version_1("2.5")), Ok(expected(2500)));
    assert_eq!(Delivery::decode(&of_version_1("heavy")), Ok(expected(0)));
}

#[test]
fn a_record_from_between_takes_the_second_alone() {
    let value = written(V3, |out| {
        write::long(out, 900);
        write::string(out, "Main Street 1");
        write::string(out, "Springfield");
        write::long(out, 2);
        write::int(out, 30);
        write::int(out, 20);
        write::string(out, "mind the dog");
        out.push(2);
        out.extend_from_slice(&19.99_f64.to_le_bytes());
    });
    let note = "mind the dog".to_owned();
    let price_cents = Some(1999);
    let sold = Delivery {
        note,
        price_cents,
        ..expected(900)
    };
    assert_eq!(Delivery::decode(&value), Ok(sold));
}

/// The golden samples, with what each of them has kept.
#[test]
fn every_published_version_is_read() {
    for sample in [V1, V2, V3, V4] {
        let read = Delivery::decode(sample).unwrap();
        let fingerprint = frame::fingerprint(sample).unwrap();
        assert!(Delivery::VERSIONS.contains(&fingerprint));
        assert!(read.id.text().starts_with("id"), "{read:?}");
    }
    assert_eq!(Delivery::VERSIONS.len(), 4);
    assert_eq!(Some(Delivery::VERSIONS[0]), frame::fingerprint(V4));
}

#[test]
fn a_broken_record_of_an_old_version_is_told_as_any_other() {
    let whole = of_version_1("2.5");
    for end in FRAME_BYTES..whole.len() {
        let cut = Delivery::decode(&whole[..end]);
        assert!(matches!(cut, Err(DecodeError::Malformed { .. })), "{cut:?}");
    }
    let longer = [whole.as_slice(), &[0]].concat();
    let error = Delivery::decode(&longer).unwrap_err();
    assert!(matches!(error, DecodeError::Malformed { .. }), "{error}");
}
