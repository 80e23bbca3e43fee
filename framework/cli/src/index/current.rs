//! An index that has been read to the ends: the sagas in it, and what tells where they wait.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use kolo_core::saga::Told;
use kolo_core::{CorrelationId, EventId, Timestamp, TopicId};

use crate::evidence::part::{Copied, Part};
use crate::evidence::plan::{Role, Topic};
use crate::evidence::read::Found;
use crate::failure::Failure;

use super::Index;
use super::row::{Place, Record, Row};
use super::store::{StoreError, each, part_key, saga_at, source_key};

pub(crate) struct Current<'i, 'p> {
    pub(super) index: &'i Index,
    /// All partitions, without any saga's records.
    pub(crate) found: Found<'p>,
    /// The first offset of each partition that is there, by [its key](part_key): what stands before it retention has deleted,
    /// and what stands elsewhere is of topics that are gone.
    pub(super) first: HashMap<[u8; 8], (&'p Topic, i64)>,
    /// Records that were read on now.
    pub(crate) read: u64,
}

/// Which sagas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    All,
    /// Those that are not known to be over: all that were touched since they were last [closed](Current::close).
    Open,
}

/// A saga's records, as a scan finds them.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) told: Vec<Told>,
    /// Copies in inboxes, each with its inbox and partition.
    pub(crate) copies: Vec<(String, i32, Copied)>,
}

