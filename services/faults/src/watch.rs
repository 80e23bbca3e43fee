//! What the streams tell while a test runs.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::shop::STALL;
use kolo::stream::{StreamReader, Verdict};
use kolo::wire::{Headers, KOLO, MARKER};
use kolo::{Config, Event};
use rdkafka::error::KafkaError;
use shop::audit::{From, Place, Reader, Record, Topic};
use shop_schemas::order::{OrderCancelled, OrderConfirmed};
use uuid::Uuid;

/// The streams.
pub const STREAMS: [Topic; 4] = [
    Topic::Reservations,
    Topic::Stock,
    Topic::Payments,
    Topic::Outcome,
];

/// A record that counts for nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Void {
    /// Where it stands.
    pub place: Place,
    /// Its event id.
    pub id: Option<Uuid>,
    /// Its event type.
    pub event_type: String,
}

/// How often each partition was taken over.
pub type Fences = HashMap<(Topic, i32), u64>;

/// What was read so far.
#[derive(Default)]
pub struct Seen {
    turns: HashMap<(Topic, i32), StreamReader>,
    ended: HashSet<String>,
    /// Why orders were cancelled.
    cancelled: HashMap<String, String>,
    /// How many have ended, for other threads.
    count: Arc<AtomicU64>,
    events: HashMap<Topic, u64>,
    fences: Fences,
    /// Valid events since the latest fence.
    since: HashMap<(Topic, i32), u64>,
    void: Vec<Void>,
}

/// Follows the streams.
pub struct Watch {
    reader: Reader,
    seen: Seen,
}

impl Watch {
    /// Begins at the beginning.
    ///
    /// # Errors
    /// When the broker does not answer, or a topic is missing.
    pub fn open(config: &Config) -> anyhow::Result<Watch> {
        Ok(Watch {
            reader: Reader::open(config, &STREAMS, From::Beginning)?,
            seen: Seen::default(),
        })
    }

    /// Takes up what comes until nothing has come for a moment.
    ///
    /// # Errors
    /// When the topics cannot be read, or hold a record that cannot be judged.
    pub fn look(&mut self) -> anyhow::Result<&Seen> {
        let seen = &mut self.seen;
        self.reader
            .follow(|place, record| seen.take(place, record))?;
        Ok(seen)
    }

    /// What was read so far.
    #[must_use]
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Takes up everything that stands there now.
    ///
    /// # Errors
    /// When the topics cannot be read, or hold a record that cannot be judged.
    pub fn catch_up(&mut self) -> anyhow::Result<&Seen> {
        let begun = Instant::now();
        loop {
            let seen = &mut self.seen;
            let read = self
                .reader
                .catch_up(|place, record| seen.take(place, record));
            match read {
                Ok(_) => return Ok(&self.seen),
                // The broker is busy, or just starting.
                Err(error) if error.is::<KafkaError>() && begun.elapsed() < STALL => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Seen {
    fn take(&mut self, place: Place, record: &Record<'_>) -> anyhow::Result<()> {
        let mut headers = Headers {
            event_type: record.event_type,
            ..Headers::default()
        };
        headers.take(KOLO, record.kolo.map(str::as_bytes));
        let turn = self
            .turns
            .entry((place.topic, place.partition))
            .or_insert_with(StreamReader::from_start);
        let event_type = record.event_type.unwrap_or_default();
        match turn.read(place.offset, &headers)? {
            Verdict::Fence(_) => {
                let place = (place.topic, place.partition);
                *self.fences.entry(place).or_default() += 1;
                self.since.insert(place, 0);
            }
            Verdict::Void(_) | Verdict::Unfenced(_) => self.void.push(Void {
                place,
                id: record.id.and_then(|id| id.parse().ok()),
                event_type: event_type.to_owned(),
            }),
            Verdict::Valid(_) if event_type == MARKER => {}
            Verdict::Valid(_) => {
                *self.events.entry(place.topic).or_default() += 1;
                let place = (place.topic, place.partition);
                *self.since.entry(place).or_default() += 1;
                if event_type == OrderCancelled::TYPE.name {
                    let reason = OrderCancelled::decode(record.value)?.reason;
                    let key = record.key.unwrap_or_default().to_owned();
                    self.cancelled.insert(key, reason);
                }
                if [OrderConfirmed::TYPE.name, OrderCancelled::TYPE.name].contains(&event_type) {
                    self.ended.insert(record.key.unwrap_or_default().to_owned());
                    self.count.store(self.ended(), Ordering::Relaxed);
                }
            }
        }
        Ok(())
    }

    /// How many orders have ended.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.ended.len() as u64
    }

    /// Whether an order has ended.
    #[must_use]
    pub fn has_ended(&self, order: &str) -> bool {
        self.ended.contains(order)
    }

    /// The orders that were cancelled for this reason.
    pub fn cancelled_for(&self, reason: &str) -> impl Iterator<Item = &str> {
        let all = self.cancelled.iter();
        all.filter(move |(_, why)| *why == reason)
            .map(|(order, _)| order.as_str())
    }

    /// How many orders have ended, kept up to date by whoever looks.
    pub(crate) fn count(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.count)
    }

    /// How many valid events stand in these streams; fences and markers are none.
    #[must_use]
    pub fn events(&self, streams: &[Topic]) -> u64 {
        streams
            .iter()
            .filter_map(|topic| self.events.get(topic))
            .sum()
    }

    /// How often each partition was taken over.
    #[must_use]
    pub fn fences(&self) -> &Fences {
        &self.fences
    }

    /// Whether a partition of this stream was taken over since there were so many fences, and its new owner works.
    #[must_use]
    pub fn has_new_owner(&self, stream: Topic, fences: &Fences) -> bool {
        let mut taken = self
            .fences
            .iter()
            .filter(|((topic, _), _)| *topic == stream);
        taken.any(|(place, now)| {
            fences.get(place) < Some(now) && self.since.get(place).is_some_and(|events| *events > 0)
        })
    }

    /// The records that count for nobody.
    #[must_use]
    pub fn void(&self) -> &[Void] {
        &self.void
    }
}
