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
mod tests {
    use super::*;

    fn content(schema: &str) -> Content {
        Content {
            schema_type: None,
            references: Vec::new(),
            metadata: None,
            rule_set: None,
            schema: schema.to_owned(),
        }
    }

    /// Beside each fact what Confluent's registry writes for it.
    #[test]
    fn records_are_those_of_confluents_registry() {
        let subject = "s".to_owned();
        let stored = StoredVersion {
            subject: subject.clone(),
            version: 2,
            id: 7,
            content: content("\"int\""),
            deleted: false,
        };
        let with_reference = StoredVersion {
            content: Content {
                references: vec![Reference {
                    name: "n.A".to_owned(),
                    subject: "a".to_owned(),
                    version: 1,
                }],
                ..content("\"n.A\"")
            },
            deleted: true,
            ..stored.clone()
        };
        let of_s = Some(subject.clone());
        for (fact, key, value) in [
            (
                Fact::Version(stored),
                r#"{"keytype":"SCHEMA","subject":"s","version":2,"magic":1}"#,
                Some(r#"{"subject":"s","version":2,"id":7,"schema":"\"int\"","deleted":false}"#),
            ),
            (
                Fact::Version(with_reference),
                r#"{"keytype":"SCHEMA","subject":"s","version":2,"magic":1}"#,
                Some(
                    r#"{"subject":"s","version":2,"id":7,"references":[{"name":"n.A","subject":"a","version":1}],"schema":"\"n.A\"","deleted":true}"#,
                ),
            ),
            (
                Fact::NoVersion {
                    subject: subject.clone(),
                    version: 2,
                },
                r#"{"keytype":"SCHEMA","subject":"s","version":2,"magic":1}"#,
                None,
            ),
            (
                Fact::Level {
                    subject: None,
                    level: Some(Level::FullTransitive),
                },
                r#"{"keytype":"CONFIG","subject":null,"magic":0}"#,
                Some(r#"{"compatibilityLevel":"FULL_TRANSITIVE"}"#),
            ),
            (
                Fact::Level {
                    subject: of_s.clone(),
                    level: None,
                },
                r#"{"keytype":"CONFIG","subject":"s","magic":0}"#,
                None,
            ),
            (
                Fact::Mode {
                    subject: of_s,
                    mode: Some(Mode::ReadOnly),
                },
                r#"{"keytype":"MODE","subject":"s","magic":0}"#,
                Some(r#"{"mode":"READONLY"}"#),
            ),
            (
                Fact::SubjectDeleted {
                    subject,
                    version: 3,
                },
                r#"{"keytype":"DELETE_SUBJECT","subject":"s","magic":0}"#,
                Some(r#"{"subject":"s","version":3}"#),
            ),
            (
                Fact::HighestId(9),
                r#"{"keytype":"NOOP","magic":0}"#,
                Some(r#"{"highestId":9}"#),
            ),
        ] {
            let record = fact.encode();
            let written = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            assert_eq!(written(&record.key), key);
            assert_eq!(record.value.as_deref().map(written).as_deref(), value);
            assert_eq!(Fact::decode(&record).unwrap(), Some(fact));
        }
    }

    #[test]
    fn what_confluents_registry_adds_or_leaves_out_is_read() {
        let record = |key: &str, value: Option<&str>| Record {
            key: key.into(),
            value: value.map(Into::into),
        };
        let of_old = record(
            r#"{"magic":0,"keytype":"SCHEMA","version":1,"subject":"s"}"#,
            Some(
                r#"{"subject":"s","version":1,"id":1,"md5":"x","schemaType":"JSON","schema":"{}"}"#,
            ),
        );
        let Some(Fact::Version(stored)) = Fact::decode(&of_old).unwrap() else {
            panic!("a version");
        };
        assert_eq!(stored.content.schema_type.as_deref(), Some("JSON"));
        assert!(!stored.deleted);
        let global = record(
            r#"{"keytype":"CONFIG","magic":0}"#,
            Some(r#"{"compatibilityLevel":"NONE","subject":"x"}"#),
        );
        let level = Some(Level::None);
        assert_eq!(
            Fact::decode(&global).unwrap(),
            Some(Fact::Level {
                subject: None,
                level
            })
        );
        assert_eq!(
            Fact::decode(&record(r#"{"keytype":"NOOP","magic":0}"#, None)).unwrap(),
            None
        );
        assert!(Fact::decode(&record(r#"{"keytype":"CONTEXT","magic":0}"#, None)).is_err());
        assert!(Fact::decode(&record("no json", None)).is_err());
    }
}
