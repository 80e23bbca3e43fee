//! Topics of one partition each: records at offsets, in the order in which they arrived.

use std::collections::BTreeMap;

use kolo_core::processor::{Append, InputTopic};
use kolo_core::stream::{StreamReader, Verdict};
use kolo_core::wire::{Headers, Record, Stamp, Writer};
use kolo_core::{EventId, Timestamp, TopicId};

/// A record as it stands in a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) offset: i64,
    pub(crate) at: Timestamp,
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
    pub(crate) id: EventId,
    /// `id` as it stands in the header.
    id_text: String,
    pub(crate) event_type: &'static str,
    pub(crate) stamp: Option<String>,
    rest: Option<Vec<u8>>,
}

impl Stored {
    /// What a processor wants appended; the offset comes with the append.
    pub(crate) fn of(append: &Append<'_>) -> Self {
        Stored {
            offset: -1,
            at: append.at,
            key: append.key.to_vec(),
            value: append.value.to_vec(),
            id: append.id,
            id_text: append.id.to_string(),
            event_type: append.event_type,
            stamp: Some(String::from_utf8_lossy(append.stamp).into_owned()),
            rest: append.rest.map(<[u8]>::to_vec),
        }
    }

    /// A fact from outside, or a copy if it has a stamp.
    pub(crate) fn event(
        id: EventId,
        event_type: &'static str,
        key: &str,
        value: Vec<u8>,
        stamp: Option<String>,
    ) -> Self {
        Stored {
            offset: -1,
            at: Timestamp::default(),
            key: key.as_bytes().to_vec(),
            value,
            id,
            id_text: id.to_string(),
            event_type,
            stamp,
            rest: None,
        }
    }

    pub(crate) fn record(&self) -> Record<'_> {
        Record {
            offset: self.offset,
            timestamp: self.at,
            key: Some(&self.key),
            value: Some(&self.value),
            headers: Headers {
                id: Some(&self.id_text),
                event_type: Some(self.event_type),
                stamp: self.stamp.as_deref(),
                rest: self.rest.as_deref(),
                traceparent: None,
            },
            all_headers: None,
        }
    }

    pub(super) fn key_text(&self) -> &str {
        std::str::from_utf8(&self.key).unwrap_or_default()
    }

    pub(super) fn read_stamp(&self) -> Option<Stamp> {
        self.stamp
            .as_deref()
            .and_then(|stamp| Stamp::read(stamp).ok())
    }
}

/// One topic as it exists now.
#[derive(Debug)]
pub(super) struct Topic {
    pub(super) id: TopicId,
    pub(super) records: Vec<Stored>,
}

/// All topics.
#[derive(Debug)]
pub(super) struct Log {
    topics: BTreeMap<&'static str, Topic>,
    /// Records of topics that were deleted: they may be causes still.
    pub(super) deleted: Vec<Stored>,
    /// Whether readers look at numbers; without them, the log gives each record the number that is due.
    numbers: bool,
    /// Whether a topic that is created anew has another id.
    ids: bool,
    generation: u32,
}

impl Log {
    pub(super) fn new(names: &[&'static str], numbers: bool, ids: bool) -> Self {
        let topics = names.iter().map(|&name| {
            (
                name,
                Topic {
                    id: topic_id(name, 0),
                    records: Vec::new(),
                },
            )
        });
        Log {
            topics: topics.collect(),
            deleted: Vec::new(),
            numbers,
            ids,
            generation: 0,
        }
    }

    pub(super) fn topic(&self, name: &str) -> &Topic {
        &self.topics[name]
    }

    pub(super) fn records(&self, name: &str) -> &[Stored] {
        &self.topic(name).records
    }

    pub(super) fn end(&self, name: &str) -> i64 {
        offset(self.records(name).len())
    }

    pub(super) fn get(&self, name: &str, offset: i64) -> Option<&Stored> {
        usize::try_from(offset)
            .ok()
            .and_then(|at| self.records(name).get(at))
    }

    pub(super) fn input(&self, name: &str) -> InputTopic {
        InputTopic {
            name: name.to_owned(),
            id: self.topic(name).id,
        }
    }

    pub(super) fn append(&mut self, name: &str, mut stored: Stored) -> i64 {
        let numbers = self.numbers;
        let Some(topic) = self.topics.get_mut(name) else {
            return -1;
        };
        stored.offset = offset(topic.records.len());
        if !numbers && let Some(stamp) = stored.read_stamp() {
            stored.stamp = Some(
                Stamp {
                    writer: stamp.writer.map(|w| number_due(&topic.records, w)),
                    ..stamp
                }
                .to_string(),
            );
        }
        let at = stored.offset;
        topic.records.push(stored);
        at
    }

    /// Deletes a topic and creates it again.
    pub(super) fn recreate(&mut self, name: &str) {
        self.generation += 1;
        let generation = if self.ids { self.generation } else { 0 };
        if let Some(topic) = self.topics.get_mut(name) {
            topic.id = topic_id(name, generation);
            self.deleted.append(&mut topic.records);
        }
    }

    /// The valid events of a stream, or all those of a topic without fences, with kolo's own left out.
    pub(super) fn valid<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Stored> {
        let mut reader = StreamReader::from_start();
        self.records(name).iter().filter(move |stored| {
            let verdict = reader.read(stored.offset, &stored.record().headers);
            matches!(verdict, Ok(Verdict::Valid(_) | Verdict::Unfenced(_)))
                && !kolo_core::wire::is_own_record(stored.event_type)
        })
    }
}

fn topic_id(name: &str, generation: u32) -> TopicId {
    TopicId(EventId::foreign(&format!("{name} {generation}")).0)
}

fn offset(at: usize) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX)
}

/// The writer with the number that follows those of its epoch in the log.
fn number_due(records: &[Stored], writer: Writer) -> Writer {
    let Some(epoch) = writer.epoch else {
        return writer;
    };
    let same = |other: &Writer| other.epoch == Some(epoch) && other.nonce == writer.nonce;
    let before = records
        .iter()
        .filter_map(Stored::read_stamp)
        .filter_map(|stamp| stamp.writer)
        .filter(same)
        .count();
    Writer {
        number: before as u64 + 1,
        ..writer
    }
}
