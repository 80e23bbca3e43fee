//! What happened to the registry, as the records that Confluent's writes into `_schemas`: either reads what the other wrote.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::level::{Level, Mode};
use crate::store::Record;

/// One record of the log.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fact {
    /// A version as it is from now on.
    Version(StoredVersion),
    /// A version is gone for good.
    NoVersion { subject: String, version: u32 },
    /// The compatibility level of a subject, or of all; `None` takes it back.
    Level {
        subject: Option<String>,
        level: Option<Level>,
    },
    /// The mode of a subject, or of all; `None` takes it back.
    Mode {
        subject: Option<String>,
        mode: Option<Mode>,
    },
    /// All versions up to this one are deleted, and can still be read.
    SubjectDeleted { subject: String, version: u32 },
    /// The highest id that was ever given: its schema may be gone for good, and an id must not come back as another
    /// schema. It is the value of a key whose value Confluent's registry never reads.
    HighestId(u32),
}

/// A version of a subject, in Confluent's words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredVersion {
    pub(crate) subject: String,
    pub(crate) version: u32,
    pub(crate) id: u32,
    #[serde(flatten)]
    pub(crate) content: Content,
    #[serde(default)]
    pub(crate) deleted: bool,
}

/// What a schema is: all that makes it another one if it is changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Content {
    /// Absent for Avro, as with Confluent's. Others come only from a log that another registry wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) schema_type: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) references: Vec<Reference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) metadata: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rule_set: Option<Value>,
    pub(crate) schema: String,
}

/// A version of a subject that a schema refers to, and the name by which it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reference {
    pub(crate) name: String,
    pub(crate) subject: String,
    /// -1 in a request: the latest.
    pub(crate) version: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "keytype", rename_all = "SCREAMING_SNAKE_CASE")]
enum Key {
    Schema {
        subject: String,
        version: u32,
        magic: u8,
    },
    Config {
        subject: Option<String>,
        magic: u8,
    },
    Mode {
        subject: Option<String>,
        magic: u8,
    },
    DeleteSubject {
        subject: String,
        magic: u8,
    },
    Noop {
        magic: u8,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LevelValue {
    compatibility_level: Level,
}

#[derive(Serialize, Deserialize)]
struct ModeValue {
    mode: Mode,
}

#[derive(Serialize, Deserialize)]
struct SubjectDeletedValue {
    subject: String,
    version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HighestIdValue {
    highest_id: u32,
}

impl Fact {
    pub(crate) fn encode(&self) -> Record {
        match self {
            Fact::Version(stored) => {
                let (subject, version) = (stored.subject.clone(), stored.version);
                record(
                    &Key::Schema {
                        subject,
                        version,
                        magic: 1,
                    },
                    Some(stored),
                )
            }
            Fact::NoVersion { subject, version } => {
                let (subject, version) = (subject.clone(), *version);
                record::<()>(
                    &Key::Schema {
                        subject,
                        version,
                        magic: 1,
                    },
                    None,
                )
            }
            Fact::Level { subject, level } => {
                let value = level.map(|compatibility_level| LevelValue {
                    compatibility_level,
                });
                let subject = subject.clone();
                record(&Key::Config { subject, magic: 0 }, value.as_ref())
            }
            Fact::Mode { subject, mode } => {
                let value = mode.map(|mode| ModeValue { mode });
                let subject = subject.clone();
                record(&Key::Mode { subject, magic: 0 }, value.as_ref())
            }
            Fact::SubjectDeleted { subject, version } => {
                let (subject, version) = (subject.clone(), *version);
                let value = SubjectDeletedValue {
                    subject: subject.clone(),
                    version,
                };
                record(&Key::DeleteSubject { subject, magic: 0 }, Some(&value))
            }
            Fact::HighestId(highest_id) => {
                let value = HighestIdValue {
                    highest_id: *highest_id,
                };
                record(&Key::Noop { magic: 0 }, Some(&value))
            }
        }
    }

    /// `None` for a record that says nothing: Confluent's registry writes such to find the end of the log.
    ///
    /// # Errors
    /// A record that no registry wrote, or one of a kind that is not known here.
    pub(crate) fn decode(record: &Record) -> serde_json::Result<Option<Fact>> {
        let key: Key = serde_json::from_slice(&record.key)?;
        let value = record.value.as_deref();
        Ok(match key {
            Key::Schema {
                subject, version, ..
            } => Some(match value {
                Some(value) => Fact::Version(serde_json::from_slice(value)?),
                None => Fact::NoVersion { subject, version },
            }),
            Key::Config { subject, .. } => {
                let level: Option<LevelValue> = value.map(serde_json::from_slice).transpose()?;
                let level = level.map(|value| value.compatibility_level);
                Some(Fact::Level { subject, level })
            }
            Key::Mode { subject, .. } => {
                let mode: Option<ModeValue> = value.map(serde_json::from_slice).transpose()?;
                let mode = mode.map(|value| value.mode);
                Some(Fact::Mode { subject, mode })
            }
            Key::DeleteSubject { .. } => match value {
                Some(value) => {
                    let SubjectDeletedValue { subject, version } = serde_json::from_slice(value)?;
                    Some(Fact::SubjectDeleted { subject, version })
                }
                None => None,
            },
            Key::Noop { .. } => match value {
                Some(value) => {
                    let HighestIdValue { highest_id } = serde_json::from_slice(value)?;
                    Some(Fact::HighestId(highest_id))
                }
                None => None,
            },
        })
    }
}

fn record<T: Serialize>(key: &Key, value: Option<&T>) -> Record {
    Record {
        key: json(key),
        value: value.map(json),
    }
}

#[expect(
    clippy::expect_used,
    reason = "texts, numbers and JSON under names that are texts"
)]
fn json<T: Serialize>(of: &T) -> Vec<u8> {
    serde_json::to_vec(of).expect("it is JSON")
}

#[cfg(test)]
mod tests;
