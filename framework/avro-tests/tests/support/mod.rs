//! Random events, and the same as values of apache-avro.

use std::collections::BTreeMap;

use apache_avro::Schema;
use apache_avro::types::Value;
use kolo_avro::{Date, Decimal, TimestampMicros, TimestampMillis};
use kolo_avro_tests::kinds::{Address, Color, Everything, EverythingId, Marker, Point, Revision, Sku};
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use uuid::Uuid;

/// The schema of [`Everything`], as it was published: one text without references to files.
pub(crate) const EVERYTHING: &str = include_str!("../../published/kinds/Everything/1.avsc");

/// The schema for apache-avro.
pub(crate) fn schema() -> Schema {
    Schema::parse_str(EVERYTHING).unwrap()
}

fn decimal<const P: u32, const S: u32>() -> impl Strategy<Value = Decimal<P, S>> {
    // Of every length, not only of the longest.
    (any::<i128>(), 1..=P).prop_map(|(n, digits)| Decimal::new(n % 10i128.pow(digits)).unwrap())
}

fn number() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("NaN equals nothing", |n| !n.is_nan())
}

fn uuid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn color() -> impl Strategy<Value = Color> {
    prop_oneof![Just(Color::Red), Just(Color::DarkGreen), Just(Color::Blue)]
}

fn address() -> impl Strategy<Value = Address> {
    (any::<String>(), of(any::<String>()), number(), any::<i16>()).prop_map(|(street, zip, x, y)| Address {
        street,
        zip,
        at: Point { x, y: f32::from(y) },
    })
}

fn map<T: std::fmt::Debug>(
    values: impl Strategy<Value = T>,
    entries: usize,
) -> impl Strategy<Value = BTreeMap<String, T>> {
    btree_map(any::<String>(), values, 0..=entries)
}

/// Random events whose maps have up to `entries` entries.
pub(crate) fn everything(entries: usize) -> impl Strategy<Value = Everything> {
    let scalars = (
        (uuid(), any::<bool>(), any::<i32>(), any::<i64>(), any::<i16>(), number()),
        (vec(any::<u8>(), 0..40), any::<String>(), uuid(), any::<i32>(), any::<i64>(), any::<i64>()),
        (decimal::<9, 2>(), decimal::<38, 10>(), decimal::<18, 4>(), of(decimal::<38, 0>()), any::<[u8; 16]>()),
        (color(), of(color()), address(), of(address()), of(any::<i32>()), of(any::<String>())),
        (of(any::<String>()), any::<i64>(), any::<i32>(), any::<String>()),
    );
    let lists = (
        vec(address(), 0..4),
        vec(vec(any::<i64>(), 0..4), 0..4),
        vec(color(), 0..5),
        vec(any::<String>(), 0..4),
        vec(any::<[u8; 16]>(), 0..3),
        vec(of(any::<i64>()), 0..4),
        vec(decimal::<4, 1>(), 0..4),
        of(vec(number(), 0..4)),
        map(any::<i64>(), entries),
        map(of(address()), entries),
        (0..100usize, 0..100usize),
    );
    (scalars, lists).prop_map(|((a, b, c, d, e), l)| Everything {
        id: EverythingId(a.0),
        flag: a.1,
        small: a.2,
        big: a.3,
        ratio: f32::from(a.4) / 8.0,
        exact: a.5,
        blob: b.0,
        text: b.1,
        nothing: (),
        other: b.2,
        day: Date(b.3),
        millis: TimestampMillis(b.4),
        micros: TimestampMicros(b.5),
        price: c.0,
        wide: c.1,
        fixed_price: c.2,
        long_price: c.3,
        hash: c.4,
        color: d.0,
        maybe_color: d.1,
        address: d.2,
        maybe_address: d.3,
        maybe_day: d.4.map(Date),
        maybe_text: d.5,
        maybe_sku: e.0.map(Sku),
        revision: Revision(e.1),
        r#type: e.2,
        postal_code: e.3,
        addresses: l.0,
        grid: l.1,
        colors: l.2,
        skus: l.3.into_iter().map(Sku).collect(),
        hashes: l.4,
        times: l.5.into_iter().map(|time| time.map(TimestampMillis)).collect(),
        prices: l.6,
        maybe_list: l.7,
        counts: l.8,
        places: l.9,
        nothings: vec![(); l.10.0],
        markers: vec![Marker {}; l.10.1],
    })
}

fn nullable(null: u32, value: Option<Value>) -> Value {
    match value {
        Some(value) => Value::Union(1 - null, Box::new(value)),
        None => Value::Union(null, Box::new(Value::Null)),
    }
}

