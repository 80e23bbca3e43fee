//! The schemas of a folder, at run time.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dashmap::DashMap;
use serde_json::Value;

use super::read::{Registered, SchemaVersion};
use super::sensitive::{Sensitive, Shown};
use super::{DynamicError, decode_json, encode_json};
use crate::codec::{Reader, frame};
use crate::schema::published::Published;
use crate::schema::{Document, EventProperties, Kind, Schema, SchemaErrors, Tree, Types, write};

/// All events of a folder of schemas, with their published versions.
#[derive(Debug, Clone)]
pub struct SchemaSet {
    pub(super) tree: Tree,
    /// Sorted by full name.
    names: Vec<String>,
    pub(super) versions: HashMap<u64, (String, SchemaVersion, Option<Document>)>,
    /// Versions that are not in the folder, by the ids by which a schema registry knows them.
    pub(super) registered: Arc<DashMap<u32, Registered>>,
    sensitive: Sensitive,
    is_revealed: bool,
}

/// One event of a [`SchemaSet`].
#[derive(Debug, Clone, Copy)]
pub struct EventSchema<'a> {
    name: &'a str,
    doc: Option<&'a str>,
    properties: &'a EventProperties,
    fingerprint: u64,
    file: &'a Path,
    types: &'a Types,
}

/// An event, ready to be produced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedEvent {
    /// Full name, for the header `ce_type`.
    pub name: String,
    /// The topic that it belongs to.
    pub topic: String,
    /// The record's key.
    pub key: String,
    /// The value of the field that identifies the saga.
    pub saga: Option<String>,
    /// The framed value.
    pub value: Vec<u8>,
}

impl SchemaSet {
    /// Reads a folder: the one that holds `avro/` and `published/`, or the `avro/` itself (the published versions are
    /// then looked for beside it).
    ///
    /// # Errors
    /// All that is wrong with the schemas, with file and place.
    pub fn load(folder: impl AsRef<Path>) -> Result<Self, SchemaErrors> {
        let (schemas, published) = folders(folder.as_ref());
        let tree = Tree::load(&schemas)?;
        let published = Published::load(&published)?;
        let mut versions = HashMap::new();
        let mut sensitive = Sensitive::default();
        sensitive.add(tree.types());
        for (name, all) in published.events() {
            for version in all {
                sensitive.add(&version.document.types);
                let entry = (
                    name.to_owned(),
                    SchemaVersion::Published(version.number),
                    Some(version.document.clone()),
                );
                versions.entry(version.fingerprint).or_insert(entry);
            }
        }
        for event in tree.events() {
            versions.insert(
                event.fingerprint,
                (event.record.name.clone(), SchemaVersion::Working, None),
            );
        }
        let names = tree
            .events()
            .map(|event| event.record.name.clone())
            .collect();
        Ok(Self {
            tree,
            names,
            versions,
            registered: Arc::default(),
            sensitive,
            is_revealed: false,
        })
    }

    /// The same set, which shows what is sensitive: for who must see it.
    #[must_use]
    pub fn revealed(mut self) -> Self {
        self.is_revealed = true;
        self
    }

