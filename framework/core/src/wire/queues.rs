//! What is parked now: the fold of a stream's `kolo.parked` and `kolo.unparked`. The processor and the tools share it, so
//! that they cannot disagree.

use std::collections::VecDeque;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::id::EventId;
use crate::time::Timestamp;

use super::{PARKED, Parked, ParkedKind, UNPARKED, Unparked};

/// One parked record in its key's queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    /// What was parked, with its latest failure and all attempts.
    pub parked: Parked,
    /// When it was parked.
    pub since: Timestamp,
    /// When it was tried last.
    pub tried: Timestamp,
}

/// What is parked in one partition of a stream, key by key, each in its order.
#[derive(Debug, Clone, Default)]
pub struct ParkedQueues {
    keys: HashMap<String, VecDeque<Queued>>,
    without_bytes: bool,
}

/// What a record of the stream changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParkedChange {
    /// It was parked: it is its queue's last.
    Parked,
    /// It is parked already, was tried again, and failed again.
    Failed(EventId),
    /// It was decided, or dropped.
    Unparked(Box<Queued>, Unparked),
    /// Nothing.
    Nothing,
}

impl ParkedQueues {
    /// Queues that keep neither values nor headers: for who wants to know what is parked, and not to decide it.
    #[must_use]
    pub fn without_bytes() -> Self {
        ParkedQueues {
            without_bytes: true,
            ..ParkedQueues::default()
        }
    }

    /// Takes up a valid record of the stream; other types than `kolo.parked` and `kolo.unparked` change nothing.
    ///
    /// # Errors
    /// When its value is not what its type says.
    pub fn fold(
        &mut self,
        event_type: &str,
        key: &str,
        value: &[u8],
        at: Timestamp,
    ) -> Result<ParkedChange, serde_json::Error> {
        Ok(match event_type {
            PARKED => self.park(key, serde_json::from_slice(value)?, at),
            UNPARKED => {
                let unparked: Unparked = serde_json::from_slice(value)?;
                match self.unpark(key, unparked.id) {
                    Some(queued) => ParkedChange::Unparked(Box::new(queued), unparked),
                    None => ParkedChange::Nothing,
                }
            }
            _ => ParkedChange::Nothing,
        })
    }

    /// Something is parked, or has failed again.
    pub fn park(&mut self, key: &str, mut parked: Parked, at: Timestamp) -> ParkedChange {
        let queue = self.keys.entry_ref(key).or_default();
        // An input fails again as its queue's first, and a queue may be long.
        let known = match parked.kind {
            ParkedKind::Input | ParkedKind::Route => queue.front_mut(),
            ParkedKind::Request | ParkedKind::Deadline => {
                queue.iter_mut().find(|known| known.parked.id == parked.id)
            }
        };
        if let Some(known) = known.filter(|known| known.parked.id == parked.id) {
            known.parked.failure = parked.failure;
            known.parked.attempts = parked.attempts;
            known.tried = at;
            return ParkedChange::Failed(parked.id);
        }
        // Where a route is run again, it is run by whoever reads this.
        if self.without_bytes && parked.kind != ParkedKind::Route {
            parked.value = None;
            parked.headers = Vec::new();
        }
        queue.push_back(Queued {
            parked,
            since: at,
            tried: at,
        });
        ParkedChange::Parked
    }

    /// Something is parked no more: it, if it was.
    pub fn unpark(&mut self, key: &str, id: EventId) -> Option<Queued> {
        let queue = self.keys.get_mut(key)?;
        let at = queue.iter().position(|known| known.parked.id == id)?;
        let queued = queue.remove(at);
        if queue.is_empty() {
            self.keys.remove(key);
        }
        queued
    }

    /// A key's queue is this one, as a snapshot kept it.
    pub(crate) fn set(&mut self, key: &str, queue: VecDeque<Queued>) {
        if queue.is_empty() {
            self.keys.remove(key);
        } else {
            self.keys.insert(key.to_owned(), queue);
        }
    }

    /// What is parked under a key, in order; empty if nothing is.
    pub fn of(&self, key: &str) -> impl ExactSizeIterator<Item = &Queued> + DoubleEndedIterator {
        self.keys.get(key).map(VecDeque::iter).unwrap_or_default()
    }

    /// The record under which a key is parked: what came later waits behind it.
    #[must_use]
    pub fn first(&self, key: &str) -> Option<&Queued> {
        if self.keys.is_empty() {
            return None;
        }
        self.keys.get(key).and_then(VecDeque::front)
    }

    /// The record of a key that was parked under this id.
    #[must_use]
    pub fn get(&self, key: &str, id: EventId) -> Option<&Parked> {
        let mut queue = self.keys.get(key)?.iter().map(|queued| &queued.parked);
        queue.find(|parked| parked.id == id)
    }

    /// Whether anything is parked under a key.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        self.keys.contains_key(key)
    }

    /// The parked keys, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(String::as_str)
    }

    /// How many keys are parked.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether nothing is parked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many records a key has.
    #[must_use]
    pub fn records(&self, key: &str) -> usize {
        self.keys.get(key).map_or(0, VecDeque::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Failure, FailureClass};

    fn parked(id: &str, attempts: u32) -> Parked {
        Parked {
            kind: ParkedKind::Input,
            id: EventId::foreign(id),
            event_type: None,
            place: None,
            at: Timestamp::from_millis(1),
            value: (attempts == 1).then(|| (*b"value").into()),
            too_large: false,
            headers: Vec::new(),
            failure: Failure {
                class: FailureClass::Decode,
                function: None,
                message: format!("try {attempts}"),
            },
            attempts,
        }
    }

    fn fold(queues: &mut ParkedQueues, record: &Parked, at: i64) -> ParkedChange {
        let value = serde_json::to_vec(record).unwrap();
        queues
            .fold(PARKED, "k", &value, Timestamp::from_millis(at))
            .unwrap()
    }

    #[test]
    fn a_queue_keeps_its_order_its_bytes_and_the_latest_failure() {
        let mut queues = ParkedQueues::default();
        let (a, b) = (EventId::foreign("a"), EventId::foreign("b"));
        assert_eq!(fold(&mut queues, &parked("a", 1), 1), ParkedChange::Parked);
        assert_eq!(fold(&mut queues, &parked("b", 1), 2), ParkedChange::Parked);
        assert_eq!(
            fold(&mut queues, &parked("a", 2), 3),
            ParkedChange::Failed(a)
        );
        let first = queues.first("k").unwrap();
        assert_eq!(first.parked.value.as_deref(), Some(&b"value"[..]));
        assert_eq!(first.parked.failure.message, "try 2");
        assert_eq!((first.since.as_millis(), first.tried.as_millis()), (1, 3));
        assert_eq!(queues.unpark("k", EventId::foreign("c")), None);
        assert_eq!(queues.unpark("k", a).unwrap().parked.id, a);
        let ids: Vec<_> = queues.of("k").map(|queued| queued.parked.id).collect();
        assert_eq!(ids, [b]);
        assert!(queues.unpark("k", b).is_some() && queues.is_empty());
        assert!(!queues.contains("k") && queues.of("k").len() == 0);
    }
}
