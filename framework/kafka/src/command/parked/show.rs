//! `parked show`: every parked record of a key, whole.

use std::fmt::Write as _;

use kolo_core::Service;
use kolo_core::wire::{FailureClass, HeaderValue, Parked, ParkedKind, ParkedQueues, Queued};
use serde_json::json;

use crate::config::Config;
use crate::worker::record::now;

use super::super::failure::Failure;
use super::super::print;
use super::super::sensitive::{HIDDEN, Sensitive};
use super::super::terminal::{age, count, harmless, hex, key_shown, time};
use super::args::Show;
use super::json::{print_all, whole_json};
use super::select::{Found, Wanted};
use super::streams::Streams;

/// How many bytes of a value stand in a line.
const LINE_BYTES: usize = 16;

pub(super) fn run(service: &Service, config: &Config, args: &Show) -> Result<(), Failure> {
    let queues = ParkedQueues::default();
    let mut streams = Streams::open(service, config, args.aggregate.as_deref(), &queues)?;
    streams.read_to_end()?;
    let found = streams.found(&Wanted::key(args.key.text()));
    if found.is_empty() {
        return Err(streams.not_parked(args.key.text()));
    }
    let sensitive = Sensitive::of(service, args.reveal);
    if args.json {
        return print_all(found.iter().map(|found| {
            let records = streams.part(&found.at).queues.of(&found.at.key);
            json!({
                "aggregate": streams.aggregate(&found.at),
                "partition": streams.part(&found.at).number,
                "key": found.at.key,
                "records": records.map(|queued| whole_json(queued, &sensitive)).collect::<Vec<_>>(),
            })
        }));
    }
    let texts = found.iter().map(|found| key(&streams, found, &sensitive));
    print(&texts.collect::<Vec<_>>().join("\n"))
}

fn key(streams: &Streams<'_>, found: &Found<'_>, sensitive: &Sensitive) -> String {
    let part = streams.part(&found.at);
    let stream = &streams.streams[found.at.stream];
    let mut text = format!(
        "{}, key {}: {} parked for {}, in {}[{}]\n",
        streams.aggregate(&found.at),
        key_shown(&found.at.key),
        count(found.records, "record"),
        age(now().since(found.first.since)),
        stream.topic,
        part.number
    );
    for (number, queued) in part.queues.of(&found.at.key).enumerate() {
        let _ = write!(text, "\n{}. {}", number + 1, record(queued, sensitive));
    }
    let _ = write!(
        text,
        "\nWhat to type next, once the cause is mended:\n  {}\nor, where nothing can mend it:\n  {}\n",
        streams.command("redrive", &found.at),
        streams.command("drop --reason '…'", &found.at)
    );
    text
}

/// One record in lines.
pub(super) fn record(queued: &Queued, sensitive: &Sensitive) -> String {
    let parked = &queued.parked;
    let failure = &parked.failure;
    let mut text = format!("{}: {}\n", failure.class, harmless(&failure.message));
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "   {name:<9} {value}");
    };
    if let Some(function) = &failure.function {
        line("function", harmless(function));
    }
    line("record", harmless(&described(parked)));
    line("id", parked.id.to_string());
    let at = match parked.kind {
        ParkedKind::Deadline => "due",
        ParkedKind::Input | ParkedKind::Request | ParkedKind::Route => "written",
    };
    line(at, time(parked.at));
    line("parked", time(queued.since));
    if failure.class != FailureClass::Behind || parked.attempts > 1 {
        let times = count(usize::try_from(parked.attempts).unwrap_or(0), "time");
        line("tried", format!("{times}, last at {}", time(queued.tried)));
    }
    for (at, (name, value)) in parked.headers.iter().enumerate() {
        let label = if at == 0 { "headers" } else { "" };
        let value = match value {
            _ if sensitive.hides_header(name) => HIDDEN.to_owned(),
            HeaderValue::Text(text) => harmless(text),
            HeaderValue::Bytes { .. } => value.bytes().map_or("(none)".to_owned(), hex),
        };
        line(label, format!("{}: {value}", harmless(name)));
    }
    for (at, value) in value(parked, sensitive).into_iter().enumerate() {
        line(if at == 0 { "value" } else { "" }, value);
    }
    text
}

fn described(parked: &Parked) -> String {
    let event_type = parked.event_type.as_deref().unwrap_or("no type");
    match (&parked.place, parked.kind) {
        (Some(place), kind) => {
            let copy = place
                .copy_of
                .map_or(String::new(), |(partition, position)| {
                    format!(
                        ", the copy of partition {partition} offset {}",
                        position.offset
                    )
                });
            let route = match kind {
                ParkedKind::Route => ", for keys that its route could not tell",
                _ => "",
            };
            format!(
                "{event_type}, {}[{}]@{}{copy}{route}",
                place.topic, place.partition, place.offset
            )
        }
        (None, ParkedKind::Deadline) => "a deadline".to_owned(),
        (None, _) => format!("{event_type}, a request"),
    }
}

/// The value's bytes in lines: as text where all of it is text, else in hex.
fn value(parked: &Parked, sensitive: &Sensitive) -> Vec<String> {
    let Some(bytes) = parked.value.as_deref() else {
        return match (parked.too_large, parked.kind) {
            (true, _) => vec!["too large to be kept here: it stands where the record does".into()],
            (false, ParkedKind::Deadline) => Vec::new(),
            (false, _) => vec!["(none)".into()],
        };
    };
    let size = count(bytes.len(), "byte");
    if sensitive.hides_value(parked.event_type.as_deref()) {
        let why = "something sensitive may be in it: `parked show --reveal` shows it";
        return vec![size, format!("{HIDDEN}, {why}")];
    }
    match std::str::from_utf8(bytes) {
        Ok("") => vec![size],
        Ok(text) if !text.chars().any(char::is_control) => vec![size, text.to_owned()],
        _ => {
            let dots = |byte: &u8| {
                if (32..127).contains(byte) {
                    char::from(*byte)
                } else {
                    '.'
                }
            };
            let lines = bytes.chunks(LINE_BYTES).map(|line| {
                let text: String = line.iter().map(dots).collect();
                format!("{:<48} {text}", hex(line))
            });
            [size].into_iter().chain(lines).collect()
        }
    }
}
