//! `parked list`: the keys that are parked now, each with the record that it is parked for.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufWriter, Write};

use kolo_core::wire::{Parked, ParkedQueues};
use kolo_core::{Service, Timestamp};
use serde_json::json;

use crate::config::Config;
use crate::worker::record::now;

use super::super::failure::Failure;
use super::super::print;
use super::super::terminal::{age, columns, count, cut, harmless, key_shown, time};
use super::args::{By, List};
use super::json::print_all;
use super::select::{Found, Wanted};
use super::streams::Streams;

/// How far a row's second line is indented.
const INDENT: &str = "    ";

pub(super) fn run(service: &Service, config: &Config, args: &List) -> Result<(), Failure> {
    let aggregate = args.filter.aggregate.as_deref();
    let mut streams = Streams::open(service, config, aggregate, &ParkedQueues::without_bytes())?;
    streams.read_to_end()?;
    let wanted = Wanted {
        key: args.key.as_deref(),
        since: args.since,
        ..Wanted::of(&args.filter)
    };
    let found = streams.found(&wanted);
    match (args.by, args.json) {
        (By::Key, true) => print_all(found.iter().map(|found| streams.key_json(found))),
        (By::Fingerprint, true) => print_all(alike(&streams, &found).map(|alike| alike.json())),
        _ if found.is_empty() => print("Nothing is parked.\n"),
        (By::Key, false) => by_key(&streams, &found),
        (By::Fingerprint, false) => by_fingerprint(&streams, &found),
    }
}

fn by_key(streams: &Streams<'_>, found: &[Found<'_>]) -> Result<(), Failure> {
    let (columns, now) = (columns(), now());
    let mut out = BufWriter::new(std::io::stdout().lock());
    // A key takes what the other columns leave of a terminal.
    let longest = found
        .iter()
        .map(|found| key_shown(&found.at.key).chars().count());
    let room = columns.map_or(usize::MAX, |columns| columns.saturating_sub(50).max(12));
    let width = longest.max().unwrap_or(3).clamp(3, room);
    let mut stream = None;
    for found in found {
        if stream != Some(found.at.stream) {
            let gap = if stream.is_some() { "\n" } else { "" };
            writeln!(out, "{gap}{}", streams.aggregate(&found.at))?;
            writeln!(
                out,
                "{:<width$}  RECORDS   SINCE  TRIED  CLASS   RECORD",
                "KEY"
            )?;
            stream = Some(found.at.stream);
        }
        let parked = &found.first.parked;
        let key = cut(&key_shown(&found.at.key), Some(width));
        let row = format!(
            "{key:<width$}  {:>7}  {:>6}  {:>5}  {:<6}  {}",
            found.records,
            age(now.since(found.first.since)),
            parked.attempts,
            parked.failure.class.name(),
            harmless(&what(parked)),
        );
        writeln!(out, "{}", cut(&row, columns))?;
        let message = format!("{INDENT}{}", harmless(&parked.failure.message));
        writeln!(out, "{}", cut(&message, columns))?;
    }
    let (keys, records) = (found.len(), found.iter().map(|found| found.records).sum());
    let service = streams.service.name();
    writeln!(
        out,
        "\n{} parked, {}. `{service} parked show KEY` shows all of a key",
        count(keys, "key"),
        count(records, "record")
    )?;
    Ok(out.flush()?)
}

/// The record in a few words: where it stands, or what it is.
pub(super) fn what(parked: &Parked) -> String {
    let event_type = parked.event_type.as_deref();
    let short = event_type.map_or("", |name| name.rsplit('.').next().unwrap_or(name));
    match &parked.place {
        Some(place) => format!("{}[{}]@{}", place.topic, place.partition, place.offset),
        None if short.is_empty() => format!("its deadline of {}", time(parked.at)),
        None => format!("its request {short}"),
    }
}

/// Keys that are parked for the same failure.
struct Alike<'a> {
    aggregate: String,
    fingerprint: String,
    keys: usize,
    records: usize,
    since: Timestamp,
    example: &'a str,
}

impl Alike<'_> {
    fn json(&self) -> serde_json::Value {
        json!({
            "aggregate": self.aggregate,
            "fingerprint": self.fingerprint,
            "keys": self.keys,
            "records": self.records,
            "since": time(self.since),
            "example": self.example,
        })
    }
}

/// By how many keys each failure has, the most first.
fn alike<'a>(
    streams: &Streams<'_>,
    found: &'a [Found<'_>],
) -> impl Iterator<Item = Alike<'a>> + use<'a> {
    let mut all = BTreeMap::new();
    for found in found {
        let fingerprint = found.first.parked.failure.fingerprint();
        let alike = all
            .entry((found.at.stream, fingerprint.clone()))
            .or_insert_with(|| Alike {
                aggregate: streams.aggregate(&found.at),
                fingerprint,
                keys: 0,
                records: 0,
                since: found.first.since,
                example: &found.at.key,
            });
        alike.keys += 1;
        alike.records += found.records;
        alike.since = alike.since.min(found.first.since);
    }
    let mut all: Vec<Alike<'a>> = all.into_values().collect();
    all.sort_by_key(|alike| std::cmp::Reverse(alike.keys));
    all.into_iter()
}

fn by_fingerprint(streams: &Streams<'_>, found: &[Found<'_>]) -> Result<(), Failure> {
    let (columns, now) = (columns(), now());
    let mut text = String::from("  KEYS  RECORDS  OLDEST  FINGERPRINT\n");
    for alike in alike(streams, found) {
        let row = format!(
            "{:>6}  {:>7}  {:>6}  {}",
            alike.keys,
            alike.records,
            age(now.since(alike.since)),
            harmless(&alike.fingerprint)
        );
        let example = format!(
            "{INDENT}{}, for example {}",
            alike.aggregate,
            key_shown(alike.example)
        );
        let _ = writeln!(text, "{}\n{}", cut(&row, columns), cut(&example, columns));
    }
    print(&text)
}
