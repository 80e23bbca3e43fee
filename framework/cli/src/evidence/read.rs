//! The scan: every partition of every topic to its end as of now, several at once.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZero;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use kolo_core::saga::Told;
use kolo_core::wire::Record;
use kolo_core::{CorrelationId, Timestamp};

use super::asked::Asked;
use super::part::Part;
use super::plan::{Plan, Role, Topic};
use crate::cluster::{Cluster, Reader, ends};
use crate::failure::Failure;
use crate::judge::{Place, starts};
use crate::scan::{Range, scan_in_bulk};
use crate::tail::From;
use crate::terminal::note;

/// Readers at once: each has a connection and buffers of its own.
const MOST_READERS: usize = 8;
/// Below so many records, a topic is read by one reader.
const WORTH_SHARING: i64 = 20_000;
/// From so many records on, a person is told what takes the time.
const MANY_RECORDS: i64 = 500_000;

/// What was read, partition by partition.
pub(crate) struct Found<'p> {
    pub(crate) parts: Vec<Part<'p>>,
    pub(crate) took: Duration,
}

impl<'p> Found<'p> {
    /// Reads all topics, from where each partition is bound to, for what is asked.
    pub(crate) fn read(
        cluster: &Cluster<'_>,
        plan: &'p Plan,
        asked: &Asked,
        from: From,
    ) -> Result<Self, Failure> {
        let none = |_: &Topic| ();
        let take = |part: &mut Part<'p>, record: &Record<'_>, _: &mut ()| {
            part.take(record, plan, asked);
        };
        let (found, _) = Found::read_into(cluster, plan, from, none, take)?;
        Ok(found)
    }

    /// Reads all topics likewise; what is kept of some partitions of a topic, `take` puts into what `new` makes.
    pub(crate) fn read_into<K: Send>(
        cluster: &Cluster<'_>,
        plan: &'p Plan,
        from: From,
        new: impl Fn(&'p Topic) -> K + Sync,
        take: impl Fn(&mut Part<'p>, &Record<'_>, &mut K) + Sync,
    ) -> Result<(Self, Vec<K>), Failure> {
        let begun = Instant::now();
        let readers = readers();
        let mut units = Vec::new();
        for topic in &plan.topics {
            units.extend(unit(cluster, topic, from, readers)?);
        }
        let records: i64 = units.iter().map(Unit::records).sum();
        if records > MANY_RECORDS {
            note(&format!(
                "{records} records of {} topics are read. --since and --last bound it; with an index nothing is read twice: `kolo index --index DIR` builds one, and `kolo explain --index DIR` asks it.",
                plan.topics.len()
            ));
        }
        let all = Mutex::new(Vec::new());
        let parts = read_all(cluster, units, readers, |reader, unit| {
            let Some(topic) = unit.parts.first().map(|part| part.topic) else {
                return Ok(unit.parts);
            };
            let mut kept = new(topic);
            let parts = unit.read(reader, topic, |part, record| take(part, record, &mut kept))?;
            all.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(kept);
            Ok(parts)
        })?;
        let took = begun.elapsed();
        let all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok((Found { parts, took }, all))
    }

    /// The saga that was asked for, if there is any record of it.
    pub(crate) fn saga(&self) -> Option<CorrelationId> {
        self.parts.iter().find_map(|part| part.saga)
    }

    pub(crate) fn told(&self) -> impl Iterator<Item = &Told> {
        self.parts.iter().flat_map(|part| &part.told)
    }

    /// The sagas to which an event id or a key has led, each with its last record's time.
    pub(crate) fn others(&self) -> BTreeMap<CorrelationId, Timestamp> {
        let mut latest: BTreeMap<CorrelationId, Timestamp> = BTreeMap::new();
        for (&saga, &at) in self.parts.iter().flat_map(|part| &part.others) {
            let known = latest.entry(saga).or_insert(at);
            *known = (*known).max(at);
        }
        latest
    }

    pub(crate) fn records(&self) -> u64 {
        self.parts.iter().map(|part| part.records).sum()
    }

    pub(crate) fn unknown(&self) -> u64 {
        self.parts.iter().map(|part| part.unknown).sum()
    }
}

/// How many threads read at once.
pub(crate) fn readers() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    processors.clamp(1, MOST_READERS)
}

