//! Idempotent producers of one partition: their sequences, and the duplicates that a lost acknowledgement leads to.
//!
//! Of each producer id the last five batches are known, as many as a producer may have in flight. A repeat of one of them is
//! answered with the offsets it got the first time; everything else must continue where the last one ended. A producer
//! that is not known, because its state expired or it never wrote here, may begin with any sequence, as in Kafka.

use std::collections::{HashMap, VecDeque};

use kafka_protocol::ResponseError;
use serde::{Deserialize, Serialize};

use crate::batch::Batch;

/// As many batches as an idempotent producer may have in flight.
const KEPT_BATCHES: usize = 5;
/// More producers than this are not remembered: the ones silent the longest are forgotten first.
const KEPT_PRODUCERS: usize = 65_536;

/// Numbers of an idempotent producer that do not continue what the log has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SequenceError {
    /// A batch before this one is missing, or this one was overtaken; the producer resolves it.
    #[error(
        "producer {producer_id} sent sequence {sequence} at epoch {epoch}, expected was {expected}"
    )]
    OutOfOrder {
        /// The producer's id.
        producer_id: i64,
        /// Its epoch.
        epoch: i16,
        /// The first sequence of the batch.
        sequence: i32,
        /// What would have continued the log.
        expected: i32,
    },
    /// A newer incarnation of this producer has written here: this one stops.
    #[error("producer {producer_id} is at epoch {current}, and this batch is of epoch {epoch}")]
    OldEpoch {
        /// The producer's id.
        producer_id: i64,
        /// The epoch of the batch.
        epoch: i16,
        /// The newest epoch in the log.
        current: i16,
    },
}

impl SequenceError {
    /// The error code that answers the producer.
    #[must_use]
    pub fn code(&self) -> ResponseError {
        match self {
            Self::OutOfOrder { .. } => ResponseError::OutOfOrderSequenceNumber,
            Self::OldEpoch { .. } => ResponseError::InvalidProducerEpoch,
        }
    }
}

/// One batch that a producer has appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Sequence of its first record.
    pub first_sequence: i32,
    /// Sequence of its last record.
    pub last_sequence: i32,
    /// Offset of its first record.
    pub base_offset: i64,
    /// Offset of its last record.
    pub last_offset: i64,
    /// Its largest timestamp, in milliseconds since 1970; the time of append under log append time.
    pub max_timestamp: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Producer {
    epoch: i16,
    /// Never empty, the latest last.
    batches: VecDeque<Known>,
    /// Milliseconds since 1970.
    last_seen: i64,
}

/// All idempotent producers that one partition knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Producers {
    known: HashMap<i64, Producer>,
}

impl Producers {
    /// Whether this batch may be appended now. A repeat of a batch that is known says which one it repeats.
    ///
    /// # Errors
    ///
    /// It does not continue its producer's sequence.
    pub fn check(&self, batch: &Batch) -> Result<Option<Known>, SequenceError> {
        let Some(known) = self.known.get(&batch.producer_id()) else {
            return Ok(None);
        };
        if let Some(repeat) = known.repeated_by(batch) {
            return Ok(Some(repeat));
        }
        continues(known.epoch, known.last_sequence(), batch)?;
        Ok(None)
    }

    /// Remembers a batch that now stands in the log.
    pub fn appended(&mut self, batch: &Batch, base_offset: i64, max_timestamp: i64, now_ms: i64) {
        let id = batch.producer_id();
        if id < 0 {
            return;
        }
        if self.known.len() >= KEPT_PRODUCERS && !self.known.contains_key(&id) {
            self.forget_oldest();
        }
        let epoch = batch.producer_epoch();
        let producer = self.known.entry(id).or_insert_with(|| Producer {
            epoch,
            batches: VecDeque::with_capacity(KEPT_BATCHES),
            last_seen: now_ms,
        });
        if producer.epoch != epoch {
            producer.epoch = epoch;
            producer.batches.clear();
        }
        if producer.batches.len() == KEPT_BATCHES {
            producer.batches.pop_front();
        }
        producer.batches.push_back(Known {
            first_sequence: batch.base_sequence(),
            last_sequence: batch.last_sequence(),
            base_offset,
            last_offset: base_offset + i64::from(batch.last_offset_delta()),
            max_timestamp,
        });
        producer.last_seen = now_ms;
    }

