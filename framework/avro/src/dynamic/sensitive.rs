//! Which fields are hidden when a value is shown.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::{Field, Named, Types};

/// What stands for a value that is hidden, whatever its type, and for one that is not there too.
pub(super) const HIDDEN: &str = "(hidden)";

/// The sensitive fields of all versions, by the full name of their record. A field is marked for what it means: what an older
/// version wrote before anybody marked it is the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sensitive(BTreeMap<String, BTreeSet<String>>);

impl Sensitive {
    /// Takes up what these types mark.
    pub(super) fn add(&mut self, types: &Types) {
        for named in types.values() {
            let Named::Record(record) = named else {
                continue;
            };
            for field in record.fields.iter().filter(|field| field.sensitive) {
                let fields = self.0.entry(record.name.clone()).or_default();
                fields.insert(field.name.clone());
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a record has a sensitive field, or is made of something that has one.
    pub(super) fn is_within(&self, record: &str, types: &Types) -> bool {
        if self.0.contains_key(record) {
            return true;
        }
        // Schemas that contain themselves are refused when they are loaded.
        match types.get(record) {
            Some(Named::Record(record)) => record
                .fields
                .iter()
                .flat_map(|field| field.schema.named())
                .any(|name| self.is_within(name, types)),
            _ => false,
        }
    }
}

/// How much of a value is shown.
#[derive(Clone, Copy)]
pub(crate) enum Shown<'a> {
    /// All of it.
    Whole,
    /// What is not sensitive, by these or by the schema that wrote it.
    Without(&'a Sensitive),
}

impl Shown<'_> {
    pub(super) fn hides(self, record: &str, field: &Field) -> bool {
        match self {
            Shown::Whole => false,
            Shown::Without(sensitive) => {
                let known = sensitive.0.get(record);
                field.sensitive || known.is_some_and(|known| known.contains(&field.name))
            }
        }
    }
}
