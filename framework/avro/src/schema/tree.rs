//! A folder of schemas: `<root>/<owner>/<Event>.avsc`, which refer to each other by full name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::parse::Parser;
use super::references::{check_defaults, check_references, settle_fixed};
use super::types::{Document, Kind, Named, Record, Schema, Types, namespace, short_name};
use super::{EventProperties, SchemaError, SchemaErrors, canonical, supported};

/// All types of a folder, checked.
#[derive(Debug, Clone)]
pub struct Tree {
    types: Types,
    /// The file that defines a type.
    files: BTreeMap<String, PathBuf>,
}

/// An event of a [`Tree`].
#[derive(Debug, Clone, Copy)]
pub struct TreeEvent<'a> {
    /// Its record.
    pub record: &'a Record,
    /// What makes it an event.
    pub properties: &'a EventProperties,
    /// CRC-64-AVRO of its parsing canonical form.
    pub fingerprint: u64,
    /// Where it is defined.
    pub file: &'a Path,
}

impl Tree {
    /// Reads every `.avsc` file below `root`.
    ///
    /// # Errors
    /// All that is wrong, with file and place.
    pub fn load(root: &Path) -> Result<Self, SchemaErrors> {
        let mut tree = Self {
            types: Types::new(),
            files: BTreeMap::new(),
        };
        let mut errors = Vec::new();
        let files = avsc_files(root)?;
        if files.is_empty() {
            return Err(
                SchemaError::in_file(root, "", "no .avsc file is in this folder or below").into(),
            );
        }
        for file in &files {
            tree.add(file, &mut errors);
        }
        settle_fixed(&mut tree.types, None);
        let mut found = check_references(&tree.types, None, &tree.types);
        if found.is_empty() {
            found = check_defaults(&tree.types, &tree.types);
            found.extend(supported::check(&tree.types));
        }
        errors.extend(found.into_iter().map(|error| tree.locate(error)));
        if errors.is_empty() {
            Ok(tree)
        } else {
            Err(SchemaErrors(errors))
        }
    }

    fn add(&mut self, file: &Path, errors: &mut Vec<SchemaError>) {
        let json: Value = match read(file).and_then(|text| {
            serde_json::from_str(&text).map_err(|error| {
                SchemaError::in_file(file, "", format!("this is not JSON: {error}"))
            })
        }) {
            Ok(json) => json,
            Err(error) => return errors.push(error),
        };
        let mut parser = Parser::default();
        let root = parser.schema(&json, "", "");
        if let Kind::Named(name) = &root.kind
            && parser.errors.is_empty()
            && let Err(problem) = check_path(file, name)
        {
            parser.errors.push(SchemaError::new("", problem));
        } else if !matches!(root.kind, Kind::Named(_)) && parser.errors.is_empty() {
            parser.errors.push(SchemaError::new(
                "",
                "a file defines a record, an enum or a fixed",
            ));
        }
        errors.extend(parser.errors.into_iter().map(|error| error.with_file(file)));
        for (name, named) in parser.types {
            if let Some(first) = self.files.get(&name) {
                errors.push(SchemaError::in_file(
                    file,
                    "",
                    format!(
                        "`{name}` is defined in {} as well; refer to it by its name",
                        first.display()
                    ),
                ));
                continue;
            }
            self.files.insert(name.clone(), file.to_owned());
            self.types.insert(name, named);
        }
    }

    /// Puts the file to an error whose place starts with a type's short name.
    fn locate(&self, error: SchemaError) -> SchemaError {
        let owner = error.place.split('.').next().unwrap_or_default();
        match self
            .files
            .iter()
            .find(|(name, _)| short_name(name) == owner)
        {
            Some((_, file)) => error.with_file(file),
            None => error,
        }
    }

    /// All named types.
    #[must_use]
    pub fn types(&self) -> &Types {
        &self.types
    }

    /// The file that defines `name`.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&Path> {
        self.files.get(name).map(PathBuf::as_path)
    }

    /// The events, by full name.
    pub fn events(&self) -> impl Iterator<Item = TreeEvent<'_>> {
        self.types.values().filter_map(|named| {
            let Named::Record(record) = named else {
                return None;
            };
            let properties = record.event.as_ref()?;
            let schema = Schema::plain(Kind::Named(record.name.clone()));
            Some(TreeEvent {
                record,
                properties,
                fingerprint: canonical::fingerprint(&schema, &self.types),
                file: self.file(&record.name)?,
            })
        })
    }

    /// The type `name` with all types of the folder.
    #[must_use]
    pub fn document(&self, name: &str) -> Document {
        Document {
            root: Schema::plain(Kind::Named(name.to_owned())),
            types: self.types.clone(),
        }
    }
}

impl Document {
    /// Refuses what the schema language of events leaves out; see the errors for the reasons.
    ///
    /// # Errors
    /// Aliases, recursion, and unions other than nullable ones.
    pub fn check_supported(&self) -> Result<(), SchemaErrors> {
        let errors = supported::check(&self.types);
        if errors.is_empty() {
            Ok(())
        } else {
            Err(SchemaErrors(errors))
        }
    }
}

/// The path says what is inside, so that a reader finds an event without searching.
fn check_path(file: &Path, name: &str) -> Result<(), String> {
    let stem = file
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    let folder = file
        .parent()
        .and_then(Path::file_name)
        .and_then(|folder| folder.to_str())
        .unwrap_or_default();
    let owner = short_name(namespace(name));
    if owner.is_empty() {
        return Err(format!(
            "`{name}` needs a namespace whose last part is the owner, as in `shop.order`"
        ));
    }
    if stem == short_name(name) && folder == owner {
        return Ok(());
    }
    Err(format!(
        "`{name}` belongs into a file {owner}/{}.avsc",
        short_name(name)
    ))
}

pub(super) fn read(file: &Path) -> Result<String, SchemaError> {
    std::fs::read_to_string(file)
        .map_err(|error| SchemaError::in_file(file, "", format!("cannot read it: {error}")))
}

/// All `.avsc` files below `root`, sorted.
fn avsc_files(root: &Path) -> Result<Vec<PathBuf>, SchemaError> {
    let mut files = Vec::new();
    for path in entries(root)? {
        if path.is_dir() {
            files.extend(avsc_files(&path)?);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "avsc")
        {
            files.push(path);
        }
    }
    Ok(files)
}

/// The entries of a folder, sorted.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, SchemaError> {
    let fail = |error: std::io::Error| {
        SchemaError::in_file(folder, "", format!("cannot read this folder: {error}"))
    };
    let mut paths = std::fs::read_dir(folder)
        .map_err(fail)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(fail)?;
    paths.sort();
    Ok(paths)
}