    /// Forgets the producers that are silent since before `horizon_ms`.
    pub fn expire(&mut self, horizon_ms: i64) {
        self.known
            .retain(|_, producer| producer.last_seen >= horizon_ms);
    }

    /// How many producers are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Without the times at which the producers were seen, which a recovery can only guess.
    #[cfg(test)]
    pub(crate) fn known_batches(&self) -> std::collections::BTreeMap<i64, Vec<Known>> {
        let batches = |known: &Producer| known.batches.iter().copied().collect();
        self.known
            .iter()
            .map(|(id, known)| (*id, batches(known)))
            .collect()
    }

    /// Makes room for a sixteenth at once, so that a flood of new ids does not search at each of them.
    fn forget_oldest(&mut self) {
        let mut seen: Vec<i64> = self.known.values().map(|known| known.last_seen).collect();
        let (_, &mut horizon, _) = seen.select_nth_unstable(KEPT_PRODUCERS / 16);
        let mut left = KEPT_PRODUCERS / 16;
        self.known.retain(|_, producer| {
            let goes = producer.last_seen <= horizon && left > 0;
            left -= usize::from(goes);
            !goes
        });
    }
}

impl Producer {
    fn last_sequence(&self) -> i32 {
        self.batches.back().map_or(-1, |last| last.last_sequence)
    }

    fn repeated_by(&self, batch: &Batch) -> Option<Known> {
        if self.epoch != batch.producer_epoch() {
            return None;
        }
        let range = (batch.base_sequence(), batch.last_sequence());
        let same = |known: &&Known| (known.first_sequence, known.last_sequence) == range;
        self.batches.iter().find(same).copied()
    }
}

