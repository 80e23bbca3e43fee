//! Random events.

use std::collections::BTreeMap;

use kolo_avro::{Date, Decimal, TimestampMicros, TimestampMillis};
use kolo_avro_tests::kinds::{
    Address, Color, Everything, EverythingId, Marker, Point, Revision, Sku,
};
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use uuid::Uuid;

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
    (any::<String>(), of(any::<String>()), number(), any::<i16>()).prop_map(
        |(street, zip, x, y)| Address {
            street,
            zip,
            at: Point { x, y: f32::from(y) },
        },
    )
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
        (
            uuid(),
            any::<bool>(),
            any::<i32>(),
            any::<i64>(),
            any::<i16>(),
            number(),
        ),
        (
            vec(any::<u8>(), 0..40),
            any::<String>(),
            uuid(),
            any::<i32>(),
            any::<i64>(),
            any::<i64>(),
        ),
        (
            decimal::<9, 2>(),
            decimal::<38, 10>(),
            decimal::<18, 4>(),
            of(decimal::<38, 0>()),
            any::<[u8; 16]>(),
        ),
        (
            color(),
            of(color()),
            address(),
            of(address()),
            of(any::<i32>()),
            of(any::<String>()),
        ),
        (
            of(any::<String>()),
            any::<i64>(),
            any::<i32>(),
            any::<String>(),
        ),
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
        times: l
            .5
            .into_iter()
            .map(|time| time.map(TimestampMillis))
            .collect(),
        prices: l.6,
        maybe_list: l.7,
        counts: l.8,
        places: l.9,
        nothings: vec![(); l.10.0],
        markers: vec![Marker {}; l.10.1],
    })
}
