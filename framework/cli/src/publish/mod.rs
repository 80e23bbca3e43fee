//! `kolo publish`: events from outside to their topic.
//!
//! The whole input is checked before the first record is sent, so that a bad line in the middle of a file publishes
//! nothing. The price is memory: the encoded events are held until they are sent.

mod input;
mod send;

use std::io::Write;

use kolo_avro::dynamic::EventSchema;
use kolo_kafka::Config;
use kolo_registry::{Registry, RegistryError};
use serde_json::{Value, json};

use crate::args::Publish;
use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::owner::{Kind, kind_of};
use crate::schemas::Schemas;
use crate::terminal::{DIM, EVENT, Interrupt, KEY, PLACE, is_watched, note, paint};

use input::Item;
use send::{Outcome, Receipt};

/// `ce_source` of what this command publishes.
const SOURCE: &str = "/kolo/publish";

pub(crate) fn run(
    args: &Publish,
    config: impl Fn() -> Result<Config, Failure>,
) -> Result<(), Failure> {
    let schemas = Schemas::load(args.schemas.schemas.as_deref())?;
    let event = schemas.event(&args.event)?;
    if args.json.is_none() && args.file.is_none() {
        let example = schemas.example(&event)?;
        let doc = event
            .doc()
            .map(|doc| format!("\n{doc}"))
            .unwrap_or_default();
        return Err(Failure::input(format!(
            "no event is given: name it as JSON, or a file with --file. An example, for the topic `{}` with the key `{}`:\n  kolo publish {} '{example}'{doc}",
            event.topic(),
            event.key_field(),
            event.short_name(),
        )));
    }
    let mut items = input::read(args, &event)?;
    if args.dry_run {
        return show_plan(args, &items, event.topic());
    }
    if items.is_empty() {
        note("the file has no events: nothing is published.");
        return Ok(());
    }
    let config = config()?;
    let cluster = Cluster::connect(&config)?;
    let topic = cluster.topic(event.topic())?;
    refuse_unless_open(
        &kind_of(&cluster.reader, topic)?,
        event.topic(),
        event.short_name(),
    )?;
    drop(cluster);
    frame_by_id(&mut items, &schemas, &event, &config)?;

    let interrupt = Interrupt::listen()?;
    let outcome = send::send(&config, event.topic(), &items, args.rate, &interrupt)?;
    show(args, &items, &outcome, event.topic())?;
    judge(args, &items, &outcome, event.topic(), &config.bootstrap)
}

/// Where there is a schema registry, values name their schema by the id that it gave.
fn frame_by_id(
    items: &mut [Item],
    schemas: &Schemas,
    event: &EventSchema<'_>,
    config: &Config,
) -> Result<(), Failure> {
    if !config.registry.is_set() {
        return Ok(());
    }
    let registry =
        Registry::open(&config.registry).map_err(|error| Failure::input(error.to_string()))?;
    let schema = kolo_registry::Schema {
        event: event.name(),
        topic: event.topic(),
        text: &schemas.text(event),
    };
    let writer = registry.writer(&[schema]).map_err(|error| {
        let next = match error {
            RegistryError::Absent { .. } => {
                ". Register the schema first, or let this command do it with KOLO_REGISTRY_REGISTER=true"
            }
            _ => "",
        };
        Failure::run(format!("nothing is published: {error}{next}"))
    })?;
    let mut framed = Vec::new();
    for item in items {
        match writer.frame(&item.encoded.value, &mut framed) {
            Ok(value) => item.encoded.value = value.to_vec(),
            Err(fingerprint) => {
                return Err(Failure::run(format!(
                    "nothing is published: the registry was not asked for the schema {fingerprint:016x}"
                )));
            }
        }
    }
    Ok(())
}

/// Nobody but the owner writes a stream: a foreign record in it is void, and would only confuse.
fn refuse_unless_open(kind: &Kind, topic: &str, event: &str) -> Result<(), Failure> {
    let why = match kind {
        Kind::Open => return Ok(()),
        Kind::Stream { partition, .. } => match kind.owner() {
            Some(owner) => {
                format!(
                    "it is the stream of {owner} (so says the fence in partition {partition}), and nobody but its owner writes a stream"
                )
            }
            None => format!(
                "it is a stream (partition {partition} holds records of an owner), and nobody but its owner writes a stream"
            ),
        },
        Kind::Inbox => "it is an inbox, which a router fills with copies".to_owned(),
        Kind::Own => "it is a topic of kolo's own".to_owned(),
    };
    Err(Failure::input(format!(
        "{event} cannot be published: its topic is `{topic}`, and {why}. Publish the event from outside that the aggregate reacts to; a service's `describe` lists those, and `kolo tail {topic}` shows what the stream holds."
    )))
}

fn line_in_words(item: &Item) -> String {
    item.line
        .map_or_else(String::new, |line| format!("line {line}: "))
}