/// Partitions of one topic that are read together.
pub(crate) struct Unit<'p> {
    pub(crate) parts: Vec<Part<'p>>,
    pub(crate) ranges: Vec<Range>,
}

/// Reads all units, several at once; gives their partitions.
pub(crate) fn read_all<'p>(
    cluster: &Cluster<'_>,
    mut units: Vec<Unit<'p>>,
    readers: usize,
    read: impl Fn(Reader, Unit<'p>) -> Result<Vec<Part<'p>>, Failure> + Sync,
) -> Result<Vec<Part<'p>>, Failure> {
    // The longest first, so that none of them is begun at the end.
    units.sort_by_key(|unit| std::cmp::Reverse(unit.records()));
    let units = Mutex::new(VecDeque::from(units));
    let work = || -> Result<Vec<Part<'p>>, Failure> {
        let mut parts = Vec::new();
        while let Some(unit) = next(&units) {
            // A consumer that is given other partitions waits for half a second; a new one does not.
            parts.extend(read(cluster.looker()?, unit)?);
        }
        Ok(parts)
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..readers).map(|_| scope.spawn(work)).collect();
        let mut parts = Vec::new();
        for thread in threads {
            let done = thread.join();
            let done = done.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            parts.extend(done?);
        }
        Ok(parts)
    })
}

fn next<'p>(units: &Mutex<VecDeque<Unit<'p>>>) -> Option<Unit<'p>> {
    let mut units = units.lock().unwrap_or_else(PoisonError::into_inner);
    units.pop_front()
}

/// The units of a topic.
fn unit<'p>(
    cluster: &Cluster<'_>,
    topic: &'p Topic,
    from: From,
    readers: usize,
) -> Result<Vec<Unit<'p>>, Failure> {
    let reader = &cluster.reader;
    let (mut places, mut ended) = (Vec::new(), Vec::new());
    for &partition in &topic.partitions {
        let (low, high) = ends(reader, &topic.name, partition)?;
        let from = from.offset(reader, &topic.name, partition, (low, high))?;
        places.push(Place {
            partition,
            low,
            from,
        });
        ended.push(high);
    }
    let is_stream = matches!(topic.role, Role::Stream(_));
    let starts = starts(reader, &topic.name, is_stream, &places)?;
    let all = places.iter().zip(&starts).zip(&ended);
    let all: Vec<(Part<'p>, Range)> = all
        .map(|((place, start), &end)| {
            let part = Part::new(topic, place.partition, (place.from, end), start.knows);
            let range = Range {
                partition: place.partition,
                from: start.read_from,
                until: end,
            };
            (part, range)
        })
        .collect();
    Ok(units(all, readers))
}

/// The partitions of one topic as units: one, or as many as there are readers where that is worth it.
pub(crate) fn units<'p>(mut all: Vec<(Part<'p>, Range)>, readers: usize) -> Vec<Unit<'p>> {
    let records: i64 = all.iter().map(|(_, range)| range.until - range.from).sum();
    let share = if records < WORTH_SHARING { 1 } else { readers };
    let size = all.len().div_ceil(share).max(1);
    let mut units = Vec::new();
    while !all.is_empty() {
        let rest = all.split_off(size.min(all.len()));
        let (parts, ranges) = std::mem::replace(&mut all, rest).into_iter().unzip();
        units.push(Unit { parts, ranges });
    }
    units
}

impl<'p> Unit<'p> {
    pub(crate) fn records(&self) -> i64 {
        let lengths = self.ranges.iter().map(|range| range.until - range.from);
        lengths.sum()
    }

    fn read(
        mut self,
        reader: Reader,
        topic: &Topic,
        mut take: impl FnMut(&mut Part<'p>, &Record<'_>),
    ) -> Result<Vec<Part<'p>>, Failure> {
        scan_in_bulk(reader, &topic.name, &self.ranges, |partition, record| {
            let place = |part: &&mut Part<'_>| part.number == partition;
            if let Some(part) = self.parts.iter_mut().find(place) {
                take(part, record);
            }
            true
        })?;
        Ok(self.parts)
    }
}
