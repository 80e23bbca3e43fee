//! What is asked of the state.

use std::sync::Arc;

use super::{State, Version};
use crate::fact::{Content, Reference, StoredVersion};
use crate::level::{Level, Mode};
use crate::refusal::Refusal;

/// A version that was found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) subject: String,
    pub(crate) version: u32,
    pub(crate) id: u32,
    pub(crate) content: Arc<Content>,
    pub(crate) deleted: bool,
}

impl Found {
    fn new(subject: &str, version: u32, of: &Version) -> Self {
        Found {
            subject: subject.to_owned(),
            version,
            id: of.id,
            content: Arc::clone(&of.content),
            deleted: of.deleted,
        }
    }

    /// The version as it is kept from now on.
    pub(crate) fn stored(&self, deleted: bool) -> StoredVersion {
        StoredVersion {
            subject: self.subject.clone(),
            version: self.version,
            id: self.id,
            content: (*self.content).clone(),
            deleted,
        }
    }
}

impl State {
    /// Every version, by subject and number, deleted ones too.
    pub(crate) fn all(&self) -> impl Iterator<Item = Found> {
        self.subjects.iter().flat_map(|(subject, versions)| {
            let found =
                move |(number, version): (&u32, &Version)| Found::new(subject, *number, version);
            versions.iter().map(found)
        })
    }

    /// The versions of a subject, oldest first, deleted ones too; none if there is no such subject.
    pub(crate) fn versions(&self, subject: &str) -> impl DoubleEndedIterator<Item = Found> {
        let known = self.subjects.get_key_value(subject);
        known.into_iter().flat_map(|(subject, versions)| {
            let found =
                move |(number, version): (&u32, &Version)| Found::new(subject, *number, version);
            versions.iter().map(found)
        })
    }

    /// The versions of a subject that there is.
    pub(crate) fn versions_of(&self, subject: &str, deleted: bool) -> Result<Vec<Found>, Refusal> {
        let found: Vec<Found> = self
            .versions(subject)
            .filter(|found| deleted || !found.deleted)
            .collect();
        if found.is_empty() {
            return Err(Refusal::no_subject(subject));
        }
        Ok(found)
    }

    pub(crate) fn version(&self, subject: &str, version: u32) -> Option<Found> {
        let of = self.subjects.get(subject)?.get(&version)?;
        Some(Found::new(subject, version, of))
    }

    /// The latest version that is not deleted.
    pub(crate) fn latest(&self, subject: &str) -> Option<Found> {
        self.versions(subject).rev().find(|found| !found.deleted)
    }

    /// Any version that has this id: all of them have the same content.
    pub(crate) fn by_id(&self, id: u32) -> Option<Found> {
        self.all().find(|found| found.id == id)
    }

    /// The id of this schema, if any subject has it.
    pub(crate) fn id_of(&self, content: &Content) -> Option<u32> {
        let found = self.all().find(|found| *found.content == *content);
        found.map(|found| found.id)
    }

    /// The latest version of a subject with this schema.
    pub(crate) fn version_with(
        &self,
        subject: &str,
        content: &Content,
        deleted: bool,
    ) -> Option<Found> {
        self.versions(subject)
            .rev()
            .find(|found| *found.content == *content && (deleted || !found.deleted))
    }

    /// The ids of the schemas that refer to a version, ascending; versions that are deleted refer to nothing.
    pub(crate) fn referenced_by(&self, subject: &str, version: u32) -> Vec<u32> {
        let is_meant = |reference: &Reference| {
            reference.subject == subject && reference.version == i64::from(version)
        };
        let mut ids: Vec<u32> = self
            .all()
            .filter(|found| !found.deleted && found.content.references.iter().any(is_meant))
            .map(|found| found.id)
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The texts of all schemas that these references lead to, the farthest first.
    ///
    /// # Errors
    /// A reference to a version that there is not.
    pub(crate) fn referenced(&self, references: &[Reference]) -> Result<Vec<String>, Refusal> {
        let mut found = Vec::new();
        self.follow(references, &mut Vec::new(), &mut found)?;
        Ok(found)
    }

    fn follow(
        &self,
        references: &[Reference],
        seen: &mut Vec<(String, u32)>,
        texts: &mut Vec<String>,
    ) -> Result<(), Refusal> {
        for reference in references {
            let version = u32::try_from(reference.version).ok();
            let Some(found) = version.and_then(|version| self.version(&reference.subject, version))
            else {
                return Err(Refusal::invalid_schema(format!(
                    "the reference {} leads to version {} of subject '{}', which is not registered",
                    reference.name, reference.version, reference.subject
                )));
            };
            let place = (found.subject.clone(), found.version);
            if !seen.contains(&place) {
                seen.push(place);
                self.follow(&found.content.references, seen, texts)?;
                texts.push(found.content.schema.clone());
            }
        }
        Ok(())
    }

    /// What was set for a subject, or for all.
    pub(crate) fn level(&self, subject: Option<&str>) -> Option<Level> {
        self.levels.get(&subject.map(str::to_owned)).copied()
    }

    /// What is in force for a subject.
    pub(crate) fn level_for(&self, subject: &str) -> Level {
        let own = self.level(Some(subject));
        own.or_else(|| self.level(None)).unwrap_or_default()
    }

    /// What was set for a subject, or for all.
    pub(crate) fn mode(&self, subject: Option<&str>) -> Option<Mode> {
        self.modes.get(&subject.map(str::to_owned)).copied()
    }

    /// What is in force for a subject.
    pub(crate) fn mode_for(&self, subject: &str) -> Mode {
        match (self.mode(None), self.mode(Some(subject))) {
            (Some(Mode::ReadOnlyOverride), _) => Mode::ReadOnlyOverride,
            (all, own) => own.or(all).unwrap_or_default(),
        }
    }

    /// The highest id that was ever given.
    pub(crate) fn highest_id(&self) -> u32 {
        self.highest_id
    }
}