fn show_plan(args: &Publish, items: &[Item], topic: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    for item in items {
        let (event, bytes) = (&item.encoded, item.encoded.value.len());
        if args.json_output {
            let value: String = event
                .value
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let plan = json!({
                "event": event.name, "topic": topic, "key": event.key, "id": item.id, "line": item.line, "value_hex": value,
            });
            writeln!(out, "{plan}")?;
        } else {
            let (key, id) = (paint(KEY, &event.key), &item.id);
            let name = paint(EVENT, &event.name);
            writeln!(
                out,
                "{}{name} to {}, key {key}, id {id}, {bytes} bytes",
                line_in_words(item),
                paint(PLACE, topic)
            )?;
        }
    }
    out.flush()?;
    note(&format!(
        "dry run: {} checked, nothing was sent.",
        events(items.len())
    ));
    Ok(())
}

fn show(args: &Publish, items: &[Item], outcome: &Outcome, topic: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    let receipts = items.iter().zip(&outcome.receipts);
    for (item, receipt) in receipts {
        let event = &item.encoded;
        if args.json_output {
            writeln!(out, "{}", receipt_json(item, receipt, topic))?;
        } else if let (None, Receipt::Acknowledged { partition, offset }) = (item.line, receipt) {
            writeln!(
                out,
                "{} published to {}, key {}, id {}",
                paint(EVENT, &event.name),
                paint(PLACE, format!("{topic}[{partition}]@{offset}")),
                paint(KEY, &event.key),
                item.id
            )?;
        }
    }
    if args.file.is_some() && !args.json_output {
        let seconds = outcome.took.as_secs_f64();
        let rate = outcome.acknowledged() as f64 / seconds.max(0.001);
        let pace = paint(DIM, format!("in {seconds:.1} s, {rate:.0} a second"));
        writeln!(
            out,
            "{} of {} acknowledged by {} {pace}",
            outcome.acknowledged(),
            events(items.len()),
            paint(PLACE, topic)
        )?;
    }
    out.flush()?;
    Ok(())
}

fn receipt_json(item: &Item, receipt: &Receipt, topic: &str) -> Value {
    let event = &item.encoded;
    let mut object = json!({
        "event": event.name, "topic": topic, "key": event.key, "id": item.id, "line": item.line, "acknowledged": false,
    });
    match receipt {
        Receipt::Acknowledged { partition, offset } => {
            object["acknowledged"] = true.into();
            object["partition"] = (*partition).into();
            object["offset"] = (*offset).into();
        }
        Receipt::Failed(reason) => object["error"] = reason.as_str().into(),
        Receipt::Unsent => object["error"] = "not sent".into(),
        Receipt::Unknown => object["error"] = "sent, and not acknowledged so far".into(),
    }
    object
}

/// Fails unless everything was acknowledged, and says how to go on.
fn judge(
    args: &Publish,
    items: &[Item],
    outcome: &Outcome,
    topic: &str,
    bootstrap: &str,
) -> Result<(), Failure> {
    let acknowledged = outcome.acknowledged();
    if acknowledged == items.len() {
        return Ok(());
    }
    let first = items
        .iter()
        .zip(&outcome.receipts)
        .find(|(_, receipt)| !matches!(receipt, Receipt::Acknowledged { .. }));
    let Some((item, receipt)) = first else {
        return Ok(());
    };
    let reason = match receipt {
        Receipt::Failed(reason) => format!("not acknowledged: {reason}"),
        Receipt::Unknown => "sent, and not acknowledged so far".to_owned(),
        _ => "not sent".to_owned(),
    };
    let begin = if outcome.interrupted {
        "interrupted"
    } else {
        "not everything was published"
    };
    let again = match &args.id {
        Some(id) => format!("Publish it again with --id {id}: what has arrived is recognised as a repeat."),
        None if args.file.is_some() => {
            "What was not acknowledged may have arrived all the same; with --id, a file can be published again, and what has arrived is recognised.".to_owned()
        }
        None => format!("It may have arrived all the same: publish it again with --id {}, and then it is recognised as a repeat.", item.id),
    };
    Err(Failure::run(format!(
        "{begin}: {acknowledged} of {} acknowledged by `{topic}` at {bootstrap}; {}{} {reason}. {again}",
        events(items.len()),
        line_in_words(item),
        item.encoded.name,
    )))
}

fn events(count: usize) -> String {
    if count == 1 {
        "1 event".to_owned()
    } else {
        format!("{count} events")
    }
}

/// Progress on a terminal; nothing elsewhere.
fn progress(total: usize) -> indicatif::ProgressBar {
    if total < 2 || !is_watched() {
        return indicatif::ProgressBar::hidden();
    }
    let bar = indicatif::ProgressBar::new(total as u64);
    if let Ok(style) =
        indicatif::ProgressStyle::with_template("{bar:30} {pos}/{len} acknowledged, {eta} left")
    {
        bar.set_style(style);
    }
    bar
}