impl<'p> Current<'_, 'p> {
    /// A saga's records; none where it is not known.
    pub(crate) fn saga(&self, saga: CorrelationId) -> Result<Records, Failure> {
        self.records(saga)
            .map_err(|error| self.index.failed(&error))
    }

    fn records(&self, saga: CorrelationId) -> Result<Records, StoreError> {
        let mut found = Records::default();
        each(&self.index.store.sagas, saga.0.as_bytes(), |key, row| {
            self.take(key, row, &mut found)?;
            Ok(true)
        })?;
        Ok(found)
    }

    /// The place at the end of a key, if what stands there counts.
    pub(super) fn place(&self, key: &[u8]) -> Option<(Place, &'p Topic)> {
        let place = Place::of(key)?;
        let &(topic, first) = self.first.get(&part_key(place.topic, place.partition))?;
        (place.offset >= first).then_some((place, topic))
    }

    fn take(&self, key: &[u8], row: &[u8], into: &mut Records) -> Result<(), StoreError> {
        let Some((place, topic)) = self.place(key) else {
            return Ok(());
        };
        let row: Row<'_> = postcard::from_bytes(row)?;
        match row.record(place, &topic.name, |number| self.index.store.text(number)) {
            Some(Record::Event(told)) => {
                if topic.role == Role::Intake {
                    self.take_copies_of(topic.id, &told, into)?;
                }
                into.told.push(told);
            }
            Some(Record::Copy(copied)) => {
                into.copies
                    .push((topic.name.clone(), place.partition, copied));
            }
            None => {}
        }
        Ok(())
    }

    /// Copies that do not say their saga, of an event from outside.
    fn take_copies_of(
        &self,
        topic: TopicId,
        told: &Told,
        into: &mut Records,
    ) -> Result<(), StoreError> {
        let source = source_key(topic, told.partition, told.offset);
        each(&self.index.store.copies, &source, |key, row| {
            self.take(key, row, into)?;
            Ok(true)
        })
    }

    /// The sagas to which an event's id leads.
    pub(crate) fn of_event(
        &self,
        id: EventId,
    ) -> Result<BTreeMap<CorrelationId, Timestamp>, Failure> {
        let mut found = BTreeMap::new();
        let sagas = self.index.store.sagas_of(id);
        for saga in sagas.map_err(|error| self.index.failed(&error))? {
            let records = self.saga(saga)?;
            if let Some(event) = records.told.iter().find(|event| event.id == id) {
                found.insert(saga, event.at);
            }
        }
        Ok(found)
    }

    /// The sagas that have records of this key, each with its last one's time; but for the saga that the key itself names.
    pub(crate) fn of_key(&self, key: &str) -> Result<BTreeMap<CorrelationId, Timestamp>, Failure> {
        let named = CorrelationId::of_saga(key);
        let mut found: BTreeMap<CorrelationId, Timestamp> = BTreeMap::new();
        let read = each(&self.index.store.keys, named.0.as_bytes(), |at, time| {
            if let (Some(saga), Some(_), Some(&time)) =
                (saga_at(at, 16), self.place(at), time.first_chunk())
            {
                let time = Timestamp::from_millis(i64::from_be_bytes(time));
                let known = found.entry(saga).or_insert(time);
                *known = (*known).max(time);
            }
            Ok(true)
        });
        read.map_err(|error| self.index.failed(&error))?;
        Ok(found)
    }

    /// Hands on one saga after the other, with its records.
    pub(crate) fn each(
        &self,
        which: Which,
        take: impl FnMut(CorrelationId, Records),
    ) -> Result<(), Failure> {
        let read = match which {
            Which::Open => self.each_open(take),
            Which::All => self.each_of_all(take),
        };
        read.map_err(|error| self.index.failed(&error))
    }

    fn each_open(&self, mut take: impl FnMut(CorrelationId, Records)) -> Result<(), StoreError> {
        each(&self.index.store.open, &[], |key, _| {
            if let Some(saga) = saga_at(key, 0) {
                take(saga, self.records(saga)?);
            }
            Ok(true)
        })
    }

    fn each_of_all(&self, mut take: impl FnMut(CorrelationId, Records)) -> Result<(), StoreError> {
        let mut last: Option<(CorrelationId, Records)> = None;
        each(&self.index.store.sagas, &[], |key, row| {
            let Some(saga) = saga_at(key, 0) else {
                return Ok(true);
            };
            if last.as_ref().is_none_or(|(known, _)| *known != saga)
                && let Some((saga, records)) = last.replace((saga, Records::default()))
            {
                take(saga, records);
            }
            if let Some((_, records)) = &mut last {
                self.take(key, row, records)?;
            }
            Ok(true)
        })?;
        if let Some((saga, records)) = last {
            take(saga, records);
        }
        Ok(())
    }

    /// Puts the copies of these sagas where a scan finds them.
    pub(crate) fn take_copies(&mut self, which: Which) -> Result<(), Failure> {
        let mut copies = Vec::new();
        self.each(which, |_, records| copies.extend(records.copies))?;
        self.put(copies);
        Ok(())
    }

    /// These sagas are over: they have ended, and nothing is open. The next record of one opens it again.
    pub(crate) fn close(&self, sagas: &[CorrelationId]) -> Result<(), Failure> {
        let store = &self.index.store;
        let mut batch = store.batch();
        for saga in sagas {
            batch.remove(&store.open, *saga.0.as_bytes());
        }
        let closed = batch.commit().map_err(StoreError::from);
        closed.map_err(|error| self.index.failed(&error))
    }

    /// The directory of the index.
    pub(crate) fn path(&self) -> &Path {
        self.index.path()
    }

    /// All records that were read, now and before.
    pub(crate) fn all(&self) -> u64 {
        self.found.records()
    }

    /// Those of them of which nobody could tell whether they are valid.
    pub(crate) fn unknown(&self) -> u64 {
        self.found.unknown()
    }

    /// As a scan finds it that is asked for this saga.
    pub(crate) fn of_saga(mut self, saga: CorrelationId, records: Records) -> Found<'p> {
        for told in records.told {
            if let Some(part) = self.part(&told.topic, told.partition) {
                part.saga = Some(saga);
                part.told.push(told);
            }
        }
        self.put(records.copies);
        self.found
    }

    fn put(&mut self, copies: Vec<(String, i32, Copied)>) {
        for (topic, partition, copied) in copies {
            if let Some(part) = self.part(&topic, partition) {
                part.copies.push(copied);
            }
        }
    }

    fn part(&mut self, topic: &str, partition: i32) -> Option<&mut Part<'p>> {
        let mut parts = self.found.parts.iter_mut();
        parts.find(|part| part.topic.name == topic && part.number == partition)
    }
}
