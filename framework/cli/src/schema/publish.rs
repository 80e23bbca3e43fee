//! `kolo schema publish`: a version of what is new or has changed.

use std::io::Write;

use kolo_avro::publish::{NewVersion, plan, publish_some};
use kolo_avro::schema::SchemaErrors;
use serde_json::{Value, json};

use super::print_json;
use super::project::Project;
use crate::failure::Failure;
use crate::schemas::indented;
use crate::terminal::{EVENT, PLACE, paint};

pub(super) fn run(
    project: &Project,
    events: &[String],
    dry_run: bool,
    json: bool,
) -> Result<(), Failure> {
    let asked: Result<Vec<&str>, Failure> = events
        .iter()
        .map(|name| project.event(name).map(|event| event.name()))
        .collect();
    let asked = asked?;
    let wanted = |event: &str| asked.is_empty() || asked.contains(&event);
    let (schemas, folder) = (&project.schemas, &project.folder);
    let made = if dry_run {
        plan(schemas, folder, wanted)
    } else {
        publish_some(schemas, folder, wanted)
    };
    let new = made.map_err(|errors| refused(&errors))?;
    if json {
        let rows = new.iter().map(|version| row(version, dry_run));
        return print_json(&Value::Array(rows.collect()));
    }
    let mut out = anstream::stdout().lock();
    let verb = if dry_run { "would be" } else { "is" };
    for version in &new {
        writeln!(
            out,
            "{} {verb} published as version {}: {}, with its golden sample in .bin and .json",
            paint(EVENT, &version.event),
            version.number,
            paint(PLACE, version.file.display())
        )?;
    }
    match (new.len(), asked.is_empty()) {
        (0, true) => writeln!(out, "every schema is published as it stands")?,
        (0, false) => writeln!(out, "what was asked for is published as it stands")?,
        _ if dry_run => writeln!(out, "nothing is written: this was a dry run")?,
        _ => writeln!(
            out,
            "put the new files under version control, and deploy the readers first: `kolo schema check` with the manifests says in which order"
        )?,
    }
    Ok(())
}

fn refused(errors: &SchemaErrors) -> Failure {
    Failure::run(format!(
        "nothing is published:\n{}\n`kolo schema check` with the services' manifests says who reads it, and what to do.",
        indented(&errors.to_string())
    ))
}

fn row(version: &NewVersion, dry_run: bool) -> Value {
    json!({
        "event": version.event,
        "version": version.number,
        "file": version.file,
        "written": !dry_run,
    })
}
