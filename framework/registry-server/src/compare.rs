//! Whether a schema goes with those before it, by the verdicts of `kolo_avro::compat`, which are Java's.

use kolo_avro::compat;
use kolo_avro::schema::Document;

use crate::level::Level;
use crate::refusal::Refusal;
use crate::schema::{self, Legal};
use crate::state::{Found, State};

/// What speaks against a schema as the next one of a subject; nothing if it goes with the earlier ones.
///
/// # Errors
/// When one of the schemas cannot be judged.
pub(crate) fn with_subject(
    state: &State,
    subject: &str,
    level: Level,
    new: &Legal,
) -> Result<Vec<String>, Refusal> {
    let earlier: Vec<Found> = if level.is_transitive() {
        state
            .versions(subject)
            .rev()
            .filter(|found| !found.deleted)
            .collect()
    } else {
        state.latest(subject).into_iter().collect()
    };
    with_versions(state, &earlier, level, new)
}

/// What speaks against a schema beside these versions.
///
/// # Errors
/// When one of the schemas cannot be judged.
pub(crate) fn with_versions(
    state: &State,
    earlier: &[Found],
    level: Level,
    new: &Legal,
) -> Result<Vec<String>, Refusal> {
    let mut problems = Vec::new();
    if level == Level::None || earlier.is_empty() {
        return Ok(problems);
    }
    let new = new
        .document
        .as_ref()
        .map_err(|problem| unjudged("the schema", problem))?;
    for found in earlier {
        let old = document(state, found)?;
        let which = format!("version {}", found.version);
        let mut put = |direction: &str, reader: &Document, writer: &Document| {
            let found = compat::check(reader, writer);
            problems.extend(
                found
                    .iter()
                    .map(|problem| format!("{direction}: {problem}")),
            );
        };
        if level.backward() {
            put(&format!("the new schema does not read {which}"), new, &old);
        }
        if level.forward() {
            put(&format!("{which} does not read the new schema"), &old, new);
        }
    }
    Ok(problems)
}

fn document(state: &State, found: &Found) -> Result<Document, Refusal> {
    let which = format!("version {} of subject '{}'", found.version, found.subject);
    if let Some(other) = &found.content.schema_type {
        return Err(unjudged(&which, &format!("it is of type {other}")));
    }
    let others = state.referenced(&found.content.references)?;
    schema::read(&found.content.schema, &others)
        .and_then(|legal| legal.document)
        .map_err(|problem| unjudged(&which, &problem))
}

fn unjudged(which: &str, problem: &str) -> Refusal {
    Refusal::invalid_schema(format!(
        "{which} is kept as it is, but this registry cannot compare it with another: {problem}. \
         The level NONE takes schemas without comparing them"
    ))
}
