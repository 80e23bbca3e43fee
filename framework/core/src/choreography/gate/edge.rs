//! One edge: whether one build reads what another one writes, and who reads there.

use crate::choreography::Reads;
use crate::choreography::manifest::{Declared, EventManifest, Manifest};
use crate::choreography::uses::Use;

use super::NextSchema;

/// An event as one build knows it.
#[derive(Clone, Copy)]
pub(in crate::choreography) struct Known<'a> {
    schema: &'a str,
    versions: &'a [String],
    resolves: bool,
}

impl<'a> From<&'a EventManifest> for Known<'a> {
    fn from(event: &'a EventManifest) -> Self {
        Known {
            schema: &event.schema,
            versions: &event.versions,
            resolves: event.resolves,
        }
    }
}

impl<'a> From<&'a NextSchema> for Known<'a> {
    fn from(next: &'a NextSchema) -> Self {
        Known {
            schema: &next.schema,
            versions: &next.versions,
            // The next builds are made with the kolo of today.
            resolves: true,
        }
    }
}

impl Known<'_> {
    /// Whether both write the same; where versions are not known, the texts are compared.
    pub(super) fn writes_as(&self, other: &Known<'_>) -> bool {
        match (self.versions.first(), other.versions.first()) {
            (Some(version), Some(other)) => version == other,
            _ => self.schema == other.schema,
        }
    }
}

/// Why a reader cannot read what a writer writes, in words that follow a colon; `None` if it can. With a `registry`, a build
/// that resolves reads what Avro's rules make readable.
pub(in crate::choreography) fn trouble(
    reader: Known<'_>,
    writer: Known<'_>,
    reads: Reads<'_>,
    registry: bool,
) -> Option<String> {
    let written = writer.versions.first();
    // A build reads what was published to it, by Avro's rules or by an upcast.
    if written.is_some_and(|version| reader.versions.contains(version)) {
        return None;
    }
    let same = reader.schema == writer.schema;
    let untold = same || reader.schema.is_empty() || writer.schema.is_empty();
    let broken = if untold {
        None
    } else {
        reads(reader.schema, writer.schema).err()
    };
    // Either side may be of a build that does not tell its versions: then Avro's rules are all that is known.
    let resolves = registry && reader.resolves;
    let missing = written.filter(|_| !resolves && !reader.versions.is_empty());
    match (missing, broken) {
        (None, broken) => broken,
        (Some(version), None) => Some(format!(
            "the version {version} was not published to its build, and {}",
            if registry {
                "the build is of a kolo that does not resolve what a schema registry knows"
            } else {
                "without a schema registry a build reads the versions that it was made with, also where Avro could resolve another one"
            }
        )),
        (Some(version), Some(broken)) => Some(format!(
            "the version {version} was not published to its build, nor could it be read: {broken}"
        )),
    }
}

/// A reader of an event in one build.
pub(super) struct Reader<'g> {
    pub(super) build: &'g Manifest,
    pub(super) known: &'g EventManifest,
    /// Without the service's name.
    pub(super) aggregate: &'g str,
    /// Where it answers the event; `None` for the owner, which reads its stream when it takes a partition over.
    pub(super) place: Option<&'g Declared>,
}

impl Reader<'_> {
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.build.service, self.aggregate)
    }

    pub(super) fn is_owner(&self) -> bool {
        self.place.is_none()
    }
}

/// The aggregates of a build that read an event, each once. One that owns the event and answers it reads it as its owner.
pub(super) fn readers<'g>(build: &'g Manifest, event: &str) -> Vec<Reader<'g>> {
    let Some(known) = build.event(event) else {
        return Vec::new();
    };
    let mut readers: Vec<Reader<'g>> = Vec::new();
    if let Some(owner) = build.owner(event) {
        readers.push(Reader {
            build,
            known,
            aggregate: &owner.name,
            place: None,
        });
    }
    for found in build.readers(event) {
        if readers
            .iter()
            .all(|known| known.aggregate != found.aggregate)
        {
            readers.push(Reader {
                build,
                known,
                aggregate: found.aggregate,
                place: Some(found.function),
            });
        }
    }
    readers
}

/// What follows for a reader from what it cannot read.
pub(super) fn consequence(is_owner: bool) -> &'static str {
    if is_owner {
        "a process that takes over a partition with such a record cannot restore it, and stops"
    } else {
        "each such record parks its key"
    }
}

/// Where a build emits an event, as part of a sentence; empty where it does nowhere.
pub(super) fn written_at(writers: &[Use<'_>]) -> String {
    match writers.first() {
        None => String::new(),
        Some(at) => format!(" (written by {at})"),
    }
}

/// The event's name without its namespace.
pub(super) fn short(event: &str) -> &str {
    event.rsplit('.').next().unwrap_or(event)
}
