//! Events as values of apache-avro.

use std::sync::LazyLock;

use apache_avro::Schema;
use apache_avro::types::Value;
use kolo_avro::Decimal;
use kolo_avro_tests::kinds::{Address, Color, Everything};

/// The schema of [`Everything`], as it was published: one text without references to files.
pub(crate) const EVERYTHING: &str = include_str!("../../published/kinds/Everything/1.avsc");

/// The schema for apache-avro.
pub(crate) static SCHEMA: LazyLock<Schema> =
    LazyLock::new(|| Schema::parse_str(EVERYTHING).unwrap());

fn nullable(null: u32, value: Option<Value>) -> Value {
    match value {
        Some(value) => Value::Union(1 - null, Box::new(value)),
        None => Value::Union(null, Box::new(Value::Null)),
    }
}

fn bytes_of<const P: u32, const S: u32>(decimal: Decimal<P, S>) -> Value {
    let mut bytes = decimal.unscaled().to_be_bytes().to_vec();
    // The shortest two's complement, which is what Java's BigInteger gives.
    while bytes.len() > 1
        && (bytes[0] == 0 && bytes[1] < 0x80 || bytes[0] == 0xFF && bytes[1] >= 0x80)
    {
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
    let index = [Color::Red, Color::DarkGreen, Color::Blue]
        .iter()
        .position(|one| *one == color)
        .unwrap();
    Value::Enum(u32::try_from(index).unwrap(), color.symbol().to_owned())
}

fn address_of(address: &Address) -> Value {
    record(vec![
        ("street", Value::String(address.street.clone())),
        ("zip", nullable(0, address.zip.clone().map(Value::String))),
        (
            "at",
            record(vec![
                ("x", Value::Double(address.at.x)),
                ("y", Value::Float(address.at.y)),
            ]),
        ),
    ])
}

fn record(fields: Vec<(&str, Value)>) -> Value {
    Value::Record(
        fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
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
        (
            "long_price",
            nullable(0, e.long_price.map(|price| fixed_of(price, 20))),
        ),
        ("hash", Value::Fixed(16, e.hash.to_vec())),
        ("color", color_of(e.color)),
        ("maybe_color", nullable(0, e.maybe_color.map(color_of))),
        ("address", address_of(&e.address)),
        (
            "maybe_address",
            nullable(1, e.maybe_address.as_ref().map(address_of)),
        ),
        (
            "maybe_day",
            nullable(0, e.maybe_day.map(|day| Value::Date(day.0))),
        ),
        (
            "maybe_text",
            nullable(1, e.maybe_text.clone().map(Value::String)),
        ),
        (
            "maybe_sku",
            nullable(0, e.maybe_sku.clone().map(|sku| Value::String(sku.0))),
        ),
        ("revision", Value::Long(e.revision.0)),
        ("addresses", list(&e.addresses, address_of)),
        ("grid", list(&e.grid, |row| list(row, |n| Value::Long(*n)))),
        ("colors", list(&e.colors, |color| color_of(*color))),
        ("skus", list(&e.skus, |sku| Value::String(sku.0.clone()))),
        (
            "hashes",
            list(&e.hashes, |hash| Value::Fixed(16, hash.to_vec())),
        ),
        (
            "times",
            list(&e.times, |time| {
                nullable(0, time.map(|time| Value::TimestampMillis(time.0)))
            }),
        ),
        ("prices", list(&e.prices, |price| bytes_of(*price))),
        (
            "maybe_list",
            nullable(
                0,
                e.maybe_list
                    .as_ref()
                    .map(|all| list(all, |n| Value::Double(*n))),
            ),
        ),
        (
            "counts",
            Value::Map(
                e.counts
                    .iter()
                    .map(|(key, n)| (key.clone(), Value::Long(*n)))
                    .collect(),
            ),
        ),
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
