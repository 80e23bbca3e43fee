//! `replay plan`: what would be decided otherwise.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kolo_core::Service;
use kolo_core::processor::replay::{Compared, Finding, Said};
use serde_json::{Value, json};

use crate::config::Config;

use super::super::failure::Failure;
use super::super::parked::print_one;
use super::super::print;
use super::super::terminal::{harmless, key_shown, time};
use super::args::Plan;
use super::compare::{Aggregate, compare};

/// What is compared, and stands in the table.
const COLUMNS: [Finding; 5] = [
    Finding::Same,
    Finding::Different,
    Finding::Missing,
    Finding::Extra,
    Finding::Undecidable,
];

pub(super) fn run(service: &Service, config: &Config, args: &Plan) -> Result<(), Failure> {
    let all = compare(service, config, &args.filter)?;
    if args.json {
        let aggregates: Vec<Value> = all
            .iter()
            .map(|aggregate| aggregate_json(service, aggregate))
            .collect();
        print_one(&json!({ "aggregates": aggregates }))?;
    } else {
        let mut text = String::new();
        for aggregate in &all {
            table(&mut text, service, aggregate);
        }
        for aggregate in &all {
            examples(&mut text, service, aggregate, args.examples);
        }
        if all
            .iter()
            .any(|aggregate| aggregate.count(Finding::Missing) > 0)
        {
            let _ = writeln!(
                text,
                "`{} replay apply` has the missing answers given. What was decided otherwise stays: it is history.",
                service.name()
            );
        }
        print(&text)?;
    }
    if all.iter().all(|aggregate| aggregate.differing.is_empty()) {
        Ok(())
    } else {
        Err(Failure::Differs)
    }
}

fn table(text: &mut String, service: &Service, aggregate: &Aggregate) {
    let name = format!("{}.{}", service.name(), aggregate.name);
    let mut rows: Vec<[String; 6]> = Vec::new();
    for (on, counts) in &aggregate.counts {
        let count = |finding| counts.get(&finding).copied().unwrap_or(0);
        let numbers = COLUMNS.map(count);
        if numbers.iter().sum::<u64>() == 0 {
            continue;
        }
        let [a, b, c, d, e] = numbers.map(|number| number.to_string());
        rows.push([harmless(on), a, b, c, d, e]);
    }
    let compared: u64 = COLUMNS
        .iter()
        .map(|&finding| aggregate.count(finding))
        .sum();
    let _ = writeln!(text, "{name}: {compared} decisions compared");
    if !rows.is_empty() {
        let [a, b, c, d, e] = COLUMNS.map(|finding| finding.name().to_owned());
        rows.insert(0, ["on".to_owned(), a, b, c, d, e]);
    }
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max();
    let widths: Vec<usize> = (0..6).map(|at| width(at).unwrap_or(0)).collect();
    for row in &rows {
        let _ = write!(text, "  {:<first$}", row[0], first = widths[0]);
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            let _ = write!(text, "  {cell:>width$}");
        }
        text.push('\n');
    }
    let others = [
        (
            Finding::Reply,
            "answers to requests",
            "no port is called again",
        ),
        (Finding::Parked, "parked inputs", "a redrive decides them"),
        (
            Finding::Gone,
            "answers whose input is gone",
            "retention, or another topic",
        ),
    ];
    let others = others.map(|(finding, what, why)| (aggregate.count(finding), what, why));
    let others = others.iter().filter(|(number, ..)| *number > 0);
    let others: Vec<String> = others
        .map(|(number, what, why)| format!("{what}: {number} ({why})"))
        .collect();
    if !others.is_empty() {
        let _ = writeln!(text, "  not compared: {}", others.join("; "));
    }
    text.push('\n');
}

