//! The questions that kolo asks a registry, one request each.

use kolo_avro::codec::Meaning;
use kolo_avro::schema::{Document, Kind, canonical};
use schema_registry_converter::async_impl::schema_registry::{
    SrSettings, get_schema_by_id, get_schema_by_subject_and_version, perform_sr_call,
};
use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::{SchemaType, SrCall};
use serde_json::json;

use crate::problem::RegistryError;
use crate::settings::{Settings, SettingsError};
use crate::subject::in_path;

/// Asks one registry.
pub(crate) struct Client {
    settings: SrSettings,
    /// Its address, for messages.
    pub(crate) shown: String,
}

impl Client {
    pub(crate) fn new(settings: &Settings) -> Result<Client, SettingsError> {
        Ok(Client {
            settings: settings.client()?,
            shown: settings.shown(),
        })
    }

    fn problem(&self, error: &SRCError, what: &str) -> RegistryError {
        RegistryError::of(error, &self.shown, what)
    }

    /// The text behind an id.
    pub(crate) async fn text_of(&self, id: u32) -> Result<String, RegistryError> {
        let what = format!("the schema with the id {id}");
        let found = get_schema_by_id(id, &self.settings)
            .await
            .map_err(|error| self.problem(&error, &what))?;
        let unusable = |problem: String| RegistryError::Unusable {
            registry: self.shown.clone(),
            what: what.clone(),
            problem,
        };
        if found.schema_type != SchemaType::Avro {
            return Err(unusable(format!(
                "it is of the type {:?}, and events are Avro",
                found.schema_type
            )));
        }
        if let Some(reference) = found.references.first() {
            return Err(unusable(format!(
                "it refers to `{}` in another subject: register it with all its types in one text",
                reference.name
            )));
        }
        Ok(found.schema)
    }

    /// What an id stands for.
    pub(crate) async fn meaning_of(&self, id: u32) -> Result<Meaning, RegistryError> {
        let text = self.text_of(id).await?;
        meaning(&text).map_err(|problem| RegistryError::Unusable {
            registry: self.shown.clone(),
            what: format!("the schema with the id {id}"),
            problem,
        })
    }

    /// The ids of all versions of a subject, and what they stand for. Versions that were deleted are left out, and so is what
    /// is no schema of an event: whoever meets such an id is told why.
    pub(crate) async fn versions_of(
        &self,
        subject: &str,
    ) -> Result<Vec<(u32, Meaning)>, RegistryError> {
        let what = format!("the subject `{subject}`");
        let subject = in_path(subject);
        let mut found = Vec::new();
        let mut version = None;
        loop {
            let one = get_schema_by_subject_and_version(&self.settings, &subject, version).await;
            let last = match one {
                Ok(schema) => {
                    let known =
                        schema.references.is_empty() && schema.schema_type == SchemaType::Avro;
                    if let (true, Ok(meaning)) = (known, meaning(&schema.schema)) {
                        found.push((schema.id, meaning));
                    }
                    version.or(schema.version)
                }
                Err(error) => match (self.problem(&error, &what), version) {
                    (RegistryError::Absent { .. }, Some(version)) => Some(version),
                    (problem, _) => return Err(problem),
                },
            };
            // From the latest down to the first.
            match last.and_then(|last| last.checked_sub(1)) {
                None | Some(0) => return Ok(found),
                Some(before) => version = Some(before),
            }
        }
    }

    /// The id of this text in a subject, which must have it.
    pub(crate) async fn look_up(&self, subject: &str, text: &str) -> Result<u32, RegistryError> {
        let body = body(text);
        self.id(subject, SrCall::PostForVersion(&in_path(subject), &body))
            .await
    }

    /// Registers this text in a subject; if it has it, nothing changes.
    pub(crate) async fn register(&self, subject: &str, text: &str) -> Result<u32, RegistryError> {
        let body = body(text);
        self.id(subject, SrCall::PostNew(&in_path(subject), &body))
            .await
    }

    async fn id(&self, subject: &str, call: SrCall<'_>) -> Result<u32, RegistryError> {
        let what = format!("this schema in the subject `{subject}`");
        let answer = perform_sr_call(&self.settings, call)
            .await
            .map_err(|error| self.problem(&error, &what))?;
        answer.id.ok_or_else(|| RegistryError::Unusable {
            registry: self.shown.clone(),
            what,
            problem: "the answer has no id".to_owned(),
        })
    }
}

fn body(text: &str) -> String {
    json!({"schema": text, "schemaType": "AVRO"}).to_string()
}

/// What a schema's text means to whoever decodes its values.
fn meaning(text: &str) -> Result<Meaning, String> {
    let document = parsed(text)?;
    let Kind::Named(name) = &document.root.kind else {
        return Err("it is no record, and events are records".to_owned());
    };
    let fingerprint = canonical::fingerprint(&document.root, &document.types);
    Ok(Meaning::schema(fingerprint, name))
}

/// The fingerprint of a schema's text.
pub(crate) fn fingerprint(text: &str) -> Result<u64, String> {
    let document = parsed(text)?;
    Ok(canonical::fingerprint(&document.root, &document.types))
}

fn parsed(text: &str) -> Result<Document, String> {
    Document::parse(text).map_err(|errors| errors.to_string())
}
