//! `kolo schema list`: all events, and how they stand.

use std::io::Write;

use serde_json::{Value, json};

use super::graph::Services;
use super::print_json;
use super::project::{Event, Project, word};
use crate::failure::Failure;
use crate::terminal::{DIM, EVENT, PLACE, paint};

pub(super) fn run(project: &Project, services: &Services, json: bool) -> Result<(), Failure> {
    let events: Vec<Event<'_>> = project.events().collect();
    if json {
        let rows = events.iter().map(|event| row(event, services));
        return print_json(&Value::Array(rows.collect()));
    }
    let mut out = anstream::stdout().lock();
    let width = |text: &dyn Fn(&Event<'_>) -> usize| events.iter().map(text).max().unwrap_or(0);
    let (name, topic, owner) = (
        width(&|event| event.short().len()).max(5),
        width(&|event| event.of.properties.topic.len()).max(5),
        width(&|event| event.owner().len()).max(5),
    );
    let readers = if services.is_told() { "readers" } else { "" };
    let head = format!(
        "{:name$}  version  state      {:topic$}  {:owner$}  {readers}",
        "event", "topic", "owner"
    );
    writeln!(out, "{}", paint(DIM, head.trim_end()))?;
    for event in &events {
        let version = event.versions().last();
        let version = version.map_or_else(|| "-".to_owned(), |version| version.number.to_string());
        let owner = if services.is_told() {
            format!(
                "{:owner$}  {:>7}",
                event.owner(),
                readers_of(event, services).len()
            )
        } else {
            event.owner().to_owned()
        };
        writeln!(
            out,
            "{}  {version:>7}  {:9}  {}  {owner}",
            paint(EVENT, format!("{:name$}", event.short())),
            word(event.state()),
            paint(PLACE, format!("{:topic$}", event.of.properties.topic)),
        )?;
    }
    Ok(())
}

fn row(event: &Event<'_>, services: &Services) -> Value {
    let readers = services.is_told().then(|| readers_of(event, services));
    json!({
        "event": event.name(),
        "version": event.versions().last().map(|version| version.number),
        "state": word(event.state()),
        "topic": event.of.properties.topic,
        "owner": event.owner(),
        "readers": readers,
    })
}

/// The aggregates that answer it, each once.
fn readers_of(event: &Event<'_>, services: &Services) -> Vec<String> {
    let readers = services.readers(event.name());
    let mut names: Vec<String> = readers
        .iter()
        .map(|reader| format!("{}.{}", reader.service, reader.aggregate))
        .collect();
    names.sort();
    names.dedup();
    names
}