fn bytes_of<const P: u32, const S: u32>(decimal: Decimal<P, S>) -> Value {
    let mut bytes = decimal.unscaled().to_be_bytes().to_vec();
    // The shortest two's complement, which is what Java's BigInteger gives.
    while bytes.len() > 1 && (bytes[0] == 0 && bytes[1] < 0x80 || bytes[0] == 0xFF && bytes[1] >= 0x80) {
        bytes.remove(0);
    }
    Value::Decimal(bytes.into())
}

fn fixed_of<const P: u32, const S: u32>(decimal: Decimal<P, S>, size: usize) -> Value {
    let sign = if decimal.unscaled() < 0 { 0xFF } else { 0 };
    let mut bytes = vec![sign; size.saturating_sub(16)];
    bytes.extend_from_slice(&decimal.unscaled().to_be_bytes()[16usize.saturating_sub(size)..]);
    Value::Decimal(bytes.into())
}

fn color_of(color: Color) -> Value {
    let index = [Color::Red, Color::DarkGreen, Color::Blue].iter().position(|one| *one == color).unwrap();
    Value::Enum(u32::try_from(index).unwrap(), color.symbol().to_owned())
}

fn address_of(address: &Address) -> Value {
    record(vec![
        ("street", Value::String(address.street.clone())),
        ("zip", nullable(0, address.zip.clone().map(Value::String))),
        ("at", record(vec![("x", Value::Double(address.at.x)), ("y", Value::Float(address.at.y))])),
    ])
}

fn record(fields: Vec<(&str, Value)>) -> Value {
    Value::Record(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn list<'a, T: 'a>(items: &'a [T], value: impl Fn(&'a T) -> Value) -> Value {
    Value::Array(items.iter().map(value).collect())
}

/// The same event as a value of apache-avro.
pub(crate) fn value_of(e: &Everything) -> Value {
    record(vec![
        ("id", Value::Uuid(e.id.0)),
        ("flag", Value::Boolean(e.flag)),
        ("small", Value::Int(e.small)),
        ("big", Value::Long(e.big)),
        ("ratio", Value::Float(e.ratio)),
        ("exact", Value::Double(e.exact)),
        ("blob", Value::Bytes(e.blob.clone())),
        ("text", Value::String(e.text.clone())),
        ("nothing", Value::Null),
        ("other", Value::Uuid(e.other)),
        ("day", Value::Date(e.day.0)),
        ("millis", Value::TimestampMillis(e.millis.0)),
        ("micros", Value::TimestampMicros(e.micros.0)),
        ("price", bytes_of(e.price)),
        ("wide", bytes_of(e.wide)),
        ("fixed_price", fixed_of(e.fixed_price, 8)),
        ("long_price", nullable(0, e.long_price.map(|price| fixed_of(price, 20)))),
        ("hash", Value::Fixed(16, e.hash.to_vec())),
        ("color", color_of(e.color)),
        ("maybe_color", nullable(0, e.maybe_color.map(color_of))),
        ("address", address_of(&e.address)),
        ("maybe_address", nullable(1, e.maybe_address.as_ref().map(address_of))),
        ("maybe_day", nullable(0, e.maybe_day.map(|day| Value::Date(day.0)))),
        ("maybe_text", nullable(1, e.maybe_text.clone().map(Value::String))),
        ("maybe_sku", nullable(0, e.maybe_sku.clone().map(|sku| Value::String(sku.0)))),
        ("revision", Value::Long(e.revision.0)),
        ("addresses", list(&e.addresses, address_of)),
        ("grid", list(&e.grid, |row| list(row, |n| Value::Long(*n)))),
        ("colors", list(&e.colors, |color| color_of(*color))),
        ("skus", list(&e.skus, |sku| Value::String(sku.0.clone()))),
        ("hashes", list(&e.hashes, |hash| Value::Fixed(16, hash.to_vec()))),
        ("times", list(&e.times, |time| nullable(0, time.map(|time| Value::TimestampMillis(time.0))))),
        ("prices", list(&e.prices, |price| bytes_of(*price))),
        ("maybe_list", nullable(0, e.maybe_list.as_ref().map(|all| list(all, |n| Value::Double(*n))))),
        ("counts", Value::Map(e.counts.iter().map(|(key, n)| (key.clone(), Value::Long(*n))).collect())),
        (
            "places",
            Value::Map(
                e.places
                    .iter()
                    .map(|(key, place)| (key.clone(), nullable(0, place.as_ref().map(address_of))))
                    .collect(),
            ),
        ),
        ("nothings", list(&e.nothings, |()| Value::Null)),
        ("markers", list(&e.markers, |_| record(vec![]))),
        ("type", Value::Int(e.r#type)),
        ("postalCode", Value::String(e.postal_code.clone())),
    ])
}
