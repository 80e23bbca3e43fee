//! From what was typed, or a file of lines, to encoded events. Everything that is wrong is told at once.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use kolo_avro::dynamic::{EncodedEvent, EventSchema};
use serde_json::Value;
use uuid::Uuid;

use crate::args::Publish;
use crate::failure::Failure;
use crate::schemas::{indented, problems};

/// How many bad lines are shown; a file of the wrong type would print itself otherwise.
const SHOWN_LINES: usize = 20;

/// An event to be published.
#[derive(Debug)]
pub(super) struct Item {
    /// The line of the file, from 1.
    pub(super) line: Option<usize>,
    /// `ce_id`
    pub(super) id: String,
    pub(super) encoded: EncodedEvent,
}

pub(super) fn read(args: &Publish, event: &EventSchema<'_>) -> Result<Vec<Item>, Failure> {
    if let Some(file) = &args.file {
        return read_file(file, args.id.as_deref(), event);
    }
    let json = args.json.as_deref().unwrap_or_default();
    let encoded = encode(json, event).map_err(|problems| {
        Failure::input(format!(
            "this is no {}; nothing was published.\n{}\n`kolo publish {}` shows an example.",
            event.name(),
            indented(&problems.join("\n")),
            event.short_name()
        ))
    })?;
    Ok(vec![Item {
        line: None,
        id: args.id.clone().unwrap_or_else(fresh_id),
        encoded,
    }])
}

fn fresh_id() -> String {
    Uuid::now_v7().to_string()
}

fn encode(json: &str, event: &EventSchema<'_>) -> Result<EncodedEvent, Vec<String>> {
    let json: Value =
        serde_json::from_str(json).map_err(|error| vec![format!("this is not JSON: {error}")])?;
    let encoded = event.encode(&json).map_err(|error| problems(&error))?;
    if encoded.key.is_empty() {
        let (event, key) = (event.short_name(), event.key_field());
        return Err(vec![format!(
            "{event}.{key}: this field is the record's key, which cannot be empty"
        )]);
    }
    Ok(encoded)
}

fn read_file(file: &Path, id: Option<&str>, event: &EventSchema<'_>) -> Result<Vec<Item>, Failure> {
    let cannot = |error: &dyn std::fmt::Display| {
        Failure::input(format!(
            "the file {} cannot be read: {error}. Nothing was published.",
            file.display()
        ))
    };
    let reader: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(BufReader::new(std::io::stdin()))
    } else {
        Box::new(BufReader::new(
            File::open(file).map_err(|error| cannot(&error))?,
        ))
    };
    let mut items = Vec::new();
    let mut bad = Vec::new();
    for (line, text) in (1..).zip(reader.lines()) {
        let text = text.map_err(|error| cannot(&format!("line {line}: {error}")))?;
        if text.trim().is_empty() {
            continue;
        }
        match encode(&text, event) {
            Ok(encoded) => {
                let id = id.map_or_else(fresh_id, |id| format!("{id}#{line}"));
                items.push(Item {
                    line: Some(line),
                    id,
                    encoded,
                });
            }
            Err(problems) => bad.push((line, problems)),
        }
    }
    if bad.is_empty() {
        return Ok(items);
    }
    let mut shown: Vec<String> = bad
        .iter()
        .take(SHOWN_LINES)
        .flat_map(|(line, problems)| {
            problems
                .iter()
                .map(move |problem| format!("line {line}: {problem}"))
        })
        .collect();
    if bad.len() > SHOWN_LINES {
        shown.push(format!("and {} lines more", bad.len() - SHOWN_LINES));
    }
    Err(Failure::input(format!(
        "{} of {} lines of {} are no {}; nothing was published.\n{}\n`kolo publish {}` shows an example.",
        bad.len(),
        bad.len() + items.len(),
        file.display(),
        event.name(),
        indented(&shown.join("\n")),
        event.short_name()
    )))
}
