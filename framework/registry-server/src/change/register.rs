//! A schema under a subject: read, compared with those before it, given an id and a version.

use serde::Deserialize;
use serde_json::Value;

use super::writable;
use crate::compare;
use crate::fact::{Content, Fact, Reference, StoredVersion};
use crate::ledger::Decision;
use crate::refusal::Refusal;
use crate::schema::{self, Legal};
use crate::state::State;

/// A schema as a client sends it. What else it sends is ignored, as Confluent's registry does.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Submission {
    schema: Option<String>,
    schema_type: Option<String>,
    references: Option<Vec<Reference>>,
    metadata: Option<Value>,
    rule_set: Option<Value>,
    id: Option<i64>,
    version: Option<i64>,
}

/// A schema that was understood.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) content: Content,
    pub(crate) legal: Legal,
}

impl Submission {
    /// Reads the schema, with what it refers to.
    pub(crate) fn read(&self, state: &State) -> Result<Draft, Refusal> {
        if let Some(other) = self.schema_type.as_deref().filter(|name| *name != "AVRO") {
            return Err(Refusal::invalid_schema(format!(
                "the schema type {other} is not offered: this registry for development keeps AVRO alone"
            )));
        }
        let text = self.schema.as_deref().unwrap_or_default();
        if text.trim().is_empty() {
            return Err(Refusal::invalid_schema(
                "the request has no \"schema\", or an empty one",
            ));
        }
        let references = self
            .references
            .iter()
            .flatten()
            .map(|reference| pinned(reference, state))
            .collect::<Result<Vec<_>, _>>()?;
        let others = state.referenced(&references)?;
        let legal = schema::read(text, &others).map_err(|problem| {
            Refusal::invalid_schema(format!("the schema is not valid: {problem}"))
        })?;
        let content = Content {
            schema_type: None,
            references,
            metadata: self.metadata.clone(),
            rule_set: self.rule_set.clone(),
            schema: legal.text.clone(),
        };
        Ok(Draft { content, legal })
    }
}

/// A reference to the latest version means the one of now.
fn pinned(reference: &Reference, state: &State) -> Result<Reference, Refusal> {
    if reference.version != -1 {
        return Ok(reference.clone());
    }
    let subject = &reference.subject;
    let latest = state.latest(subject).ok_or_else(|| {
        Refusal::invalid_schema(format!(
            "the reference {} leads to the latest version of subject '{subject}', which has none",
            reference.name
        ))
    })?;
    Ok(Reference {
        version: i64::from(latest.version),
        ..reference.clone()
    })
}

/// Gives the schema's id, which is a new one only if no subject has this schema.
pub(crate) fn register(
    state: &State,
    subject: &str,
    submission: &Submission,
) -> Result<Decision<u32>, Refusal> {
    if subject.is_empty() || subject.chars().any(char::is_control) {
        return Err(Refusal::invalid_subject(subject));
    }
    let draft = submission.read(state)?;
    if let Some(known) = state.version_with(subject, &draft.content, false) {
        return Ok(Decision::nothing(known.id));
    }
    writable(state, subject)?;
    if submission.id.is_some_and(|id| id >= 0) {
        return Err(Refusal::not_permitted(format!(
            "subject '{subject}' is not in import mode, which this registry does not offer: leave out \"id\""
        )));
    }
    let version = next(
        state
            .versions(subject)
            .last()
            .map_or(0, |last| last.version),
    )?;
    if let Some(wanted) = submission.version
        && wanted > 0
        && wanted != i64::from(version)
    {
        return Err(Refusal::invalid_schema(format!(
            "the next version of subject '{subject}' is {version}, not {wanted}: leave out \"version\""
        )));
    }
    let level = state.level_for(subject);
    let problems = compare::with_subject(state, subject, level, &draft.legal)?;
    if !problems.is_empty() {
        return Err(Refusal::incompatible(format!(
            "the schema is incompatible with an earlier one of subject '{subject}', whose level is {}: {}",
            level.name(),
            problems.join("; ")
        )));
    }
    let id = match state.id_of(&draft.content) {
        Some(id) => id,
        None => next(state.highest_id())?,
    };
    let stored = StoredVersion {
        subject: subject.to_owned(),
        version,
        id,
        content: draft.content,
        deleted: false,
    };
    Ok(Decision {
        facts: vec![Fact::Version(stored)],
        answer: id,
    })
}

/// Clients read ids and versions as signed numbers of 32 bits.
fn next(last: u32) -> Result<u32, Refusal> {
    let next = last
        .checked_add(1)
        .filter(|next| i32::try_from(*next).is_ok());
    next.ok_or_else(|| Refusal::store("all numbers are taken"))
}
