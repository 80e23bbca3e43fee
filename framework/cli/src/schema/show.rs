//! `kolo schema show`: one event, as its schema has it.

use std::io::Write;

use kolo_avro::schema::{
    Document, EventProperties, Kind, Mark, Named, Record, Schema, canonical, write,
};
use kolo_avro::versions::State;
use kolo_registry::{Registry, Settings};
use serde_json::{Value, json};

use super::args::Side;
use super::print_json;
use super::project::{Project, hex, record, short, word};
use crate::failure::Failure;
use crate::terminal::{DIM, EVENT, KEY, paint};

/// What is shown of an event: one of its texts.
pub(super) struct Shown {
    event: String,
    document: Document,
    fingerprint: u64,
    /// Which one it is, in words.
    state: String,
    /// The published version.
    version: Option<u32>,
    /// The version in the registry, and the id of its schema.
    registered: Option<(u32, u32)>,
    /// How the working schema stands, if it is that one.
    word: Option<&'static str>,
}

impl Shown {
    /// A published version, or the working schema.
    pub(super) fn of(project: &Project, name: &str, version: Option<u32>) -> Result<Self, Failure> {
        let event = project.event(name)?;
        let side = version.map_or(Side::Working, Side::Version);
        let (document, fingerprint) = event.side(side)?;
        let state = match version {
            Some(number) => format!("version {number}"),
            None => match event.state() {
                State::New => "new, not published yet".to_owned(),
                State::Changed { newest } => format!("changed since version {newest}"),
                State::Published { version } => format!("published as version {version}"),
            },
        };
        Ok(Shown {
            event: event.name().to_owned(),
            document,
            fingerprint,
            state,
            version,
            registered: None,
            word: version.is_none().then(|| word(event.state())),
        })
    }

    /// A version that a registry has, with all that it refers to in other subjects.
    pub(super) fn registered(
        project: &Project,
        name: &str,
        number: u32,
        settings: &Settings,
    ) -> Result<Self, Failure> {
        if !settings.is_set() {
            return Err(Failure::input(
                "no schema registry is named: give --registry URL, or set KOLO_REGISTRY_URL.",
            ));
        }
        let event = project.event(name)?;
        let registry =
            Registry::open(settings).map_err(|error| Failure::input(error.to_string()))?;
        let versions = registry
            .versions(&event.of.properties.topic, event.name())
            .map_err(|problem| Failure::run(problem.to_string()))?;
        let Some(found) = versions.iter().find(|version| version.number == number) else {
            let known: Vec<String> = versions.iter().map(|one| one.number.to_string()).collect();
            let known = match known.as_slice() {
                [] => "nothing is".to_owned(),
                known => format!("these are: {}", known.join(", ")),
            };
            return Err(Failure::input(format!(
                "version {number} of `{}` is not registered at {}; {known}.",
                event.short(),
                registry.shown()
            )));
        };
        let text = found.text.clone().map_err(Failure::run)?;
        let document = Document::parse(&text).map_err(|errors| Failure::run(errors.to_string()))?;
        Ok(Shown {
            event: event.name().to_owned(),
            fingerprint: canonical::fingerprint(&document.root, &document.types),
            document,
            state: format!(
                "version {number} of the subject `{}`, id {}",
                found.subject, found.id
            ),
            version: None,
            registered: Some((number, found.id)),
            word: None,
        })
    }
}

pub(super) fn run(shown: &Shown, raw: bool, json: bool) -> Result<(), Failure> {
    let Shown {
        event,
        document,
        fingerprint,
        state,
        ..
    } = shown;
    if raw {
        let text = write::text(&document.root, &document.types);
        std::io::stdout().lock().write_all(text.as_bytes())?;
        return Ok(());
    }
    let Some(root) = record(document, event) else {
        return Err(Failure::run(format!(
            "{state} is of {}, and not of `{event}`.",
            document.root.describe()
        )));
    };
    let nested = nested(document, root);
    if json {
        let types = nested.iter().map(|named| named_row(named));
        return print_json(&json!({
            "event": event,
            "version": shown.version,
            "registered": shown.registered.map(|(number, id)| json!({"version": number, "id": id})),
            "state": shown.word,
            "fingerprint": hex(*fingerprint),
            "topic": root.event.as_ref().map(|known| &known.topic),
            "key": root.event.as_ref().map(|known| &known.key),
            "saga": root.event.as_ref().and_then(|known| known.saga.as_ref()),
            "upcasts": root.event.as_ref().map_or(&[][..], |known| &known.upcasts),
            "record": record_row(root),
            "types": types.collect::<Vec<_>>(),
        }));
    }
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{}  {state}, fingerprint {}",
        paint(EVENT, event),
        hex(*fingerprint)
    )?;
    if let Some(doc) = &root.doc {
        writeln!(out, "{doc}")?;
    }
    if let Some(properties) = &root.event {
        writeln!(out, "{}", paint(DIM, about(properties)))?;
    }
    fields(&mut out, root)?;
    for named in nested {
        writeln!(out, "\n{}", paint(EVENT, named.name()))?;
        match named {
            Named::Record(record) => {
                if let Some(doc) = &record.doc {
                    writeln!(out, "{doc}")?;
                }
                fields(&mut out, record)?;
            }
            Named::Enum(of) => {
                if let Some(doc) = &of.doc {
                    writeln!(out, "{doc}")?;
                }
                writeln!(out, "  one of {}", of.symbols.join(", "))?;
                if let Some(default) = &of.default {
                    writeln!(
                        out,
                        "  {default} for a symbol that the reader does not know"
                    )?;
                }
            }
            Named::Fixed(fixed) => writeln!(out, "  {} bytes", fixed.size)?,
        }
    }
    Ok(())
}

