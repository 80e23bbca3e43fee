//! A manifest: the declaration of one service, as data of its own, which can be written, sent and read elsewhere.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{EventType, Mark};

/// The format that this build writes; it reads this one and all before it.
pub const FORMAT: u32 = 1;

/// The declaration of one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this format.
    pub format: u32,
    /// The service's name.
    pub service: String,
    /// Its aggregates, in declared order.
    pub aggregates: Vec<AggregateManifest>,
    /// The event types that it emits or answers, as this service knows them, by full name.
    pub events: Vec<EventManifest>,
    /// How many partitions topics have, as far as they are known, by topic.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub partitions: BTreeMap<String, i32>,
}

/// One aggregate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AggregateManifest {
    /// Its name, without the service's.
    pub name: String,
    /// The version of the declaration.
    pub version: u32,
    /// Its stream's topic.
    pub stream: String,
    /// The name of its key type.
    pub key: String,
    /// Its inbox's topic.
    pub inbox: String,
    /// The types of its stream, by full name.
    pub own_events: Vec<String>,
    /// Its reactions, in declared order.
    pub reactions: Vec<ReactionManifest>,
    /// Its compensations, in declared order.
    pub compensations: Vec<CompensationManifest>,
    /// Its effects, in declared order.
    pub effects: Vec<EffectManifest>,
    /// What it does when it has waited for too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<DeadlineManifest>,
    /// The findings about it that were looked at and accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<Accepted>,
}

/// One reaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReactionManifest {
    /// The event that it answers, by full name.
    pub event: String,
    /// Whether a router forwards copies; otherwise the aggregate reads the topic itself.
    pub routed: bool,
    /// What may leave.
    pub emits: Vec<Emitted>,
    /// Whether it is the pivot.
    pub pivot: bool,
    /// The function.
    pub function: Declared,
}

/// One compensation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompensationManifest {
    /// The event that triggers it, by full name.
    pub event: String,
    /// The own event that it undoes, by full name.
    pub undoes: String,
    /// What may leave.
    pub emits: Vec<Emitted>,
    /// The function.
    pub function: Declared,
}

/// One effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectManifest {
    /// The own event that requests it, by full name.
    pub request: String,
    /// The port's Rust path.
    pub port: String,
    /// What may answer, after a reply or without one.
    pub emits: Vec<Emitted>,
    /// How the port is called, in words.
    pub policy: String,
    /// The function that turns a reply into the answer.
    pub function: Declared,
    /// The function that answers where no more call is made; without it, the key is parked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exhausted: Option<Declared>,
}

/// The reaction to a deadline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadlineManifest {
    /// What may leave.
    pub emits: Vec<Emitted>,
    /// The function.
    pub function: Declared,
}

/// An event type that may leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emitted {
    /// Its full name.
    pub event: String,
    /// Whether it is the business failure (`Err`) of a `Result`.
    pub failure: bool,
    /// Whether it may also not be emitted.
    pub optional: bool,
}

/// A function of a declaration, and where it was declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// Its name, without the path.
    pub name: String,
    /// The file in which it is declared, as the compiler was given it.
    pub file: String,
    /// The line there; 1 is the first.
    pub line: u32,
}

/// An accepted finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The finding's code.
    pub code: String,
    /// Why it is as it should be.
    pub reason: String,
    /// The file in which it is accepted.
    pub file: String,
    /// The line there.
    pub line: u32,
}

/// An event type, as one service knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventManifest {
    /// Its full name.
    pub name: String,
    /// Its topic.
    pub topic: String,
    /// The field that holds the key.
    pub key_field: String,
    /// The name of the key's type.
    pub key_type: String,
    /// The field that identifies the saga.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saga_field: Option<String>,
    /// Whether other services may rely on it.
    pub public: bool,
    /// What it is in the course of a saga.
    pub mark: Mark,
    /// The whole text of its schema; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub schema: String,
    /// The versions of the schema that the service's build reads, as fingerprints in hex; the first is the one that it
    /// writes. Empty where they are not known: in manifests of older builds, and for events that are written by hand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
    /// Whether the build resolves, by Avro's rules, what was written with another version that a schema registry tells it of.
    /// Builds of an older kolo do not, nor do events that are written by hand.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resolves: bool,
}

