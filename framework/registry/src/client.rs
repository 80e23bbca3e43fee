//! The questions that kolo asks a registry, one request each.

use kolo_avro::codec::Meaning;
use kolo_avro::schema::{Document, Kind, canonical};
use schema_registry_converter::async_impl::schema_registry::{
    SrSettings, get_schema_by_id, get_schema_by_subject_and_version, perform_sr_call,
};
use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::{RegisteredSchema, SrCall};
use serde_json::json;

use crate::problem::RegistryError;
use crate::settings::{Settings, SettingsError};
use crate::subject::in_path;
use crate::version::Version;

/// Asks one registry.
pub(crate) struct Client {
    pub(crate) settings: SrSettings,
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

    pub(crate) fn problem(&self, error: &SRCError, what: &str) -> RegistryError {
        RegistryError::of(error, &self.shown, what)
    }

    pub(crate) fn unusable(&self, what: &str, problem: String) -> RegistryError {
        RegistryError::Unusable {
            registry: self.shown.clone(),
            what: what.to_owned(),
            problem,
        }
    }

    /// What an id stands for.
    pub(crate) async fn meaning_of(&self, id: u32) -> Result<Meaning, RegistryError> {
        let what = format!("the schema with the id {id}");
        let found = get_schema_by_id(id, &self.settings)
            .await
            .map_err(|error| self.problem(&error, &what))?;
        let text = self.whole(found, &what).await?;
        meaning(&text).map_err(|problem| self.unusable(&what, problem))
    }

    /// All versions of a subject, the latest first. Those that were deleted are left out.
    pub(crate) async fn versions_of(&self, subject: &str) -> Result<Vec<Version>, RegistryError> {
        let what = format!("the subject `{subject}`");
        let path = in_path(subject);
        let mut found = Vec::new();
        let mut version = None;
        loop {
            let one = get_schema_by_subject_and_version(&self.settings, &path, version).await;
            let last = match one {
                Ok(schema) => {
                    let number = version.or(schema.version);
                    found.push(self.version(subject, number, schema).await?);
                    number
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

    /// What cannot be used is told with the version. What time may mend is an error: nothing is known of the version then.
    async fn version(
        &self,
        subject: &str,
        number: Option<u32>,
        found: RegisteredSchema,
    ) -> Result<Version, RegistryError> {
        let (id, number) = (found.id, number.unwrap_or_default());
        let what = format!("version {number} of `{subject}`");
        let text = match self.whole(found, &what).await {
            Ok(text) => Ok(text),
            Err(problem) if problem.is_a_matter_of_time() => return Err(problem),
            Err(problem) => Err(problem.to_string()),
        };
        Ok(Version {
            subject: subject.to_owned(),
            number,
            id,
            text,
        })
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
pub(crate) fn meaning(text: &str) -> Result<Meaning, String> {
    let document = parsed(text)?;
    let Kind::Named(name) = &document.root.kind else {
        return Err("it is no record, and events are records".to_owned());
    };
    let fingerprint = canonical::fingerprint(&document.root, &document.types);
    Ok(Meaning::schema(fingerprint, name, text))
}

/// The fingerprint of a schema's text.
pub(crate) fn fingerprint(text: &str) -> Result<u64, String> {
    let document = parsed(text)?;
    Ok(canonical::fingerprint(&document.root, &document.types))
}

fn parsed(text: &str) -> Result<Document, String> {
    Document::parse(text).map_err(|errors| errors.to_string())
}
