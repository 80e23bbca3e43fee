//! One saga, put together from what the topics hold of it: what led to what, whether it has ended, and who has not
//! answered. No service takes part in this; records and manifests are enough.
//!
//! # Layout
//!
//! | file | idea |
//! |---|---|
//! | `mod.rs` | the records of one saga, each event once |
//! | `tree.rs` | each event below its cause |
//! | `open.rs` | what the manifests declare and the records do not show |
//! | `undone.rs` | which record undoes which |

mod open;
mod tree;
mod undone;

pub use open::Open;
pub use tree::Branch;

use std::collections::HashMap;

use crate::choreography::Manifest;
use crate::event::Mark;
use crate::id::EventId;
use crate::time::Timestamp;
use crate::wire::{PARKED, UNPARKED};

/// One valid record of a saga, without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The event's id.
    pub id: EventId,
    /// The event that caused it; none for one from outside.
    pub causation: Option<EventId>,
    /// The full name of its type, or that of one of kolo's own records.
    pub event: String,
    /// The `<service>.<aggregate>` that wrote it; none for one from outside.
    pub by: Option<String>,
    /// Whether it answers a deadline. Its cause is then the event that set the deadline, which is not answered by it.
    pub of_deadline: bool,
    /// The record's key.
    pub key: String,
    /// The record's timestamp.
    pub at: Timestamp,
    /// The topic's name.
    pub topic: String,
    /// The partition there.
    pub partition: i32,
    /// The offset there.
    pub offset: i64,
}

/// The records of one saga in time order, each event once.
#[derive(Debug, Clone, Default)]
pub struct Saga {
    told: Vec<Told>,
    by_id: HashMap<EventId, usize>,
}

impl Saga {
    /// Puts a saga together from its valid records, in any order.
    ///
    /// A record that stands there again under the same id counts once, where it stands first. `kolo.parked` and `kolo.unparked` are
    /// left out: they say where an input is, and answer nothing; [`ParkedQueues`](crate::wire::ParkedQueues) folds them.
    /// `kolo.barred` is kept, since it is what a compensation answers where its step never came.
    #[must_use]
    pub fn of(records: impl IntoIterator<Item = Told>) -> Self {
        let mut told: Vec<Told> = records
            .into_iter()
            .filter(|record| record.event != PARKED && record.event != UNPARKED)
            .collect();
        let place = |record: &Told| {
            (
                record.at,
                record.topic.clone(),
                record.partition,
                record.offset,
            )
        };
        told.sort_by_cached_key(place);
        let mut saga = Saga::default();
        for record in told {
            if saga.by_id.contains_key(&record.id) {
                continue;
            }
            saga.by_id.insert(record.id, saga.told.len());
            saga.told.push(record);
        }
        saga
    }

    /// Its records in time order, each event once.
    #[must_use]
    pub fn told(&self) -> &[Told] {
        &self.told
    }

    /// The event that ended it: the last one whose schema is marked as a success or a failure. What still has to be undone
    /// after a failure is [open](Saga::open).
    #[must_use]
    pub fn end(&self, manifests: &[Manifest]) -> Option<(&Told, Mark)> {
        self.told.iter().rev().find_map(|record| {
            let known = manifests.iter().find_map(|all| all.event(&record.event))?;
            let ends = matches!(known.mark, Mark::Success | Mark::Failure);
            ends.then_some((record, known.mark))
        })
    }
}
