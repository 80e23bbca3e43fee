//! An order of 174 bytes, written and read by generated code, and by apache-avro from a struct of the same fields.
//!
//! `cargo bench -p kolo-avro-tests`

#![allow(clippy::unwrap_used, reason = "a benchmark that fails has no figures")]

use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use apache_avro::{Schema, from_value};
use divan::{Bencher, black_box};
use kolo_avro::TimestampMillis;
use kolo_avro::codec::frame::{self, FRAME_BYTES};
use kolo_avro::codec::{Meaning, ids};
use kolo_avro_tests::evolving::Shipment;
use kolo_avro_tests::shop::{Line, OrderPlaced};
use kolo_core::Event;
use kolo_registry::Writer;
use uuid::Uuid;

fn main() {
    assert_eq!(body().len(), 174, "the size that the figures are for");
    let (schema, plain) = (schema(), plain());
    let theirs = GenericDatumWriter::builder(&schema)
        .human_readable(true)
        .build()
        .unwrap();
    assert_eq!(
        theirs.write_ser_to_vec(&plain).unwrap(),
        body(),
        "both write the same"
    );
    divan::main();
}

fn order() -> OrderPlaced {
    let line = |n: i32, sku: &str| Line {
        sku: sku.to_owned(),
        quantity: n,
        unit_price_cents: 1_250 * i64::from(n),
    };
    OrderPlaced {
        order_id: Uuid::from_u128(0x0192_6b1e_7c5a_7000_8000_0000_0000_4711),
        customer_id: Uuid::from_u128(0x5f0c_9a44_1d2b_4c3e_9a77_1234_5678_9abc),
        lines: vec![
            line(1, "coffee-beans-1kg"),
            line(2, "filter-paper-100"),
            line(3, "mug-white-300ml-xxl"),
            line(12, "descaler-500ml-x"),
        ],
        currency: "EUR".to_owned(),
        total_cents: 197_500,
        placed_at: TimestampMillis(1_780_000_000_000),
        note: None,
    }
}

fn framed() -> Vec<u8> {
    let mut out = Vec::new();
    order().encode(&mut out);
    out
}

fn body() -> Vec<u8> {
    framed()[FRAME_BYTES..].to_vec()
}

#[divan::bench]
fn encode_generated(bencher: Bencher<'_, '_>) {
    let order = order();
    let mut out = Vec::with_capacity(512);
    bencher.bench_local(|| {
        out.clear();
        black_box(&order).encode(&mut out);
        black_box(out.len())
    });
}

#[divan::bench]
fn decode_generated(bencher: Bencher<'_, '_>) {
    let value = framed();
    bencher.bench_local(|| OrderPlaced::decode(black_box(&value)));
}

/// As with a schema registry, by an id that the thread has seen.
#[divan::bench]
fn decode_generated_by_id(bencher: Bencher<'_, '_>) {
    let value = by_id();
    bencher.bench_local(|| OrderPlaced::decode(black_box(&value)));
}

/// What a worker does before it decodes, where there is a registry: is the id known?
#[divan::bench]
fn is_the_id_known(bencher: Bencher<'_, '_>) {
    let value = by_id();
    bencher.bench_local(|| frame::open(black_box(&value)));
}

/// What an append costs more where there is a registry.
#[divan::bench]
fn encode_frame_by_id(bencher: Bencher<'_, '_>) {
    let (value, mut out) = (framed(), Vec::with_capacity(512));
    let writer = Writer::from_iter([(frame::fingerprint(&value).unwrap(), ID)]);
    bencher.bench_local(|| {
        let framed = writer.frame(black_box(&value), &mut out);
        black_box(framed.map(<[u8]>::len))
    });
}

const ID: u32 = 100_123;

fn by_id() -> Vec<u8> {
    let fingerprint = frame::fingerprint(&framed()).unwrap();
    ids::learn(
        ID,
        Meaning::schema(
            fingerprint,
            OrderPlaced::TYPE.name,
            OrderPlaced::TYPE.schema,
        ),
    );
    [frame::registry_frame(ID).as_slice(), &body()].concat()
}