fn about(properties: &EventProperties) -> String {
    let mut words = vec![
        format!("topic {}", properties.topic),
        format!("key {}", properties.key),
    ];
    words.extend(properties.saga.as_ref().map(|saga| format!("saga {saga}")));
    words.extend(mark(properties.mark).map(str::to_owned));
    words.extend((!properties.public).then(|| "private".to_owned()));
    words.extend(upcasts(properties));
    words.join(", ")
}

/// Which versions are turned by functions; `None` if none is.
pub(super) fn upcasts(properties: &EventProperties) -> Option<String> {
    let last = properties.upcasts.last()?;
    let all: Vec<String> = properties.upcasts.iter().map(u32::to_string).collect();
    Some(match all.as_slice() {
        [_] => format!("upcast up to version {last}"),
        _ => format!(
            "upcast up to version {last} (by those of versions {})",
            all.join(" and ")
        ),
    })
}

/// What a mark says, in words; a step has none.
pub(super) fn mark(mark: Mark) -> Option<&'static str> {
    match mark {
        Mark::Step => None,
        Mark::Intake => Some("comes from outside"),
        Mark::Success => Some("ends a saga well"),
        Mark::Failure => Some("ends a saga that has failed"),
        Mark::Terminal => Some("for people and reports"),
    }
}

fn fields(out: &mut impl Write, record: &Record) -> Result<(), Failure> {
    let width = |text: &dyn Fn(&kolo_avro::schema::Field) -> usize| {
        record.fields.iter().map(text).max().unwrap_or(0)
    };
    let name = width(&|field| field.name.len());
    let kind = width(&|field| type_words(&field.schema).len());
    for field in &record.fields {
        let default = field.default.as_ref();
        let default = default.map_or_else(String::new, |value| format!("[default {value}] "));
        let doc = field.doc.as_deref().unwrap_or_default();
        let line = format!("{:kind$}  {default}{doc}", type_words(&field.schema));
        let field = paint(KEY, format!("{:name$}", field.name));
        writeln!(out, "  {field}  {}", line.trim_end())?;
    }
    Ok(())
}

/// A type in words, named types without their namespace.
pub(super) fn type_words(schema: &Schema) -> String {
    match (schema.nullable(), &schema.kind) {
        (Some((_, inner)), _) => format!("{} or null", type_words(inner)),
        (_, Kind::Array(items)) => format!("array of {}", type_words(items)),
        (_, Kind::Map(values)) => format!("map of {}", type_words(values)),
        (_, Kind::Named(name)) => short(name).to_owned(),
        _ => schema.describe(),
    }
}

/// The types that a record leads to, each once, in the order in which they come.
pub(super) fn nested<'d>(document: &'d Document, root: &'d Record) -> Vec<&'d Named> {
    let mut found: Vec<&Named> = Vec::new();
    let mut open: Vec<&Schema> = root
        .fields
        .iter()
        .rev()
        .map(|field| &field.schema)
        .collect();
    while let Some(schema) = open.pop() {
        for name in schema.named() {
            let Some(named) = document.types.get(name) else {
                continue;
            };
            if named.name() == root.name || found.iter().any(|one| one.name() == named.name()) {
                continue;
            }
            found.push(named);
            if let Named::Record(record) = named {
                open.extend(record.fields.iter().rev().map(|field| &field.schema));
            }
        }
    }
    found
}

fn record_row(record: &Record) -> Value {
    let fields = record.fields.iter().map(|field| {
        json!({
            "name": field.name,
            "type": type_words(&field.schema),
            "newtype": field.schema.newtype,
            "default": field.default,
            "has_default": field.default.is_some(),
            "doc": field.doc,
        })
    });
    json!({ "name": record.name, "doc": record.doc, "fields": fields.collect::<Vec<_>>() })
}

fn named_row(named: &Named) -> Value {
    match named {
        Named::Record(record) => record_row(record),
        Named::Enum(of) => json!({
            "name": of.name,
            "doc": of.doc,
            "symbols": of.symbols,
            "default": of.default,
        }),
        Named::Fixed(fixed) => json!({ "name": fixed.name, "doc": fixed.doc, "bytes": fixed.size }),
    }
}