fn continues(epoch: i16, last_sequence: i32, batch: &Batch) -> Result<(), SequenceError> {
    let producer_id = batch.producer_id();
    if batch.producer_epoch() < epoch {
        return Err(SequenceError::OldEpoch {
            producer_id,
            epoch: batch.producer_epoch(),
            current: epoch,
        });
    }
    let expected = if batch.producer_epoch() > epoch {
        0
    } else {
        last_sequence.wrapping_add(1) & i32::MAX
    };
    if batch.base_sequence() != expected {
        return Err(SequenceError::OutOfOrder {
            producer_id,
            epoch: batch.producer_epoch(),
            sequence: batch.base_sequence(),
            expected,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::testing::Sent;

    /// Checks the batch, and takes it up at the next offset if it is new.
    fn send(
        producers: &mut Producers,
        next: &mut i64,
        batch: &Batch,
    ) -> Result<Option<i64>, ResponseError> {
        let known = producers.check(batch).map_err(|error| error.code())?;
        if known.is_none() {
            producers.appended(batch, *next, batch.max_timestamp(), 1_000);
            *next += i64::from(batch.record_count());
        }
        Ok(known.map(|known| known.base_offset))
    }

    fn run(batches: &[(i16, i32, usize)]) -> Vec<Result<Option<i64>, ResponseError>> {
        let mut producers = Producers::default();
        let mut next = 100;
        batches
            .iter()
            .map(|&(epoch, sequence, count)| {
                let batch = Sent::some(count, 5).by(7, epoch, sequence).batch();
                send(&mut producers, &mut next, &batch)
            })
            .collect()
    }

    const OUT_OF_ORDER: Result<Option<i64>, ResponseError> =
        Err(ResponseError::OutOfOrderSequenceNumber);
    const OLD_EPOCH: Result<Option<i64>, ResponseError> = Err(ResponseError::InvalidProducerEpoch);
    const NEW: Result<Option<i64>, ResponseError> = Ok(None);

    #[test]
    fn the_last_five_batches_are_answered_again_and_older_ones_are_not() {
        let mut batches: Vec<_> = (0..6).map(|index| (0, index * 2, 2)).collect();
        batches.extend((0..6).map(|index| (0, index * 2, 2)));
        let repeats = (1..6).map(|index| Ok(Some(100 + index * 2)));
        let expected: Vec<_> = [NEW; 6]
            .into_iter()
            .chain([OUT_OF_ORDER])
            .chain(repeats)
            .collect();
        assert_eq!(run(&batches), expected);
    }

    #[test]
    fn a_gap_is_refused_and_so_is_half_of_a_known_batch() {
        let answers = run(&[(0, 0, 2), (0, 3, 1), (0, 0, 1), (0, 1, 1), (0, 2, 1)]);
        assert_eq!(
            answers,
            [NEW, OUT_OF_ORDER, OUT_OF_ORDER, OUT_OF_ORDER, NEW]
        );
    }

    #[test]
    fn a_new_epoch_begins_at_zero_and_shuts_out_the_old_one() {
        let answers = run(&[
            (1, 0, 1),
            (2, 1, 1),
            (2, 0, 1),
            (1, 1, 1),
            (1, 0, 1),
            (2, 1, 1),
        ]);
        assert_eq!(answers, [NEW, OUT_OF_ORDER, NEW, OLD_EPOCH, OLD_EPOCH, NEW]);
    }

    #[test]
    fn an_unknown_producer_begins_anywhere() {
        assert_eq!(run(&[(3, 41, 1), (3, 42, 1)]), [NEW, NEW]);
    }

    #[test]
    fn sequences_go_on_at_zero_behind_the_largest() {
        let last = i32::MAX;
        // A batch that ends at the largest, and one that goes over it.
        assert_eq!(
            run(&[(0, last - 1, 2), (0, 1, 1), (0, 0, 1)]),
            [NEW, OUT_OF_ORDER, NEW]
        );
        assert_eq!(
            run(&[(0, last - 1, 4), (0, last - 1, 4), (0, 2, 1)]),
            [NEW, Ok(Some(100)), NEW]
        );
    }

    #[test]
    fn the_silent_are_forgotten_and_may_begin_anywhere_again() {
        let mut producers = Producers::default();
        let first = Sent::some(1, 5).by(7, 0, 0).batch();
        producers.appended(&first, 0, 5, 1_000);
        producers.expire(1_000);
        let gap = Sent::some(1, 5).by(7, 0, 9).batch();
        assert!(producers.check(&gap).is_err());
        producers.expire(1_001);
        assert_eq!(producers.check(&gap), Ok(None));
    }

    #[test]
    fn a_flood_of_producers_forgets_the_oldest() {
        let mut producers = Producers::default();
        let mut count = 0_i64;
        for id in (0..).take(KEPT_PRODUCERS + 1) {
            let batch = Sent::some(1, 5).by(id, 0, 0).batch();
            producers.appended(&batch, id, 5, id);
            count = id;
        }
        assert_eq!(producers.len(), KEPT_PRODUCERS - KEPT_PRODUCERS / 16 + 1);
        let repeat_of = |id| producers.check(&Sent::some(1, 5).by(id, 0, 0).batch());
        assert_eq!(repeat_of(0), Ok(None));
        assert_eq!(repeat_of(count).unwrap().unwrap().base_offset, count);
    }

    #[test]
    fn stored_and_read_again_nothing_is_different() {
        let mut producers = Producers::default();
        for sequence in 0..7 {
            producers.appended(&Sent::some(1, 5).by(7, 3, sequence).batch(), 50, 5, 9);
        }
        let json = serde_json::to_string(&producers).unwrap();
        assert_eq!(serde_json::from_str::<Producers>(&json).unwrap(), producers);
    }
}
