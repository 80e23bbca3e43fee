//! The folders of schemas and of published versions, read.

use std::path::{Path, PathBuf};

use kolo_avro::schema::published::{Published, Version};
use kolo_avro::schema::{Document, Named, Record, SchemaErrors, Tree, TreeEvent, write};
use kolo_avro::versions::{State, state};
use kolo_core::choreography::NextSchema;

use super::args::{Folders, Side};
use crate::failure::Failure;
use crate::schemas::{DEFAULT_FOLDER, indented, place_of};

/// All events of a folder, with their published versions.
pub(super) struct Project {
    pub(super) schemas: PathBuf,
    pub(super) folder: PathBuf,
    pub(super) tree: Tree,
    pub(super) published: Published,
}

impl Project {
    /// Reads the folders: `--schemas` is that of the schemas, or the one that holds `avro` and `published`.
    pub(super) fn load(folders: &Folders) -> Result<Self, Failure> {
        let asked = folders.schemas.as_deref();
        let asked = asked.unwrap_or(Path::new(DEFAULT_FOLDER));
        let inside = asked.join("avro");
        let schemas = if inside.is_dir() {
            inside
        } else {
            asked.to_owned()
        };
        if !schemas.is_dir() {
            return Err(Failure::input(format!(
                "{} is no folder, so there are no schemas. Name the folder that holds <owner>/<Event>.avsc with --schemas DIR or KOLO_SCHEMAS.",
                schemas.display()
            )));
        }
        let folder = match &folders.published {
            Some(folder) if !folder.is_dir() => {
                return Err(Failure::input(format!(
                    "{} is no folder. Make it, or name the one that holds <owner>/<Event>/<N>.avsc with --published DIR.",
                    folder.display()
                )));
            }
            Some(folder) => folder.clone(),
            None => beside(&schemas),
        };
        let unusable = |of: &Path, errors: &SchemaErrors| {
            Failure::input(format!(
                "the schemas in {} cannot be used:\n{}",
                of.display(),
                indented(&errors.to_string())
            ))
        };
        let tree = Tree::load(&schemas).map_err(|errors| unusable(&schemas, &errors))?;
        let published = Published::load(&folder).map_err(|errors| unusable(&folder, &errors))?;
        Ok(Project {
            schemas,
            folder,
            tree,
            published,
        })
    }

    /// The events, by full name.
    pub(super) fn events(&self) -> impl Iterator<Item = Event<'_>> {
        self.tree.events().map(|of| Event { project: self, of })
    }

    /// The event of this full or short name.
    pub(super) fn event(&self, name: &str) -> Result<Event<'_>, Failure> {
        let mut events: Vec<Event<'_>> = self.events().collect();
        let names: Vec<&str> = events.iter().map(Event::name).collect();
        let at = place_of(name, &names, &self.schemas)?;
        Ok(events.swap_remove(at))
    }
}

/// `schemas/published` beside `schemas/avro`.
fn beside(schemas: &Path) -> PathBuf {
    match schemas.parent() {
        Some(parent) if schemas.file_name().is_some() => parent.join("published"),
        _ => schemas.join("../published"),
    }
}

/// One event of a project.
pub(super) struct Event<'p> {
    project: &'p Project,
    pub(super) of: TreeEvent<'p>,
}

impl<'p> Event<'p> {
    /// The full name.
    pub(super) fn name(&self) -> &'p str {
        &self.of.record.name
    }

    pub(super) fn short(&self) -> &'p str {
        short(self.name())
    }

    /// The owner, whose folder it is in.
    pub(super) fn owner(&self) -> &'p str {
        let namespace = self.name().rsplit_once('.').map_or("", |(names, _)| names);
        short(namespace)
    }

    pub(super) fn state(&self) -> State {
        state(&self.project.tree, &self.project.published, self.name())
    }

    /// Oldest first.
    pub(super) fn versions(&self) -> &'p [Version] {
        self.project.published.of(self.name())
    }

    pub(super) fn working(&self) -> Document {
        self.project.tree.document(self.name())
    }

    pub(super) fn version(&self, number: u32) -> Result<&'p Version, Failure> {
        let versions = self.versions();
        let found = versions.iter().find(|version| version.number == number);
        found.ok_or_else(|| {
            let known: Vec<String> = versions.iter().map(|one| one.number.to_string()).collect();
            let known = match known.as_slice() {
                [] => "none is".to_owned(),
                known => format!("these are: {}", known.join(", ")),
            };
            Failure::input(format!(
                "version {number} of `{}` is not published in {}; {known}.",
                self.short(),
                self.project.folder.display()
            ))
        })
    }

    /// The schema of a side, with its fingerprint.
    pub(super) fn side(&self, side: Side) -> Result<(Document, u64), Failure> {
        match side {
            Side::Working => Ok((self.working(), self.of.fingerprint)),
            Side::Version(number) => self
                .version(number)
                .map(|version| (version.document.clone(), version.fingerprint)),
        }
    }

    /// What every service's next build knows of it.
    pub(super) fn next(&self) -> NextSchema {
        let mut versions = vec![hex(self.of.fingerprint)];
        for version in self.versions().iter().map(|one| hex(one.fingerprint)) {
            if !versions.contains(&version) {
                versions.push(version);
            }
        }
        let working = self.working();
        NextSchema {
            event: self.name().to_owned(),
            schema: write::text(&working.root, &working.types),
            versions,
        }
    }
}

/// A fingerprint as manifests and messages have it.
pub(super) fn hex(fingerprint: u64) -> String {
    format!("{fingerprint:016x}")
}

pub(super) fn short(full: &str) -> &str {
    full.rsplit('.').next().unwrap_or(full)
}

/// How a state is called, for people and in JSON.
pub(super) fn word(state: State) -> &'static str {
    match state {
        State::New => "new",
        State::Changed { .. } => "changed",
        State::Published { .. } => "published",
    }
}

/// The record of an event in a document of it.
pub(super) fn record<'d>(document: &'d Document, event: &str) -> Option<&'d Record> {
    match document.types.get(event)? {
        Named::Record(record) => Some(record),
        Named::Enum(_) | Named::Fixed(_) => None,
    }
}