/// The golden sample of each published version, read as the current one, which is the third.
#[divan::bench(args = [1, 2, 3])]
fn decode_version(bencher: Bencher<'_, '_>, version: usize) {
    const SAMPLES: [&[u8]; 3] = [
        include_bytes!("../published/evolving/Shipment/1.bin"),
        include_bytes!("../published/evolving/Shipment/2.bin"),
        include_bytes!("../published/evolving/Shipment/3.bin"),
    ];
    let value = SAMPLES[version - 1];
    bencher.bench_local(|| Shipment::decode(black_box(value)));
}

/// The same schemas in a build to which no version was published.
#[allow(unreachable_pub, reason = "generated for the root of a crate")]
mod alone {
    include!(concat!(env!("OUT_DIR"), "/alone.rs"));
}

/// The first version, resolved by what a registry says of its id; to be held against `decode_version` of 1.
#[divan::bench]
fn decode_foreign(bencher: Bencher<'_, '_>) {
    const SAMPLE: &[u8] = include_bytes!("../published/evolving/Shipment/1.bin");
    const TEXT: &str = include_str!("../published/evolving/Shipment/1.avsc");
    let fingerprint = frame::fingerprint(SAMPLE).unwrap();
    ids::learn(
        ID + 1,
        Meaning::schema(fingerprint, Shipment::TYPE.name, TEXT),
    );
    let body = &SAMPLE[FRAME_BYTES..];
    let value = [frame::registry_frame(ID + 1).as_slice(), body].concat();
    bencher.bench_local(|| alone::evolving::Shipment::decode(black_box(&value)));
}

/// The fields as serde sees them; uuids are texts in their schema.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename = "OrderPlaced")]
struct PlainOrder {
    order_id: Uuid,
    customer_id: Uuid,
    lines: Vec<PlainLine>,
    currency: String,
    total_cents: i64,
    placed_at: i64,
    note: Option<String>,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename = "Line")]
struct PlainLine {
    sku: String,
    quantity: i32,
    unit_price_cents: i64,
}

fn plain() -> PlainOrder {
    let order = order();
    PlainOrder {
        order_id: order.order_id,
        customer_id: order.customer_id,
        lines: order
            .lines
            .into_iter()
            .map(|line| PlainLine {
                sku: line.sku,
                quantity: line.quantity,
                unit_price_cents: line.unit_price_cents,
            })
            .collect(),
        currency: order.currency,
        total_cents: order.total_cents,
        placed_at: order.placed_at.0,
        note: order.note,
    }
}

fn schema() -> Schema {
    Schema::parse_str(include_str!("../published/shop/OrderPlaced/1.avsc")).unwrap()
}

#[divan::bench]
fn encode_apache_serde(bencher: Bencher<'_, '_>) {
    let (schema, plain) = (schema(), plain());
    let writer = GenericDatumWriter::builder(&schema)
        .human_readable(true)
        .build()
        .unwrap();
    let mut out = Vec::with_capacity(512);
    bencher.bench_local(|| {
        out.clear();
        writer.write_ser(&mut out, black_box(&plain)).unwrap()
    });
}

#[divan::bench]
fn decode_apache_serde(bencher: Bencher<'_, '_>) {
    let (schema, body) = (schema(), body());
    let reader = GenericDatumReader::builder(&schema)
        .human_readable(true)
        .build()
        .unwrap();
    bencher.bench_local(|| {
        reader
            .read_deser::<PlainOrder>(&mut black_box(body.as_slice()))
            .unwrap()
    });
}

/// The way that resolves versions in apache-avro: read to a tree of values, resolve, then to a struct.
#[divan::bench]
fn decode_apache_value(bencher: Bencher<'_, '_>) {
    let (schema, body) = (schema(), body());
    let reader = GenericDatumReader::builder(&schema)
        .reader_schema(&schema)
        .human_readable(true)
        .build()
        .unwrap();
    bencher.bench_local(|| {
        let value: Value = reader.read_value(&mut black_box(body.as_slice())).unwrap();
        from_value::<PlainOrder>(&value).unwrap()
    });
}
