//! A topic that is read, and its partitions.

use kolo_core::TopicId;
use rdkafka::consumer::Consumer;
use rdkafka::topic_partition_list::TopicPartitionList;

use super::From;
use super::merge::Merge;
use crate::cluster::{Cluster, Reader, Topic, ends};
use crate::failure::Failure;
use crate::judge::{Judge, Place, starts};
use crate::scan::{assign, cannot_read};
use crate::terminal::note;

/// From so many records on, a person is told what takes the time.
const MANY_RECORDS: i64 = 200_000;

/// One topic that is read.
pub(super) struct Source {
    pub(super) topic: String,
    pub(super) id: Option<TopicId>,
    pub(super) reader: Reader,
    pub(super) parts: Vec<Part>,
    /// The complaint that was told last, so that an outage is told once.
    pub(super) told: Option<String>,
}

/// One partition that is read.
pub(super) struct Part {
    pub(super) number: i32,
    /// What comes before is judged and not shown.
    pub(super) show_from: i64,
    /// The end when the command was started.
    pub(super) end: i64,
    pub(super) judge: Judge,
    /// The place in the merge.
    pub(super) lane: usize,
}

impl Source {
    pub(super) fn open(
        cluster: &Cluster<'_>,
        topic: &Topic,
        is_stream: bool,
        from: From,
        only: Option<i32>,
        ids: &[(TopicId, String)],
        merge: &mut Merge,
    ) -> Result<Source, Failure> {
        let reader = &cluster.reader;
        let mut places = Vec::new();
        let mut ended = Vec::new();
        for partition in topic
            .partitions
            .iter()
            .filter(|partition| only.is_none_or(|only| only == partition.number))
        {
            let (low, high) = ends(reader, &topic.name, partition.number)?;
            let from = from.offset(reader, &topic.name, partition.number, (low, high))?;
            places.push(Place {
                partition: partition.number,
                low,
                from,
            });
            ended.push(high);
        }
        let starts = starts(reader, &topic.name, is_stream, &places)?;
        let before: i64 = places
            .iter()
            .zip(&starts)
            .map(|(place, start)| place.from - start.read_from)
            .sum();
        if before > MANY_RECORDS {
            note(&format!(
                "{before} records of {} are read first, to learn the fence in force.",
                topic.name
            ));
        }
        let reader = cluster.follower()?;
        assign(
            &reader,
            &topic.name,
            starts
                .iter()
                .map(|start| (start.partition, start.read_from)),
        )?;
        let parts = places
            .iter()
            .zip(&starts)
            .zip(ended)
            .map(|((place, start), end)| Part {
                number: place.partition,
                show_from: place.from,
                end,
                judge: Judge::new(start.knows),
                lane: merge.add(start.read_from >= end),
            });
        let id = ids
            .iter()
            .find(|(_, name)| *name == topic.name)
            .map(|(id, _)| *id);
        Ok(Source {
            topic: topic.name.clone(),
            id,
            parts: parts.collect(),
            reader,
            told: None,
        })
    }

    /// Keeps memory bounded: a partition that is far ahead of the others in time waits for them.
    pub(super) fn hold_back(&self, merge: &mut Merge) -> Result<(), Failure> {
        for part in &self.parts {
            let Some(pause) = merge.change_of_pace(part.lane) else {
                continue;
            };
            let mut list = TopicPartitionList::new();
            list.add_partition(&self.topic, part.number);
            let changed = if pause {
                self.reader.pause(&list)
            } else {
                self.reader.resume(&list)
            };
            changed.map_err(|error| cannot_read(&self.topic, &error))?;
        }
        Ok(())
    }
}