    pub(super) fn shown(&self) -> Shown<'_> {
        if self.is_revealed {
            Shown::Whole
        } else {
            Shown::Without(&self.sensitive)
        }
    }

    /// Whether a value that could not be read may be shown as the bytes that it is. Not if something sensitive may be in it:
    /// if the event that it is said to be has such a field, or is not known while another event has one.
    #[must_use]
    pub fn may_show_bytes(&self, event: Option<&str>) -> bool {
        self.is_revealed
            || self.sensitive.is_empty()
            || event.is_some_and(|event| {
                let types = self.tree.types();
                types.contains_key(event) && !self.sensitive.is_within(event, types)
            })
    }

    /// The events, by full name.
    pub fn events(&self) -> impl Iterator<Item = EventSchema<'_>> {
        self.tree.events().map(|event| EventSchema {
            name: &event.record.name,
            doc: event.record.doc.as_deref(),
            properties: event.properties,
            fingerprint: event.fingerprint,
            file: event.file,
            types: self.tree.types(),
        })
    }

    /// The fingerprints of all versions of an event, by its full name: the one in the folder, and those that were published.
    pub fn fingerprints(&self, event: &str) -> impl Iterator<Item = u64> {
        let versions = self.versions.iter();
        versions
            .filter_map(move |(&fingerprint, (name, ..))| (name == event).then_some(fingerprint))
    }

    /// The event of this full name, or of this short name if only one is called so.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn event(&self, name: &str) -> Result<EventSchema<'_>, DynamicError> {
        let unknown = |hint| DynamicError::UnknownEvent {
            name: name.to_owned(),
            hint,
        };
        let mut found = self
            .events()
            .filter(|event| event.name == name || event.short_name() == name);
        match (found.next(), found.next()) {
            (Some(event), None) => Ok(event),
            (Some(one), Some(other)) => Err(unknown(format!(
                "it could be {} or {}: say which",
                one.name, other.name
            ))),
            (None, _) => {
                let alike: Vec<&str> = self
                    .names
                    .iter()
                    .map(|full| full.rsplit('.').next().unwrap_or(full))
                    .filter(|short| is_alike(short, name))
                    .collect();
                Err(unknown(if alike.is_empty() {
                    format!("there are: {}", self.names.join(", "))
                } else {
                    format!("did you mean {}?", alike.join(" or "))
                }))
            }
        }
    }

    /// The whole text of an event's schema, with all types that it is made of; as it is published, and registered.
    #[must_use]
    pub fn text(&self, event: &EventSchema<'_>) -> String {
        let document = self.tree.document(event.name);
        write::text(&document.root, &document.types)
    }
}

impl<'a> EventSchema<'a> {
    /// Full name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The name without its namespace.
    #[must_use]
    pub fn short_name(&self) -> &'a str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }

    /// What the schema says about it.
    #[must_use]
    pub fn doc(&self) -> Option<&'a str> {
        self.doc
    }

    /// The topic that it belongs to.
    #[must_use]
    pub fn topic(&self) -> &'a str {
        &self.properties.topic
    }

    /// The field that holds the key.
    #[must_use]
    pub fn key_field(&self) -> &'a str {
        &self.properties.key
    }

    /// The field that identifies the saga.
    #[must_use]
    pub fn saga_field(&self) -> Option<&'a str> {
        self.properties.saga.as_deref()
    }

    /// Whether other services may rely on it.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.properties.public
    }

    /// CRC-64-AVRO of the schema, which is in the frame of each value.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Where it is defined.
    #[must_use]
    pub fn file(&self) -> &'a Path {
        self.file
    }

    /// Makes an event of JSON. Fields with a default may be left out.
    ///
    /// # Errors
    /// All fields that are unknown, missing or of another type, each with its path.
    pub fn encode(&self, json: &Value) -> Result<EncodedEvent, DynamicError> {
        let mut value = frame::frame(self.fingerprint).to_vec();
        let root = Schema::plain(Kind::Named(self.name.to_owned()));
        encode_json(json, &root, self.types, self.short_name(), &mut value)
            .map_err(DynamicError::Input)?;
        // Read back, so that key and saga are the texts that every reader of the value sees.
        let mut reader = Reader::new(&value, frame::FRAME_BYTES);
        let read = decode_json(&mut reader, &root, self.types, Shown::Whole).map_err(|fault| {
            DynamicError::Malformed {
                event: self.name.to_owned(),
                at: fault.at(),
                problem: fault.to_string(),
            }
        })?;
        let text = |field: &str| read[field].as_str().unwrap_or_default().to_owned();
        Ok(EncodedEvent {
            name: self.name.to_owned(),
            topic: self.properties.topic.clone(),
            key: text(&self.properties.key),
            saga: self.properties.saga.as_deref().map(text),
            value,
        })
    }
}

fn folders(folder: &Path) -> (PathBuf, PathBuf) {
    let inside = folder.join("avro");
    if inside.is_dir() {
        (inside, folder.join("published"))
    } else {
        (folder.to_owned(), folder.join("../published"))
    }
}

/// Whether a name was probably mistyped: the same letters up to case, or one within the other.
fn is_alike(known: &str, asked: &str) -> bool {
    let (known, asked) = (
        known.to_lowercase(),
        asked.rsplit('.').next().unwrap_or_default().to_lowercase(),
    );
    !asked.is_empty() && (known.contains(&asked) || asked.contains(&known))
}
