//! Versions that were published: `<root>/<owner>/<Event>/<n>.avsc`, each with a golden sample `<n>.bin` and `<n>.json`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::tree::{entries, read};
use super::types::{Document, Kind, namespace, short_name};
use super::{SchemaError, SchemaErrors, canonical};

/// One published version of an event's schema.
#[derive(Debug, Clone)]
pub struct Version {
    /// 1 is the first.
    pub number: u32,
    /// Its schema.
    pub document: Document,
    /// CRC-64-AVRO of its parsing canonical form.
    pub fingerprint: u64,
    /// The `.avsc` file; the golden sample has the same name with `.bin` and `.json`.
    pub file: PathBuf,
}

/// The published versions of all events, by full name, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Published {
    versions: BTreeMap<String, Vec<Version>>,
}

impl Published {
    /// Reads the versions below `root`; a folder that does not exist holds none.
    ///
    /// # Errors
    /// All that is wrong, with file and place.
    pub fn load(root: &Path) -> Result<Self, SchemaErrors> {
        let mut published = Self::default();
        let mut errors = Vec::new();
        if !root.exists() {
            return Ok(published);
        }
        for owner in entries(root)?.iter().filter(|path| path.is_dir()) {
            for event in entries(owner)?.iter().filter(|path| path.is_dir()) {
                let files = entries(event)?;
                let schemas = files
                    .iter()
                    .filter(|path| path.extension().is_some_and(|end| end == "avsc"));
                for file in schemas {
                    match version(file) {
                        Ok((name, version)) => {
                            published.versions.entry(name).or_default().push(version);
                        }
                        Err(found) => errors.extend(found.0),
                    }
                }
            }
        }
        published
            .versions
            .values_mut()
            .for_each(|versions| versions.sort_by_key(|version| version.number));
        if errors.is_empty() {
            Ok(published)
        } else {
            Err(SchemaErrors(errors))
        }
    }

    /// The versions of one event, oldest first.
    #[must_use]
    pub fn of(&self, event: &str) -> &[Version] {
        self.versions.get(event).map_or(&[], Vec::as_slice)
    }

    /// All events that have a published version.
    pub fn events(&self) -> impl Iterator<Item = (&str, &[Version])> {
        self.versions
            .iter()
            .map(|(name, versions)| (name.as_str(), versions.as_slice()))
    }
}

fn version(file: &Path) -> Result<(String, Version), SchemaErrors> {
    let number = file
        .file_stem()
        .and_then(|stem| stem.to_str())
        .and_then(|stem| stem.parse().ok());
    let Some(number) = number else {
        return Err(SchemaError::in_file(
            file,
            "",
            "a published version is named by its number, as in 1.avsc",
        )
        .into());
    };
    let document = Document::parse(&read(file)?)
        .and_then(|document| document.check_supported().map(|()| document))
        .map_err(|errors| {
            SchemaErrors(
                errors
                    .0
                    .into_iter()
                    .map(|error| error.with_file(file))
                    .collect(),
            )
        })?;
    let Kind::Named(name) = document.root.kind.clone() else {
        return Err(SchemaError::in_file(file, "", "a published version is a record").into());
    };
    let event = file.parent().unwrap_or(file);
    let folders = [event.parent().and_then(Path::file_name), event.file_name()];
    let expected = [short_name(namespace(&name)), short_name(&name)];
    if folders.map(|folder| folder.and_then(|folder| folder.to_str())) != expected.map(Some) {
        let place = format!(
            "`{name}` belongs into {}/{}/{number}.avsc",
            expected[0], expected[1]
        );
        return Err(SchemaError::in_file(file, "", place).into());
    }
    let fingerprint = canonical::fingerprint(&document.root, &document.types);
    Ok((
        name,
        Version {
            number,
            document,
            fingerprint,
            file: file.to_owned(),
        },
    ))
}
