//! What is stored of a group, and how it is read back.
//!
//! Keys and values are JSON. A key is `{"group":"id"}` or `{"offset":["id","topic",partition]}`; a value holds the
//! layout's version as `v`. A group is stored when it gets an assignment, when it becomes empty, and when a static member
//! returns, so that a restart finds the last generation that came to an assignment, as with Kafka.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::coordinator::Coordinator;
use super::member::Member;
use super::offsets::Committed;
use super::output::Entry;
use super::state::{Group, State};

/// A stored entry that cannot be read: the start stops, rather than go on without what groups committed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EntryError {
    /// It is not what this module writes.
    #[error("a stored entry of the group coordinator cannot be read: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A later version of this crate wrote it.
    #[error(
        "a stored entry of the group coordinator has layout {0}, and this version reads layout {LAYOUT} only"
    )]
    Layout(u8),
}

const LAYOUT: u8 = 1;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Key {
    Group(String),
    Offset(String, String, i32),
}

#[derive(Serialize, Deserialize)]
struct StoredOffset {
    v: u8,
    offset: i64,
    leader_epoch: i32,
    metadata: String,
}

#[derive(Serialize, Deserialize)]
struct StoredGroup {
    v: u8,
    generation: i32,
    protocol_type: Option<String>,
    protocol: Option<String>,
    leader: Option<String>,
    members: Vec<StoredMember>,
}

#[derive(Serialize, Deserialize)]
struct StoredMember {
    id: String,
    instance: Option<String>,
    client_id: String,
    client_host: String,
    session_timeout_ms: u64,
    rebalance_timeout_ms: u64,
    protocols: Vec<(String, Hex)>,
    assignment: Hex,
}

/// Bytes as text; JSON's own list of numbers would take twice the room.
struct Hex(Bytes);

impl Serialize for Hex {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:x}", self.0))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let digit = |byte: u8| {
            char::from(byte)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        };
        let bytes = pairs
            .iter()
            .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
            .collect::<Option<Vec<u8>>>();
        match bytes {
            Some(bytes) if rest.is_empty() => Ok(Self(bytes.into())),
            _ => Err(serde::de::Error::custom("not hexadecimal")),
        }
    }
}

pub(super) fn committed(group: &str, topic: &str, partition: i32, committed: &Committed) -> Entry {
    let value = StoredOffset {
        v: LAYOUT,
        offset: committed.offset,
        leader_epoch: committed.leader_epoch,
        metadata: committed.metadata.clone(),
    };
    Entry {
        key: json(&Key::Offset(group.to_owned(), topic.to_owned(), partition)),
        value: Some(json(&value)),
    }
}

pub(super) fn deleted_offset(group: &str, topic: &str, partition: i32) -> Entry {
    Entry {
        key: json(&Key::Offset(group.to_owned(), topic.to_owned(), partition)),
        value: None,
    }
}

pub(super) fn deleted_group(group: &str) -> Entry {
    Entry {
        key: json(&Key::Group(group.to_owned())),
        value: None,
    }
}

#[allow(
    clippy::expect_used,
    reason = "strings, numbers and lists of them always have a JSON form"
)]
fn json(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value)
        .expect("no map with odd keys in it")
        .into()
}

impl Group {
    /// This generation, its members and their assignments.
    pub(super) fn to_entry(&self) -> Entry {
        let millis = |timeout: Duration| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        let members = self.members.values().map(|member| StoredMember {
            id: member.id.clone(),
            instance: member.instance.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            session_timeout_ms: millis(member.session_timeout),
            rebalance_timeout_ms: millis(member.rebalance_timeout),
            protocols: member
                .protocols
                .iter()
                .map(|(name, metadata)| (name.clone(), Hex(metadata.clone())))
                .collect(),
            assignment: Hex(member.assignment.clone()),
        });
        let value = StoredGroup {
            v: LAYOUT,
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            members: members.collect(),
        };
        Entry {
            key: json(&Key::Group(self.id.clone())),
            value: Some(json(&value)),
        }
    }

    fn take_up(&mut self, stored: StoredGroup, now: Instant) {
        self.generation = stored.generation;
        self.protocol_type = stored.protocol_type;
        self.protocol = stored.protocol;
        self.leader = stored.leader;
        self.state = if stored.members.is_empty() {
            State::Empty
        } else {
            State::Stable
        };
        self.members = stored
            .members
            .into_iter()
            .map(|m| (m.id.clone(), m.into_member(now)))
            .collect();
    }
}

impl StoredMember {
    fn into_member(self, now: Instant) -> Member {
        let session_timeout = Duration::from_millis(self.session_timeout_ms);
        Member {
            id: self.id,
            instance: self.instance,
            client_id: self.client_id,
            client_host: self.client_host,
            session_timeout,
            rebalance_timeout: Duration::from_millis(self.rebalance_timeout_ms),
            protocols: self
                .protocols
                .into_iter()
                .map(|(name, Hex(metadata))| (name, metadata))
                .collect(),
            assignment: self.assignment.0,
            joining: None,
            syncing: None,
            owes_sync: false,
            is_new: false,
            session: Some(now + session_timeout),
        }
    }
}

impl Coordinator {
    /// Takes up what earlier calls handed out to be stored, in the order of the log. Members of a stable group are members
    /// still, and have one session's time from `now` to send a heartbeat.
    ///
    /// # Errors
    /// The first entry that cannot be read; the coordinator is not to be used then.
    pub(crate) fn restore(
        &mut self,
        now: Instant,
        entries: impl IntoIterator<Item = Entry>,
    ) -> Result<(), EntryError> {
        for entry in entries {
            let key = serde_json::from_slice(&entry.key)?;
            let (Key::Group(id) | Key::Offset(id, ..)) = &key;
            let group = self
                .groups
                .entry(id.clone())
                .or_insert_with(|| Group::new(id, now));
            match (&key, entry.value) {
                (Key::Group(_), Some(value)) => {
                    let stored: StoredGroup = serde_json::from_slice(&value)?;
                    readable(stored.v)?;
                    group.take_up(stored, now);
                }
                (Key::Group(_), None) => {
                    let offsets = std::mem::take(&mut group.offsets);
                    *group = Group {
                        offsets,
                        ..Group::new(id, now)
                    };
                }
                (Key::Offset(_, topic, partition), Some(value)) => {
                    let stored: StoredOffset = serde_json::from_slice(&value)?;
                    readable(stored.v)?;
                    let StoredOffset {
                        offset,
                        leader_epoch,
                        metadata,
                        ..
                    } = stored;
                    group.set_offset(
                        topic,
                        *partition,
                        Committed {
                            offset,
                            leader_epoch,
                            metadata,
                        },
                    );
                }
                (Key::Offset(_, topic, partition), None) => {
                    drop(group.delete_offset(topic, *partition));
                }
            }
        }
        for id in self.groups.keys().cloned().collect::<Vec<_>>() {
            self.settle_unless_nothing(&id);
        }
        Ok(())
    }
}

fn readable(layout: u8) -> Result<(), EntryError> {
    if layout == LAYOUT {
        Ok(())
    } else {
        Err(EntryError::Layout(layout))
    }
}
