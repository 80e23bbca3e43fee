//! Giving back what counts no more: records that retention has deleted from their topics, and those of topics that are gone.
//!
//! None of it is told, whether it still has a place on the disk or not. So it is looked for only when it is half of all that
//! the index may hold: a look costs as much as there is, and each record is looked at a few times in its life.

use fjall::{OwnedWriteBatch, Slice};
use kolo_core::{CorrelationId, EventId};

use crate::failure::Failure;

use super::current::Current;
use super::row::{Place, Row};
use super::state::State;
use super::store::{StoreError, id_end, id_key, key_key, saga_at};

/// Records that are forgotten in one write.
const MOST_FORGOTTEN: usize = 50_000;

impl Current<'_, '_> {
    /// Gives back the place of what counts no more, where that is worth a look. Says how many records that was.
    pub(super) fn forget(&self) -> Result<u64, Failure> {
        let is_worth_it = self.is_mostly_gone();
        let forgotten = is_worth_it.and_then(|is_it| if is_it { self.sweep() } else { Ok(0) });
        forgotten.map_err(|error| self.index.failed(&error))
    }

    /// The first offset of the partition with this key, if it is there.
    fn first_of(&self, part: &[u8]) -> Option<i64> {
        Some(self.first.get(part)?.1)
    }

    /// Whether half of the offsets of which there may be records count no more.
    fn is_mostly_gone(&self) -> Result<bool, StoreError> {
        let (mut gone, mut left) = (0, 0);
        for guard in self.index.store.parts.iter() {
            let (key, state) = guard.into_inner()?;
            let state: State = postcard::from_bytes(&state)?;
            let first = self.first_of(&key).unwrap_or(state.next);
            let first = first.min(state.next).max(state.first);
            gone += first - state.first;
            left += state.next - first;
        }
        Ok(gone > left)
    }

    fn sweep(&self) -> Result<u64, StoreError> {
        self.leave_topics()?;
        let store = &self.index.store;
        let mut forgotten = 0;
        let mut batch = store.batch();
        let mut saga: Vec<(Slice, Slice)> = Vec::new();
        for guard in store.sagas.iter() {
            let (key, row) = guard.into_inner()?;
            let is_of_it = |(known, _): &(Slice, Slice)| saga_at(known, 0) == saga_at(&key, 0);
            if !saga.first().is_none_or(is_of_it) {
                forgotten += self.forget_of(&saga, &mut batch)?;
                saga.clear();
            }
            saga.push((key, row));
            if batch.len() >= MOST_FORGOTTEN {
                std::mem::replace(&mut batch, store.batch()).commit()?;
            }
        }
        forgotten += self.forget_of(&saga, &mut batch)?;
        for guard in store.copies.iter() {
            let key = guard.key()?;
            if self.place(&key).is_none() {
                batch.remove(&store.copies, key);
                forgotten += 1;
            }
        }
        batch.commit()?;
        self.begin_anew()?;
        store.compact()?;
        Ok(forgotten)
    }

    /// Forgets what counts no more of a saga with these records.
    fn forget_of(
        &self,
        records: &[(Slice, Slice)],
        batch: &mut OwnedWriteBatch,
    ) -> Result<u64, StoreError> {
        let store = &self.index.store;
        let counts = |(key, _): &&(Slice, Slice)| self.place(key).is_some();
        let (left, gone): (Vec<_>, Vec<_>) = records.iter().partition(counts);
        let Some(saga) = gone.first().and_then(|(key, _)| saga_at(key, 0)) else {
            return Ok(0);
        };
        if left.is_empty() {
            batch.remove(&store.open, *saga.0.as_bytes());
        }
        let mut known = Vec::new();
        for (_, row) in left {
            if let Row::Event { id, .. } = postcard::from_bytes(row)? {
                known.push(id_end(EventId(id)));
            }
        }
        for (key, row) in &gone {
            batch.remove(&store.sagas, key.clone());
            let (Some(place), Row::Event { id, key, .. }) =
                (Place::of(key), postcard::from_bytes(row)?)
            else {
                continue;
            };
            // One that was published twice may be left.
            if !known.contains(&id_end(EventId(id))) {
                batch.remove(&store.ids, id_key(EventId(id), saga));
            }
            let named = CorrelationId::of_saga(&key.text());
            if named != saga {
                batch.remove(&store.keys, key_key(named, saga, place));
            }
        }
        Ok(gone.len() as u64)
    }

    /// Gives up how far topics were read that are gone. It comes first: one that is back before their records are forgotten is
    /// read from its beginning.
    fn leave_topics(&self) -> Result<(), StoreError> {
        let store = &self.index.store;
        let mut batch = store.batch();
        for guard in store.parts.iter() {
            let part = guard.key()?;
            if self.first_of(&part).is_some() {
                continue;
            }
            for guard in store.parked.prefix(&part) {
                batch.remove(&store.parked, guard.key()?);
            }
            batch.remove(&store.parts, part);
        }
        Ok(batch.commit()?)
    }

    /// Writes down that nothing is held any more before the first offset of each partition. It comes last: whoever is killed
    /// before looks once more.
    fn begin_anew(&self) -> Result<(), StoreError> {
        let store = &self.index.store;
        let mut batch = store.batch();
        for guard in store.parts.iter() {
            let (part, state) = guard.into_inner()?;
            let mut state: State = postcard::from_bytes(&state)?;
            if let Some(first) = self.first_of(&part) {
                state.first = first.min(state.next);
                batch.insert(&store.parts, part, postcard::to_allocvec(&state)?);
            }
        }
        Ok(batch.commit()?)
    }
}
