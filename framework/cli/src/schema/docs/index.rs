//! The index of all events, by owner.

use kolo_avro::versions::State;

use super::text::{cell, file};
use crate::schema::graph::Services;
use crate::schema::project::{Event, Project};
use crate::schema::show::mark;

pub(super) fn text(project: &Project, services: &Services) -> String {
    let mut events: Vec<Event<'_>> = project.events().collect();
    events.sort_by_key(|event| (event.owner(), event.name()));
    let mut text = "# Events\n\nAll that the services share, by owner.\n".to_owned();
    let mut owner = "";
    for event in &events {
        if event.owner() != owner {
            owner = event.owner();
            text += &format!(
                "\n## {owner}\n\n| event | what it says | topic | version | answered by |\n|---|---|---|---|---|\n"
            );
        }
        text += &row(event, services);
    }
    text
}

fn row(event: &Event<'_>, services: &Services) -> String {
    let properties = event.of.properties;
    let kind = mark(properties.mark).map_or_else(String::new, |mark| format!(", {mark}"));
    let private = if properties.public { "" } else { ", private" };
    let version = match (event.state(), event.versions().last()) {
        (State::Published { .. }, Some(newest)) => newest.number.to_string(),
        (_, Some(newest)) => format!("{}, and not published as it stands", newest.number),
        (_, None) => "not published".to_owned(),
    };
    let mut readers: Vec<String> = services
        .readers(event.name())
        .iter()
        .map(|reader| format!("{}.{}", reader.service, reader.aggregate))
        .collect();
    readers.dedup();
    let path = file(event.name());
    let path: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    format!(
        "| [`{}`]({}){kind}{private} | {} | `{}` | {version} | {} |\n",
        event.short(),
        path.join("/"),
        cell(event.of.record.doc.as_deref().unwrap_or_default()),
        properties.topic,
        cell(&readers.join(", ")),
    )
}
