//! The log: topics with partitions, and records at offsets, in the order in which they were appended.

use std::hash::{DefaultHasher, Hash};
use std::rc::Rc;

use kolo_core::processor::InputTopic;
use kolo_core::stream::{StreamReader, Verdict};
use kolo_core::wire::{Stamp, Writer, is_own_record};
use kolo_core::{EventId, TopicId};

use super::cast::Topic;
use super::digest::Deeds;
use crate::record::{Stored, at};

/// One partition of a topic.
pub(crate) type Partition = Vec<Rc<Stored>>;

/// All topics.
#[derive(Debug)]
pub(crate) struct Log {
    topics: Vec<OneTopic>,
    generation: u32,
    /// Whether readers look at numbers; without them, the log gives each record the number that is due.
    numbers: bool,
    /// Whether a topic that is created anew has another id.
    ids: bool,
    /// Whether digests are taken.
    digests: bool,
}

#[derive(Debug)]
struct OneTopic {
    name: String,
    id: TopicId,
    partitions: Vec<Partition>,
    /// What stands in each, where that is asked for.
    digests: Vec<Deeds>,
}

impl Log {
    pub(crate) fn new(topics: &[String], partitions: usize, numbers: bool, ids: bool) -> Self {
        let topics = topics.iter().map(|name| OneTopic {
            name: name.clone(),
            id: topic_id(name, 0),
            partitions: vec![Partition::new(); partitions],
            digests: vec![Deeds::default(); partitions],
        });
        Log {
            topics: topics.collect(),
            generation: 0,
            numbers,
            ids,
            digests: false,
        }
    }

    pub(crate) fn partition(&self, topic: Topic, partition: usize) -> &Partition {
        &self.topics[topic].partitions[partition]
    }

    pub(crate) fn partitions(&self, topic: Topic) -> &[Partition] {
        &self.topics[topic].partitions
    }

    pub(crate) fn end(&self, topic: Topic, partition: usize) -> usize {
        self.partition(topic, partition).len()
    }

    pub(crate) fn id(&self, topic: Topic) -> TopicId {
        self.topics[topic].id
    }

    pub(crate) fn input(&self, topic: Topic) -> InputTopic {
        InputTopic {
            name: self.topics[topic].name.clone(),
            id: self.topics[topic].id,
        }
    }

    /// Appends a record; gives its offset.
    pub(crate) fn append(
        &mut self,
        topic: Topic,
        partition: usize,
        mut stored: Rc<Stored>,
    ) -> usize {
        let topic = &mut self.topics[topic];
        let records = &mut topic.partitions[partition];
        if !self.numbers
            && let Some(stamp) = stored.read_stamp()
        {
            let writer = stamp.writer.map(|writer| number_due(records, writer));
            stored = Rc::new(stored.with_stamp(&Stamp { writer, ..stamp }));
        }
        if self.digests {
            topic.digests[partition].note(1, stored.digest());
        }
        let records = &mut topic.partitions[partition];
        records.push(stored);
        records.len() - 1
    }

    /// From now on it is known what stands in each partition.
    pub(crate) fn takes_digests(&mut self) {
        self.digests = true;
        for topic in &mut self.topics {
            for (digest, records) in topic.digests.iter_mut().zip(&topic.partitions) {
                let records = records.iter();
                records.for_each(|stored| digest.note(1, stored.digest()));
            }
        }
    }

    /// What stands in all of them.
    pub(crate) fn digest(&self, hash: &mut DefaultHasher) {
        for topic in &self.topics {
            (topic.id, &topic.digests).hash(hash);
        }
    }

    /// Deletes a topic and creates it again.
    pub(crate) fn recreate(&mut self, topic: Topic) {
        self.generation += 1;
        let generation = if self.ids { self.generation } else { 0 };
        let topic = &mut self.topics[topic];
        topic.id = topic_id(&topic.name, generation);
        for partition in &mut topic.partitions {
            partition.clear();
        }
        for digest in &mut topic.digests {
            digest.note(2, 0);
        }
    }

    /// The valid events of a stream's partition, or all those of a topic without fences, with kolo's own left out.
    pub(crate) fn valid(
        &self,
        topic: Topic,
        partition: usize,
    ) -> impl Iterator<Item = (usize, &Rc<Stored>, Option<Stamp>)> {
        let judged = judged(self.partition(topic, partition));
        judged.filter_map(|(offset, stored, verdict)| {
            let stamp = match verdict? {
                Verdict::Valid(stamp) => Some(stamp),
                Verdict::Unfenced(stamp) => stamp,
                Verdict::Fence(_) | Verdict::Void(_) => return None,
            };
            (!is_own_record(stored.event_type)).then_some((offset, stored, stamp))
        })
    }
}

/// Records in their order, each with what it is to a reader from the start; none where that cannot be told.
pub(crate) fn judged(
    records: &[Rc<Stored>],
) -> impl Iterator<Item = (usize, &Rc<Stored>, Option<Verdict>)> {
    let mut reader = StreamReader::from_start();
    let records = records.iter().enumerate();
    records.map(move |(offset, stored)| {
        let verdict = reader.read(at(offset), &stored.headers());
        (offset, stored, verdict.ok())
    })
}

fn topic_id(name: &str, generation: u32) -> TopicId {
    TopicId(EventId::foreign(&format!("{name} {generation}")).0)
}

/// The writer with the number that follows those of its epoch in the log.
fn number_due(records: &[Rc<Stored>], writer: Writer) -> Writer {
    let Some(epoch) = writer.epoch else {
        return writer;
    };
    let before = records.iter().filter_map(|stored| stored.read_stamp());
    let before = before.filter_map(|stamp| stamp.writer);
    let same = |other: &Writer| other.epoch == Some(epoch) && other.nonce == writer.nonce;
    Writer {
        number: before.filter(same).count() as u64 + 1,
        ..writer
    }
}
