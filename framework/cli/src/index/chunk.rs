//! What was read of some partitions, until it is written: all of it and how far, or nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use fjall::OwnedWriteBatch;
use kolo_core::wire::Queued;
use kolo_core::{CorrelationId, EventId};

use crate::evidence::part::{Copied, CopyOf, Event, Part, Seen};

use super::row::{Name, Place, Row, TopicNumber};
use super::state::State;
use super::store::{Store, StoreError, copy_key, id_key, key_key, part_key};

/// Records between two writes.
const MOST_RECORDS: u64 = 5_000;

pub(super) struct Chunk<'s> {
    store: &'s Store,
    topic: TopicNumber,
    batch: OwnedWriteBatch,
    records: u64,
    /// The next offset of each partition that was read.
    next: BTreeMap<i32, i64>,
    /// The keys under which something was parked, or is no more.
    parked: BTreeSet<(i32, String)>,
    touched: HashSet<CorrelationId>,
    names: HashMap<String, Name>,
    row: Vec<u8>,
}

impl<'s> Chunk<'s> {
    pub(super) fn new(store: &'s Store, topic: TopicNumber) -> Self {
        Chunk {
            store,
            topic,
            batch: store.batch(),
            records: 0,
            next: BTreeMap::new(),
            parked: BTreeSet::new(),
            touched: HashSet::new(),
            names: HashMap::new(),
            row: Vec::new(),
        }
    }

    /// Takes up a record of a partition that ends at this offset, and what it is to its saga.
    pub(super) fn take(
        &mut self,
        part: &Part<'_>,
        offset: i64,
        seen: Option<Seen<'_>>,
    ) -> Result<(), StoreError> {
        self.records += 1;
        self.next.insert(part.number, offset + 1);
        match seen {
            Some(Seen::Event(event)) => self.event(part, &event)?,
            Some(Seen::Copy(CopyOf::Saga(saga), copied)) => {
                self.row(saga, part.number, offset, &Row::of_copy(&copied))?;
            }
            Some(Seen::Copy(CopyOf::Event(id), copied)) => {
                self.copy_from_outside(id, part.number, &copied)?;
            }
            Some(Seen::Parked(saga, key)) => {
                self.touched.extend(saga);
                self.parked.insert((part.number, key.into_owned()));
            }
            None => {}
        }
        Ok(())
    }

    pub(super) fn is_full(&self) -> bool {
        self.records >= MOST_RECORDS
    }

    /// A partition is read to here, though no record stands there.
    pub(super) fn reach(&mut self, partition: i32, next: i64) {
        self.next.insert(partition, next);
    }

    fn event(&mut self, part: &Part<'_>, event: &Event<'_>) -> Result<(), StoreError> {
        let saga = event.saga;
        let name = self.name(event.event)?;
        let by = part.writer().map(|by| self.name(by)).transpose()?;
        self.row(
            saga,
            part.number,
            event.offset,
            &Row::of_event(event, name, by),
        )?;
        let ids = &self.store.ids;
        self.batch.insert(ids, id_key(event.id, saga), []);
        // A key that names its saga is found as that.
        let named = CorrelationId::of_saga(&event.key);
        if named != saga {
            let keys = &self.store.keys;
            let place = self.place(part.number, event.offset);
            let time = event.at.as_millis().to_be_bytes();
            self.batch.insert(keys, key_key(named, saga, place), time);
        }
        Ok(())
    }

    /// Its saga finds it by where the event stands.
    fn copy_from_outside(
        &mut self,
        id: EventId,
        partition: i32,
        copied: &Copied,
    ) -> Result<(), StoreError> {
        // An event that is not read yet opens its saga when it is.
        self.touched.extend(self.store.sagas_of(id)?);
        let place = self.place(partition, copied.offset);
        let row = postcard::to_allocvec(&Row::of_copy(copied))?;
        let copies = &self.store.copies;
        self.batch.insert(copies, copy_key(copied, place), row);
        Ok(())
    }

    fn place(&self, partition: i32, offset: i64) -> Place {
        Place {
            topic: self.topic,
            partition,
            offset,
        }
    }

    fn row(
        &mut self,
        saga: CorrelationId,
        partition: i32,
        offset: i64,
        row: &Row<'_>,
    ) -> Result<(), StoreError> {
        self.touched.insert(saga);
        let place = self.place(partition, offset);
        self.row.clear();
        let bytes = postcard::to_extend(row, std::mem::take(&mut self.row))?;
        self.batch
            .insert(&self.store.sagas, place.key(saga), bytes.as_slice());
        self.row = bytes;
        Ok(())
    }

    fn name(&mut self, text: &str) -> Result<Name, StoreError> {
        if let Some(&number) = self.names.get(text) {
            return Ok(number);
        }
        let number = self.store.name(text)?;
        self.names.insert(text.to_owned(), number);
        Ok(number)
    }

    /// Writes everything at once. Gives how many records that was.
    pub(super) fn commit(&mut self, parts: &[Part<'_>]) -> Result<u64, StoreError> {
        let mut batch = std::mem::replace(&mut self.batch, self.store.batch());
        for saga in self.touched.drain() {
            batch.insert(&self.store.open, *saga.0.as_bytes(), []);
        }
        for part in parts {
            let Some(next) = self.next.remove(&part.number) else {
                continue;
            };
            let state = postcard::to_allocvec(&State::of(part, next))?;
            batch.insert(&self.store.parts, part_key(self.topic, part.number), state);
        }
        for (partition, key) in std::mem::take(&mut self.parked) {
            let Some(part) = parts.iter().find(|part| part.number == partition) else {
                continue;
            };
            let queue: Vec<&Queued> = part.parked.of(&key).collect();
            let at = [&part_key(self.topic, partition), key.as_bytes()].concat();
            if queue.is_empty() {
                batch.remove(&self.store.parked, at);
            } else {
                batch.insert(&self.store.parked, at, serde_json::to_vec(&queue)?);
            }
        }
        batch.commit()?;
        Ok(std::mem::take(&mut self.records))
    }
}
