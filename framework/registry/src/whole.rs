//! A schema put together: its text, and those that it refers to in other subjects.

use std::collections::HashSet;

use kolo_avro::schema::{Document, write};
use schema_registry_converter::async_impl::schema_registry::get_schema_by_subject_and_version;
use schema_registry_converter::schema_registry_common::{RegisteredSchema, SchemaType};

use crate::client::Client;
use crate::problem::RegistryError;
use crate::subject::in_path;

/// The most versions that one schema may refer to, by whatever way.
const MOST: usize = 200;

impl Client {
    /// The whole text of a schema, which messages call `what`. Each version that it refers to is asked for once, and so is each
    /// that those refer to. If one of them is missing, or cannot be had now, so it is with the schema.
    pub(crate) async fn whole(
        &self,
        found: RegisteredSchema,
        what: &str,
    ) -> Result<String, RegistryError> {
        self.avro(&found, what)?;
        if found.references.is_empty() {
            return Ok(found.schema);
        }
        let mut asked = HashSet::new();
        let mut others = Vec::new();
        let mut open = found.references;
        while let Some(reference) = open.pop() {
            if !asked.insert((reference.subject.clone(), reference.version)) {
                continue;
            }
            if asked.len() > MOST {
                return Err(self.unusable(
                    what,
                    format!("it refers to more than {MOST} versions of other subjects"),
                ));
            }
            let other = format!(
                "version {} of the subject `{}`, to which {what} refers for `{}`",
                reference.version, reference.subject, reference.name
            );
            let path = in_path(&reference.subject);
            let version = Some(reference.version);
            let got = get_schema_by_subject_and_version(&self.settings, &path, version)
                .await
                .map_err(|error| self.problem(&error, &other))?;
            self.avro(&got, &other)?;
            open.extend(got.references);
            others.push(got.schema);
        }
        let document = Document::parse_with(&found.schema, others.iter().map(String::as_str))
            .map_err(|errors| {
                self.unusable(
                    what,
                    format!("with what it refers to, it is wrong: {errors}"),
                )
            })?;
        Ok(write::text(&document.root, &document.types))
    }

    fn avro(&self, found: &RegisteredSchema, what: &str) -> Result<(), RegistryError> {
        if found.schema_type == SchemaType::Avro {
            return Ok(());
        }
        let problem = format!(
            "it is of the type {:?}, and events are Avro",
            found.schema_type
        );
        Err(self.unusable(what, problem))
    }
}
