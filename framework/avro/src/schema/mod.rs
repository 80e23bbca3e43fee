//! Avro schemas, as far as events need them.
//!
//! - [`parse`](Document::parse) turns one `.avsc` text into types; [`Tree`] reads a folder of them, with references
//!   between files by full name
//! - [`canonical`] gives the parsing canonical form and its fingerprint, which names a version on the wire
//! - [`mod@write`] gives one self-contained text, which is what gets published
//! - [`published`] reads the versions that were published before

pub mod canonical;
mod defaults;
mod event;
mod parse;
pub mod published;
mod references;
mod supported;
mod tree;
mod types;
pub mod write;

pub use event::{EventProperties, Mark};
pub use tree::{Tree, TreeEvent};
pub(crate) use types::min_bytes;
pub use types::{
    Document, EnumType, Field, FixedType, Kind, Logical, Named, Record, Schema, Types,
};

use std::fmt;
use std::path::{Path, PathBuf};

/// Something that is wrong with a schema: where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct SchemaError {
    /// The file, if the schema came from one.
    pub file: Option<PathBuf>,
    /// The place in it, such as `OrderCreated.lines.items`; empty for the file as a whole.
    pub place: String,
    /// What is wrong there.
    pub problem: String,
}

impl SchemaError {
    pub(crate) fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            file: None,
            place: place.into(),
            problem: problem.into(),
        }
    }

    pub(crate) fn in_file(
        file: &Path,
        place: impl Into<String>,
        problem: impl Into<String>,
    ) -> Self {
        Self {
            file: Some(file.to_owned()),
            ..Self::new(place, problem)
        }
    }

    pub(crate) fn with_file(self, file: &Path) -> Self {
        Self {
            file: Some(file.to_owned()),
            ..self
        }
    }
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}: ", file.display())?;
        }
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(&self.problem)
    }
}

/// Everything that is wrong, so that it can be put right in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaErrors(pub Vec<SchemaError>);

impl fmt::Display for SchemaErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for SchemaErrors {}

impl From<SchemaError> for SchemaErrors {
    fn from(error: SchemaError) -> Self {
        Self(vec![error])
    }
}
