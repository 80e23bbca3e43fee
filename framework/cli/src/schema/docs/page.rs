//! The page of one event.

use std::path::Path;

use kolo_avro::diff::changes;
use kolo_avro::schema::{EnumType, Mark, Named, Record};
use kolo_avro::versions::State;
use kolo_core::choreography::{Does, Use};

use super::text::{cell, link, relative};
use crate::schema::graph::Services;
use crate::schema::project::{Event, Project, hex, record, short};
use crate::schema::show::{mark, nested, type_words, upcasts};

/// The page, which will stand in `file`.
pub(super) fn text(
    project: &Project,
    event: &Event<'_>,
    services: &Services,
    file: &Path,
) -> String {
    let mut text = format!("# {}\n\n", event.short());
    if let Some(doc) = &event.of.record.doc {
        text += &format!("{doc}\n\n");
    }
    text += &facts(event, file);
    text += &fields(event);
    if services.is_told() {
        text += &choreography(project, event, services);
    }
    text += &versions(event);
    text
}

fn facts(event: &Event<'_>, file: &Path) -> String {
    let properties = event.of.properties;
    let mut text = "| | |\n|---|---|\n".to_owned();
    let mut put = |name: &str, value: String| text += &format!("| {name} | {value} |\n");
    put("full name", format!("`{}`", event.name()));
    put("topic", format!("`{}`", properties.topic));
    put("key", format!("`{}`", properties.key));
    if let Some(saga) = &properties.saga {
        put("saga", format!("`{saga}`"));
    }
    put("owner", format!("`{}`", event.owner()));
    if let Some(mark) = mark(properties.mark) {
        put("mark", mark.to_owned());
    }
    if let Some(upcasts) = upcasts(properties) {
        put("old versions", upcasts);
    }
    if !properties.public {
        put("private", "for its own service only".to_owned());
    }
    let name = event
        .of
        .file
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let schema = match relative(file, event.of.file) {
        Some(path) => format!("[{name}]({path})"),
        None => format!("`{name}`"),
    };
    put("schema", schema);
    text + "\n[All events](../README.md)\n\n"
}

fn fields(event: &Event<'_>) -> String {
    let document = event.working();
    let Some(root) = record(&document, event.name()) else {
        return String::new();
    };
    let mut text = format!("## Fields\n\n{}", table(root));
    for named in nested(&document, root) {
        text += &format!("### {}\n\n", short(named.name()));
        match named {
            Named::Record(record) => {
                text += &said(record.doc.as_ref());
                text += &table(record);
            }
            Named::Enum(of) => text += &symbols(of),
            Named::Fixed(fixed) => {
                text += &said(fixed.doc.as_ref());
                text += &format!("{} bytes.\n\n", fixed.size);
            }
        }
    }
    text
}

fn said(doc: Option<&String>) -> String {
    doc.map_or_else(String::new, |doc| format!("{doc}\n\n"))
}

fn table(record: &Record) -> String {
    let mut text = "| field | type | default | what it says |\n|---|---|---|---|\n".to_owned();
    for field in &record.fields {
        let newtype = field.schema.newtype.as_ref();
        let newtype = newtype.map_or_else(String::new, |name| format!(", `{name}`"));
        let default = field.default.as_ref();
        let default = default.map_or_else(String::new, |value| format!("`{value}`"));
        text += &format!(
            "| `{}` | {}{newtype} | {} | {} |\n",
            field.name,
            cell(&type_words(&field.schema)),
            cell(&default),
            cell(field.doc.as_deref().unwrap_or_default()),
        );
    }
    text + "\n"
}

fn symbols(of: &EnumType) -> String {
    let names: Vec<String> = of
        .symbols
        .iter()
        .map(|symbol| format!("`{symbol}`"))
        .collect();
    let default = of.default.as_ref();
    let default = default.map_or_else(String::new, |default| {
        format!(" A reader that does not know a symbol takes `{default}`.")
    });
    let doc = said(of.doc.as_ref());
    format!("{doc}One of {}.{default}\n\n", names.join(", "))
}

fn choreography(project: &Project, event: &Event<'_>, services: &Services) -> String {
    let mut text = "## Emitted by\n\n".to_owned();
    if event.of.properties.mark == Mark::Intake {
        text += "- what publishes from outside\n";
    }
    for writer in services.writers(event.name()) {
        let why = match writer.does {
            Does::Expire => ", when it has waited for too long".to_owned(),
            _ => answering(project, &writer),
        };
        text += &format!("- {}{why}\n", place(&writer));
    }
    text += "\n## Answered by\n\n";
    let readers = services.readers(event.name());
    if readers.is_empty() {
        text += "Nobody.\n";
    }
    for reader in readers {
        let how = match reader.does {
            Does::React { routed: false } | Does::Expire => String::new(),
            Does::React { routed: true } => ", routed".to_owned(),
            Does::Undo(step) => format!(", undoing {}", name(project, step)),
            Does::Call(port) => format!(", calling `{}`", port.rsplit("::").next().unwrap_or(port)),
        };
        text += &format!("- {}{how}{}\n", place(&reader), emitting(project, &reader));
    }
    text + "\n"
}

fn place(found: &Use<'_>) -> String {
    let (service, aggregate) = (found.service, found.aggregate);
    let at = found.function;
    format!("`{service}.{aggregate}`, `{}` in `{}`", at.name, at.file)
}

fn answering(project: &Project, found: &Use<'_>) -> String {
    let trigger = found.answers.map(|event| name(project, event));
    trigger.map_or_else(String::new, |event| format!(", answering {event}"))
}

fn emitting(project: &Project, found: &Use<'_>) -> String {
    let mut names: Vec<String> = Vec::new();
    for edge in found.emits {
        let name = name(project, &edge.event);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    match names.as_slice() {
        [] => String::new(),
        names => format!(": {}", names.join(", ")),
    }
}

/// A link to an event of the project, or the name of one that is none.
fn name(project: &Project, event: &str) -> String {
    if project.events().any(|known| known.name() == event) {
        link(event)
    } else {
        format!("`{}`", short(event))
    }
}

fn versions(event: &Event<'_>) -> String {
    let mut text = "## Versions\n\n".to_owned();
    let mut all = Vec::new();
    let mut before = None;
    for version in event.versions() {
        let head = format!("**{}** (`{}`)", version.number, hex(version.fingerprint));
        let what = before.map_or_else(
            || "the first".to_owned(),
            |before| list(&changes(before, &version.document)),
        );
        all.push(format!("- {head}: {what}\n"));
        before = Some(&version.document);
    }
    match event.state() {
        State::Published { .. } => {}
        State::New => all.push("- not published yet\n".to_owned()),
        State::Changed { .. } => {
            let what = before.map(|before| list(&changes(before, &event.working())));
            all.push(format!(
                "- not published yet: {}\n",
                what.unwrap_or_default()
            ));
        }
    }
    all.reverse();
    text += &all.concat();
    text
}

fn list(changes: &[kolo_avro::diff::Change]) -> String {
    let changes: Vec<String> = changes
        .iter()
        .filter(|change| !change.what.is_off_the_wire())
        .map(|change| format!("`{}`: {}", change.place, change.what))
        .collect();
    match changes.as_slice() {
        [] => "nothing on the wire".to_owned(),
        changes => changes.join("; "),
    }
}
