//! Reading on: every partition from where the index ends to its end as of now, several at once.

use std::collections::BTreeMap;
use std::time::Instant;

use kolo_core::wire::Queued;

use crate::cluster::{Cluster, Ends, Reader};
use crate::evidence::part::Part;
use crate::evidence::plan::{Plan, Role, Topic};
use crate::evidence::read::{Found, Unit, read_all, readers, units};
use crate::failure::Failure;
use crate::judge::Judge;
use crate::scan::{Range, scan_in_bulk};
use crate::terminal::note;

use super::chunk::Chunk;
use super::current::Current;
use super::row::TopicNumber;
use super::state::{State, park};
use super::store::{StoreError, each, part_key};
use super::topics::{Again, Topics};
use super::{Index, Watch};

/// A topic's number, and its partitions, each with what is to be read of it.
type Parts<'p> = (TopicNumber, Vec<(Part<'p>, Range)>);

impl Index {
    /// Reads on to the ends as of now, or until it is told to stop; then, what was not read is not there.
    pub(crate) fn catch_up<'i, 'p>(
        &'i self,
        cluster: &Cluster<'_>,
        plan: &'p Plan,
        watch: &Watch,
    ) -> Result<Current<'i, 'p>, Failure> {
        let begun = Instant::now();
        let mut numbers: BTreeMap<&str, TopicNumber> = BTreeMap::new();
        let mut known = self.store.topics().map_err(|error| self.failed(&error))?;
        let before = known.clone();
        let (mut still, mut all) = (Vec::new(), Vec::new());
        let ends = plan.ends(cluster)?;
        for topic in &plan.topics {
            let (number, parts) = self.parts(topic, &mut known, &ends)?;
            numbers.insert(&topic.name, number);
            let (moved, rest): (Vec<_>, Vec<_>) = parts
                .into_iter()
                .partition(|(_, range)| range.from < range.until);
            still.extend(rest.into_iter().map(|(part, _)| part));
            let moved = units(moved, readers());
            all.extend(moved);
        }
        if known != before {
            let kept = self.store.keep_topics(&known);
            kept.map_err(|error| self.failed(&error))?;
        }
        watch.begin(all.iter().map(Unit::records).sum::<i64>().unsigned_abs());
        let count = |parts: &[Part<'_>]| parts.iter().map(|part| part.records).sum::<u64>();
        let before: u64 = all.iter().map(|unit| count(&unit.parts)).sum();
        let mut parts = read_all(cluster, all, readers(), |reader, unit| {
            self.read(reader, unit, &numbers, plan, watch)
        })?;
        let read = count(&parts) - before;
        watch.end();
        parts.extend(still);
        let first = |part: &Part<'p>| {
            let &number = numbers.get(&*part.topic.name)?;
            Some((part_key(number, part.number), (part.topic, part.from)))
        };
        Ok(Current {
            index: self,
            first: parts.iter().filter_map(first).collect(),
            found: Found {
                parts,
                took: begun.elapsed(),
            },
            read,
        })
    }

    /// The partitions of a topic as the index knows them, each with what is to be read of it.
    fn parts<'p>(
        &self,
        topic: &'p Topic,
        known: &mut Topics,
        ends: &Ends,
    ) -> Result<Parts<'p>, Failure> {
        match self.known_parts(topic, known, ends)? {
            Ok(parts) => Ok(parts),
            Err(why) => {
                note(&format!("{} is read again: {why}.", topic.name));
                known.renew(topic);
                self.parts(topic, known, ends)
            }
        }
    }

    /// Those of a topic that is as it was; or else why it is to be read again.
    fn known_parts<'p>(
        &self,
        topic: &'p Topic,
        known: &mut Topics,
        ends: &Ends,
    ) -> Result<Result<Parts<'p>, Again>, Failure> {
        let number = match known.number(topic) {
            Ok(number) => number.unwrap_or_else(|| known.renew(topic)),
            Err(why) => return Ok(Err(why)),
        };
        let mut parts = Vec::new();
        for &partition in &topic.partitions {
            let ends = ends.of(&topic.name, partition)?;
            let part = self.part(topic, number, partition, ends);
            match part.map_err(|error| self.failed(&error))? {
                Ok(part) => parts.push(part),
                Err(why) => return Ok(Err(why)),
            }
        }
        Ok(Ok((number, parts)))
    }

    /// A partition, and what is to be read of it; or why its topic is to be read again.
    fn part<'p>(
        &self,
        topic: &'p Topic,
        number: TopicNumber,
        partition: i32,
        (low, end): (i64, i64),
    ) -> Result<Result<(Part<'p>, Range), Again>, StoreError> {
        let at = part_key(number, partition);
        let state = self.store.parts.get(at)?;
        let state: Option<State> = state
            .map(|bytes| postcard::from_bytes(&bytes))
            .transpose()?;
        let is_stream = matches!(topic.role, Role::Stream(_));
        let mut range = Range {
            partition,
            from: low,
            until: end,
        };
        let Some(state) = state else {
            let part = Part::new(topic, partition, (low, end), !is_stream || low == 0);
            return Ok(Ok((part, range)));
        };
        if state.next > end {
            return Ok(Err(Again::Shorter));
        }
        range.from = state.next.max(low);
        let is_behind = state.next < low;
        let mut part = state.part(topic, partition, (low, end));
        let unread_with = part.unread_with.as_ref();
        if unread_with.is_some_and(|with| topic.versions.has_more_than(with)) {
            return Ok(Err(Again::Readable));
        }
        if is_behind && is_stream {
            // The fence in force may have been among what retention has deleted.
            part.judge = Judge::new(false);
        }
        each(&self.store.parked, &at, |key, queue| {
            let queue: Vec<Queued> = serde_json::from_slice(queue)?;
            let key = String::from_utf8_lossy(key.get(at.len()..).unwrap_or_default());
            park(&mut part.parked, &key, queue);
            Ok(true)
        })?;
        Ok(Ok((part, range)))
    }

    fn read<'p>(
        &self,
        reader: Reader,
        unit: Unit<'p>,
        numbers: &BTreeMap<&str, TopicNumber>,
        plan: &Plan,
        watch: &Watch,
    ) -> Result<Vec<Part<'p>>, Failure> {
        let Unit { mut parts, ranges } = unit;
        let topic = parts.first().map(|part| part.topic);
        let Some((topic, &number)) =
            topic.and_then(|topic| Some((topic, numbers.get(&*topic.name)?)))
        else {
            return Ok(parts);
        };
        let mut chunk = Chunk::new(&self.store, number);
        let mut failed = None;
        let mut stopped = false;
        let reached = scan_in_bulk(reader, &topic.name, &ranges, |partition, record| {
            stopped = stopped || watch.is_over();
            if stopped || failed.is_some() {
                return false;
            }
            let place = |part: &&mut Part<'_>| part.number == partition;
            let Some(part) = parts.iter_mut().find(place) else {
                return true;
            };
            let seen = part.read(record, plan);
            let mut taken = chunk.take(part, record.offset, seen);
            if taken.is_ok() && chunk.is_full() {
                taken = chunk.commit(&parts).map(|records| watch.more(records));
            }
            failed = taken.err();
            failed.is_none()
        })?;
        if let Some(error) = failed {
            return Err(self.failed(&error));
        }
        if !stopped {
            // Behind the last record there may be offsets without one.
            for range in &reached {
                chunk.reach(range.partition, range.until);
            }
        }
        let last = chunk.commit(&parts).map_err(|error| self.failed(&error))?;
        watch.more(last);
        Ok(parts)
    }
}
