//! Compaction: of the records of one key only the last stays, and nothing that stays moves.
//!
//! A pass first reads the keys of the segments that were not compacted yet, then writes every segment up to there anew
//! without what was overwritten later. Of each key it remembers a 128-bit hash and an offset; a pass that would remember
//! more keys than [`LogConfig::compaction_keys`](super::LogConfig::compaction_keys) ends early, and the next one goes on from there. One step reads or writes one
//! segment. A pass is not stored: an interrupted one begins again, on a log that is whole.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use super::index::Target;
use super::reader::place_of;
use super::rewrite::{Kept, Rewriter, keep};
use super::segment::Segment;
use super::writer::{Cleaned, duration_millis};
use super::{LogError, LogWriter};
use crate::batch::{Batch, BatchError, Walk};

/// The last offset of each key, between two offsets of the log.
#[derive(Debug, Default)]
pub(super) struct Keys {
    hashers: (RandomState, RandomState),
    last: HashMap<(u64, u64), i64>,
}

impl Keys {
    fn hash(&self, key: &[u8]) -> (u64, u64) {
        (self.hashers.0.hash_one(key), self.hashers.1.hash_one(key))
    }

    fn add(&mut self, batch: &Batch) -> Result<(), BatchError> {
        let data = batch.decompressed()?;
        // All or nothing: half of a batch must not overwrite what only its other half could replace.
        let records: Result<Vec<_>, _> = Walk::new(&data, batch.record_count()).collect();
        for record in records? {
            if let Some(key) = record.key {
                let hash = self.hash(key);
                self.last.insert(hash, batch.offset_of(&record));
            }
        }
        Ok(())
    }

    pub(super) fn is_overwritten(&self, key: &[u8], offset: i64) -> bool {
        let last = self.last.get(&self.hash(key));
        last.is_some_and(|last| *last > offset)
    }
}

/// A pass under way.
#[derive(Debug)]
pub(super) struct Pass {
    keys: Keys,
    /// All keys before this offset are in `keys`.
    read_to: i64,
    /// Where reading ends.
    read_until: i64,
    /// The segments before this offset are written anew; `None` while keys are still read.
    written_to: Option<i64>,
}

impl LogWriter {
    /// One step of a pass, if there is one or it is time for one.
    pub(super) fn compact(&mut self, now_ms: i64, cleaned: &mut Cleaned) -> Result<(), LogError> {
        let Some(mut pass) = self
            .pass
            .take()
            .map_or_else(|| self.new_pass(now_ms), |pass| Ok(Some(pass)))?
        else {
            return Ok(());
        };
        let segments = self.shared.segments();
        let Some(written_to) = pass.written_to else {
            let place = place_of(&segments, pass.read_to);
            let end = segments
                .get(place + 1)
                .map_or(pass.read_until, |next| next.base_offset());
            self.read_keys(&segments[place], end, &mut pass)?;
            cleaned.more = true;
            self.pass = Some(pass);
            return Ok(());
        };
        let place = place_of(&segments, written_to);
        let end = segments.get(place + 1).map(|next| next.base_offset());
        // The last segment still grows: a pass never comes that far.
        if let Some(end) = end {
            self.rewrite(place, &pass, now_ms, cleaned)?;
            pass.written_to = Some(end);
            if end < pass.read_to {
                cleaned.more = true;
                self.pass = Some(pass);
                return Ok(());
            }
        }
        self.compacted_to = pass.read_to;
        self.checkpoint(self.start_offset())?;
        cleaned.more = pass.read_to < pass.read_until;
        Ok(())
    }

    /// A pass over what was closed since the last one and is old enough, if that is enough of the log.
    fn new_pass(&self, now_ms: i64) -> Result<Option<Pass>, LogError> {
        let segments = self.shared.segments();
        let lag = duration_millis(self.config.min_compaction_lag);
        let youngest = now_ms.saturating_sub(lag);
        let from = self.compacted_to.max(segments[0].base_offset());
        let (mut total, mut dirty) = (0, 0);
        let mut read_until = from;
        for pair in segments.windows(2) {
            let (segment, end) = (&pair[0], pair[1].base_offset());
            if end > from {
                if lag > 0 && segment.max_timestamp()? > youngest {
                    break;
                }
                dirty += segment.len_bytes();
                read_until = end;
            }
            total += segment.len_bytes();
        }
        #[allow(clippy::cast_precision_loss, reason = "a ratio need not be exact")]
        let is_worth_it = dirty > 0 && dirty as f64 >= total as f64 * self.config.min_dirty_ratio;
        Ok(is_worth_it.then(|| Pass {
            keys: Keys::default(),
            read_to: from,
            read_until,
            written_to: None,
        }))
    }

    fn read_keys(&self, segment: &Segment, end: i64, pass: &mut Pass) -> Result<(), LogError> {
        let mut read_to = pass.read_to;
        let mut is_full = false;
        segment.scan(Target::Offset(read_to), |batch| {
            if batch.last_offset() < read_to {
                return Ok(true);
            }
            // Records that cannot be read stay, and overwrite nothing.
            drop(pass.keys.add(&batch));
            read_to = batch.last_offset() + 1;
            is_full = pass.keys.last.len() >= self.config.compaction_keys;
            Ok(!is_full)
        })?;
        pass.read_to = if is_full { read_to } else { end };
        if is_full || pass.read_to >= pass.read_until {
            pass.written_to = Some(i64::MIN);
        }
        Ok(())
    }

    /// Writes one closed segment anew without the overwritten records.
    ///
    /// The new file gets a name of its own, and counts once it has it: then the old one is garbage, which an open removes.
    fn rewrite(
        &self,
        place: usize,
        pass: &Pass,
        now_ms: i64,
        cleaned: &mut Cleaned,
    ) -> Result<(), LogError> {
        let segments = self.shared.segments();
        let old = &segments[place];
        let horizon = now_ms.saturating_add(duration_millis(self.config.delete_retention));
        let mut out = Rewriter::new(self, old)?;
        let mut has_changed = false;
        let result = old.scan(Target::Offset(old.base_offset()), |batch| {
            let kept = if batch.base_offset() < pass.read_to {
                keep(&batch, &pass.keys, now_ms, horizon)
            } else {
                Kept::Unchanged
            };
            match kept {
                Kept::Unchanged => out.add(self, batch)?,
                Kept::Nothing => has_changed = true,
                Kept::Some(batch) => {
                    has_changed = true;
                    out.add(self, batch)?;
                }
            }
            Ok(true)
        });
        let result = result.and_then(|()| out.flush(self));
        if result.is_err() || !has_changed {
            out.discard(self)?;
            return result;
        }
        let new = out.finish(self)?;
        let mut list = segments.to_vec();
        let new_bytes = new.as_ref().map_or(0, Segment::len_bytes);
        match new {
            Some(new) => list[place] = Arc::new(new),
            None => drop(list.remove(place)),
        }
        self.shared.set_segments(list);
        cleaned.compacted_segments += 1;
        cleaned.freed_bytes += old.len_bytes().saturating_sub(new_bytes);
        old.remove(&self.files)
    }
}