impl From<&EventType> for EventManifest {
    fn from(event: &EventType) -> Self {
        EventManifest {
            name: event.name.into(),
            topic: event.topic.into(),
            key_field: event.key_field.into(),
            key_type: event.key_type.into(),
            saga_field: event.saga_field.map(Into::into),
            public: event.public,
            mark: event.mark,
            schema: event.schema.into(),
            versions: Vec::new(),
            resolves: false,
        }
    }
}

impl EventManifest {
    /// The same with the versions that a build reads, by fingerprint; the first is the one that it writes. Code that was
    /// generated with versions resolves others as well.
    #[must_use]
    pub fn reading(mut self, versions: &[u64]) -> Self {
        self.resolves = !versions.is_empty();
        self.versions = versions
            .iter()
            .map(|version| format!("{version:016x}"))
            .collect();
        self
    }
}

/// A text that is no manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// It was written by a newer build.
    #[error(
        "the manifest of `{service}` has format {format}, and this build reads formats up to {FORMAT}: use a `kolo` that is as new as the service"
    )]
    Newer {
        /// The service, or `?` where the manifest does not say.
        service: String,
        /// Its format.
        format: u64,
    },
    /// It is not what `<service> manifest` prints.
    #[error("this is no manifest: {problem}. `<service> manifest` prints one")]
    Malformed {
        /// What is wrong, and where.
        problem: String,
    },
}

impl Manifest {
    /// The manifest as JSON: the same text for the same declaration, with a line feed at its end.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Texts, numbers and lists: nothing in a manifest can fail to be written.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads what [`Manifest::to_json`] writes.
    ///
    /// # Errors
    /// When the text is no manifest, or one of a newer format.
    pub fn from_json(text: &str) -> Result<Self, ManifestError> {
        let malformed = |error: serde_json::Error| ManifestError::Malformed {
            problem: error.to_string(),
        };
        let head: Head = serde_json::from_str(text).map_err(malformed)?;
        if head.format > u64::from(FORMAT) {
            return Err(ManifestError::Newer {
                service: head.service.unwrap_or_else(|| "?".into()),
                format: head.format,
            });
        }
        serde_json::from_str(text).map_err(malformed)
    }

    /// Reads manifests that stand one after the other, such as those that several services print.
    ///
    /// # Errors
    /// When there is none, or one of them is no manifest, or one of a newer format.
    pub fn all_from_json(text: &str) -> Result<Vec<Self>, ManifestError> {
        let mut values =
            serde_json::Deserializer::from_str(text).into_iter::<serde::de::IgnoredAny>();
        let mut manifests = Vec::new();
        let mut begin = 0;
        while let Some(value) = values.next() {
            let malformed = |error: serde_json::Error| ManifestError::Malformed {
                problem: error.to_string(),
            };
            value.map_err(malformed)?;
            let end = values.byte_offset();
            manifests.push(Self::from_json(&text[begin..end])?);
            begin = end;
        }
        if manifests.is_empty() {
            let problem = "it is empty".to_owned();
            return Err(ManifestError::Malformed { problem });
        }
        Ok(manifests)
    }

    /// The names of the topics that it reads and writes, each once, sorted.
    #[must_use]
    pub fn topics(&self) -> Vec<&str> {
        let topics = self.events.iter().map(|event| event.topic.as_str());
        let streams = self.aggregates.iter().map(|known| known.stream.as_str());
        let inboxes = self.aggregates.iter().map(|known| known.inbox.as_str());
        let mut topics: Vec<&str> = topics.chain(streams).chain(inboxes).collect();
        topics.sort_unstable();
        topics.dedup();
        topics
    }
}

/// What is read of a manifest before its format is known.
#[derive(Deserialize)]
struct Head {
    format: u64,
    service: Option<String>,
}
