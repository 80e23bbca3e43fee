//! `kolo schema register`: what services look up when they start.

use std::io::Write;
use std::path::Path;

use kolo_avro::dynamic::EventSchema;
use kolo_kafka::Config;
use kolo_registry::{Registry, RegistryError, Schema};
use serde_json::json;

use crate::failure::Failure;
use crate::schemas::Schemas;
use crate::terminal::{DIM, EVENT, WRONG, paint};

use super::args::Register;

/// What became of one schema.
enum Outcome {
    /// It was there.
    Known(u32),
    Registered(u32),
    /// It is not there, and was not to be registered.
    Missing,
    Failed(RegistryError),
}

/// With `json`, one line for each schema.
pub(super) fn run(
    args: &Register,
    folder: Option<&Path>,
    json: bool,
    mut config: Config,
) -> Result<(), Failure> {
    if let Some(url) = &args.registry {
        config.registry.url.clone_from(url);
    }
    if !config.registry.is_set() {
        return Err(Failure::input(
            "no schema registry is named: give --registry URL, or set KOLO_REGISTRY_URL.",
        ));
    }
    let schemas = Schemas::load(folder)?;
    let events: Vec<EventSchema<'_>> = if args.events.is_empty() {
        schemas.events().collect()
    } else {
        let named = args.events.iter().map(|name| schemas.event(name));
        named.collect::<Result<_, Failure>>()?
    };
    let registry =
        Registry::open(&config.registry).map_err(|error| Failure::input(error.to_string()))?;
    let mut open = 0;
    for event in events {
        let outcome = settle(&registry, &schemas, &event, args.dry_run);
        open += usize::from(matches!(outcome, Outcome::Missing | Outcome::Failed(_)));
        show(json, &registry, &event, &outcome)?;
        // Who does not answer once will hardly answer the others.
        if let Outcome::Failed(problem) = &outcome
            && problem.is_a_matter_of_time()
        {
            return Err(Failure::run(
                "the rest was not tried: what is registered stays so, and the command can be given again.",
            ));
        }
    }
    match (open, args.dry_run) {
        (0, _) => Ok(()),
        (missing, true) => Err(Failure::run(format!(
            "{missing} not registered: `kolo schema register` without --dry-run does it."
        ))),
        (failed, false) => Err(Failure::run(format!(
            "{failed} not registered. Services that write with them do not start until they are."
        ))),
    }
}

fn settle(
    registry: &Registry,
    schemas: &Schemas,
    event: &EventSchema<'_>,
    dry_run: bool,
) -> Outcome {
    let schema = Schema {
        event: event.name(),
        topic: event.topic(),
        text: &schemas.text(event),
    };
    match registry.look_up(schema) {
        Ok(id) => Outcome::Known(id),
        Err(RegistryError::Absent { .. }) if dry_run => Outcome::Missing,
        Err(RegistryError::Absent { .. }) => match registry.register(schema) {
            Ok(id) => Outcome::Registered(id),
            Err(problem) => Outcome::Failed(problem),
        },
        Err(problem) => Outcome::Failed(problem),
    }
}

fn show(
    json: bool,
    registry: &Registry,
    event: &EventSchema<'_>,
    outcome: &Outcome,
) -> Result<(), Failure> {
    let subject = registry.subjects().of(event.topic(), event.name());
    let mut out = anstream::stdout().lock();
    if json {
        let (state, id, problem) = match outcome {
            Outcome::Known(id) => ("known", Some(id), None),
            Outcome::Registered(id) => ("registered", Some(id), None),
            Outcome::Missing => ("missing", None, None),
            Outcome::Failed(problem) => ("failed", None, Some(problem.to_string())),
        };
        let line = json!({
            "event": event.name(), "subject": subject, "state": state, "id": id, "problem": problem,
        });
        writeln!(out, "{line}")?;
        return Ok(());
    }
    let name = paint(EVENT, event.name());
    let (state, rest) = match outcome {
        Outcome::Known(id) => (paint(DIM, "known"), format!("id {id}")),
        Outcome::Registered(id) => ("registered".to_owned(), format!("id {id}")),
        Outcome::Missing => (paint(WRONG, "missing"), String::new()),
        Outcome::Failed(problem) => (paint(WRONG, "failed"), problem.to_string()),
    };
    let in_subject = if subject == event.name() {
        String::new()
    } else {
        format!(" in {subject}")
    };
    writeln!(out, "{state} {name}{in_subject} {rest}")?;
    Ok(())
}
