//! Bytes that lie: each gives an error, and none makes the reader ask for much memory.
//!
//! One test in a file of its own: it counts what the whole process allocates.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod support;

use std::alloc::System;
use std::sync::LazyLock;

use kolo_avro::codec::ZERO_WIDTH_ITEMS;
use kolo_avro::dynamic::SchemaSet;
use kolo_avro_tests::evolving::Shipment;
use kolo_avro_tests::kinds::Everything;
use kolo_avro_tests::shop::OrderPlaced;
use kolo_core::Event;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Decodes, and insists that the bytes asked for are in proportion to the input: a byte may become a list's
/// item, and a block may set 64 KiB aside before its items turn out to be there.
fn decode<E: Event>(value: &[u8]) -> Result<E, String> {
    decode_within(512 * 1024 + 400 * value.len(), value)
}

fn decode_within<E: Event>(allowed: usize, value: &[u8]) -> Result<E, String> {
    let region = Region::new(COUNTING);
    let read = E::decode(value).map_err(|error| error.to_string());
    let asked = region.change().bytes_allocated;
    assert!(
        asked <= allowed,
        "{asked} bytes asked for, for {} bytes of input",
        value.len()
    );
    read
}

fn all(value: &[u8]) {
    let _ = decode::<Everything>(value);
    let _ = decode::<Shipment>(value);
    let _ = decode::<OrderPlaced>(value);
    // Without types it takes more memory, in proportion all the same; here it must not panic.
    let _ = SET.decode(value);
}

static SET: LazyLock<SchemaSet> =
    LazyLock::new(|| SchemaSet::load(env!("CARGO_MANIFEST_DIR")).unwrap());

#[test]
fn hostile_bytes_give_errors() {
    let samples: [&[u8]; 5] = [
        include_bytes!("../published/kinds/Everything/1.bin"),
        include_bytes!("../published/evolving/Shipment/1.bin"),
        include_bytes!("../published/evolving/Shipment/2.bin"),
        include_bytes!("../published/evolving/Shipment/3.bin"),
        include_bytes!("../published/shop/OrderPlaced/1.bin"),
    ];
    cut_and_changed(&samples);
    random(&samples);
    long_lengths();
    items_without_bytes();
}

fn cut_and_changed(samples: &[&[u8]]) {
    for sample in samples {
        for end in 0..sample.len() {
            all(&sample[..end]);
        }
        // Every byte as what makes lengths negative, huge, or long.
        for at in 10..sample.len() {
            for lie in [0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF] {
                let mut changed = sample.to_vec();
                changed[at] = lie;
                all(&changed);
                changed.splice(
                    at..=at,
                    [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
                );
                all(&changed);
            }
        }
    }
    let everything = samples[0];
    for end in 10..everything.len() {
        assert!(
            decode::<Everything>(&everything[..end]).is_err(),
            "cut at {end}"
        );
    }
    let mut longer = everything.to_vec();
    longer.push(0);
    assert!(
        decode::<Everything>(&longer)
            .unwrap_err()
            .contains("follow the last field")
    );
}

fn random(samples: &[&[u8]]) {
    let mut runner = TestRunner::deterministic();
    let bytes = proptest::collection::vec(proptest::num::u8::ANY, 0..600);
    for _ in 0..2_000 {
        let body = bytes.new_tree(&mut runner).unwrap().current();
        for sample in samples {
            let mut value = sample[..10].to_vec();
            value.extend_from_slice(&body);
            all(&value);
        }
    }
}

/// An order up to its lines, then what follows.
fn order(rest: &[u8]) -> Vec<u8> {
    let mut value = include_bytes!("../published/shop/OrderPlaced/1.bin")[..10 + 37 + 37].to_vec();
    value.extend_from_slice(rest);
    value
}

fn long(n: i64) -> Vec<u8> {
    let mut out = Vec::new();
    kolo_avro::codec::write::long(&mut out, n);
    out
}

fn long_lengths() {
    for claim in [1 << 20, i64::from(i32::MAX), i64::MAX] {
        // As many lines; as many behind a negative count; a sku as long.
        let error = decode::<OrderPlaced>(&order(&long(claim))).unwrap_err();
        assert!(
            error.contains("field `lines`: a block of") && error.contains("byte(s) are left"),
            "{error}"
        );
        let blocks = [long(-claim), long(0)].concat();
        assert!(
            decode::<OrderPlaced>(&order(&blocks))
                .unwrap_err()
                .contains("a block of")
        );
        let sku = [long(1), long(claim), vec![0; 64]].concat();
        let error = decode::<OrderPlaced>(&order(&sku)).unwrap_err();
        assert!(error.contains("field `lines.sku`: a length of"), "{error}");
        // A block as long.
        let size = [long(-1), long(claim), vec![0; 64]].concat();
        assert!(
            decode::<OrderPlaced>(&order(&size))
                .unwrap_err()
                .contains("a length of")
        );
    }
    // A count that a long value could bear out, whose first item shows that it does not.
    let plausible = [long(300_000), vec![0xFF; 1_000_000]].concat();
    assert!(decode_within::<OrderPlaced>(256 * 1024, &order(&plausible)).is_err());
    let negative = [long(1), long(-5), vec![0; 64]].concat();
    assert!(
        decode::<OrderPlaced>(&order(&negative))
            .unwrap_err()
            .contains("a length of -5")
    );
    assert!(decode::<OrderPlaced>(&order(&[long(i64::MIN), long(0)].concat())).is_err());
    let lie = [long(-1), long(20), vec![2, b'a', 2, 2], vec![0; 64]].concat();
    let error = decode::<OrderPlaced>(&order(&lie)).unwrap_err();
    assert!(
        error.contains("a block of 20 byte(s) whose items take 4"),
        "{error}"
    );
}

/// Nulls and empty records cost no bytes: their number has a limit, over all blocks of a value.
fn items_without_bytes() {
    let mut runner = TestRunner::deterministic();
    let mut event = support::everything(0)
        .new_tree(&mut runner)
        .unwrap()
        .current();
    let mut with = |nothings: usize, markers: usize| {
        event.nothings = vec![(); nothings];
        event
            .markers
            .resize(markers, kolo_avro_tests::kinds::Marker {});
        let mut value = Vec::new();
        event.encode(&mut value);
        decode::<Everything>(&value)
    };
    assert!(with(ZERO_WIDTH_ITEMS, 0).is_ok());
    assert!(
        with(ZERO_WIDTH_ITEMS, 1)
            .unwrap_err()
            .contains("field `markers`: more than")
    );
    assert!(
        with(ZERO_WIDTH_ITEMS + 1, 0)
            .unwrap_err()
            .contains("field `nothings`: more than")
    );
    assert!(
        with(1 << 22, 0)
            .unwrap_err()
            .contains("more than 65536 items"),
        "a list of units takes no memory"
    );
}