/// The first few of each kind.
fn examples(text: &mut String, service: &Service, aggregate: &Aggregate, most: usize) {
    let mut shown: BTreeMap<(&str, Finding), usize> = BTreeMap::new();
    for (partition, compared) in &aggregate.differing {
        let number = shown.entry((&compared.on, compared.finding)).or_default();
        *number += 1;
        if *number <= most {
            example(text, service, aggregate, *partition, compared);
        }
    }
    for ((on, finding), number) in shown.iter().filter(|(_, number)| **number > most) {
        let _ = writeln!(
            text,
            "… and {} more on {} that are {finding}: --examples {number} shows them, --json all\n",
            number - most,
            harmless(on)
        );
    }
}

fn example(
    text: &mut String,
    service: &Service,
    aggregate: &Aggregate,
    partition: i32,
    compared: &Compared,
) {
    let decided = &compared.decided;
    let _ = writeln!(
        text,
        "{}: {}.{} {}, on {} {}",
        compared.finding,
        service.name(),
        aggregate.name,
        key_shown(&compared.key),
        harmless(&compared.on),
        compared.id,
    );
    if let Some(place) = &compared.place {
        let _ = writeln!(
            text,
            "  input     {}[{}]@{}, of {}",
            harmless(&place.topic),
            place.partition,
            place.offset,
            time(compared.published)
        );
    }
    let how = if compared.finding == Finding::Missing {
        "decided   with nothing, before"
    } else {
        "decided  "
    };
    let _ = writeln!(
        text,
        "  {how} {}, by version {}, at offset {} of partition {partition}",
        time(decided.at),
        decided.version,
        decided.offset
    );
    said(text, "recorded ", &compared.recorded);
    match &compared.failure {
        Some(failure) => {
            let _ = writeln!(
                text,
                "  today     {}: {}",
                failure.class,
                harmless(&failure.message)
            );
        }
        None => said(text, "today    ", &compared.today),
    }
    text.push('\n');
}

fn said(text: &mut String, when: &str, all: &[Said]) {
    if all.is_empty() {
        let _ = writeln!(text, "  {when} nothing");
    }
    for (at, said) in all.iter().enumerate() {
        let when = if at == 0 { when } else { "         " };
        let _ = writeln!(text, "  {when} {}", harmless(&said.text));
    }
}

fn aggregate_json(service: &Service, aggregate: &Aggregate) -> Value {
    let on = aggregate.counts.iter().map(|(on, counts)| {
        let mut row = json!({ "on": on });
        for finding in Finding::ALL {
            row[finding.name()] = json!(counts.get(&finding).copied().unwrap_or(0));
        }
        row
    });
    let differing = aggregate.differing.iter();
    let differing = differing.map(|(partition, compared)| compared_json(*partition, compared));
    json!({
        "aggregate": format!("{}.{}", service.name(), aggregate.name),
        "decisions": on.collect::<Vec<_>>(),
        "differing": differing.collect::<Vec<_>>(),
    })
}

fn compared_json(partition: i32, compared: &Compared) -> Value {
    let said = |all: &[Said]| -> Value {
        let all = all.iter();
        all.map(|said| json!({ "type": said.event_type, "id": said.id, "event": said.text }))
            .collect()
    };
    let place = compared.place.as_ref();
    let failure = compared.failure.as_ref();
    json!({
        "finding": compared.finding.name(),
        "on": compared.on,
        "key": compared.key,
        "id": compared.id,
        "correlation": compared.correlation,
        "input": place.map(|place| json!({
            "topic": place.topic, "topic_id": place.id, "partition": place.partition, "offset": place.offset,
        })),
        "published": time(compared.published),
        "decided": {
            "partition": partition,
            "offset": compared.decided.offset,
            "at": time(compared.decided.at),
            "epoch": compared.decided.epoch,
            "version": compared.decided.version,
        },
        "recorded": said(&compared.recorded),
        "today": said(&compared.today),
        "failure": failure.map(|failure| json!({
            "class": failure.class, "function": failure.function, "message": failure.message,
        })),
        "can_be_applied": compared.replay.is_some(),
    })
}
