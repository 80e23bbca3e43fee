//! The ids of the inputs that a key has answered, the latest of them: rule 5, its second half.

use crate::id::EventId;

/// A ring of ids, as small as what it holds.
#[derive(Debug, Default)]
pub(crate) struct Answered {
    ids: Vec<u128>,
    /// Where the next id goes once the ring is full.
    next: u32,
    /// Whether the key has changed since the snapshot before. It stands here because nothing else has room for it: beside
    /// this struct it would cost every key eight bytes.
    pub(crate) is_changed: bool,
}

impl Answered {
    pub(crate) fn contains(&self, id: EventId) -> bool {
        self.ids.contains(&id.0.as_u128())
    }

    /// Takes up an id; the oldest of more than `window` is forgotten. Restoring folds the same ids in the same order,
    /// so it ends with the same window.
    pub(crate) fn insert(&mut self, id: EventId, window: usize) {
        if self.ids.len() < window {
            if self.ids.is_empty() {
                self.ids.reserve_exact(2);
            }
            self.ids.push(id.0.as_u128());
        } else {
            let at = self.next as usize;
            self.ids[at] = id.0.as_u128();
            self.next = u32::try_from((at + 1) % window).unwrap_or_default();
        }
    }

    pub(crate) fn ring(&self) -> (&[u128], u32) {
        (&self.ids, self.next)
    }

    pub(crate) fn of_ring(ids: Vec<u128>, next: u32) -> Self {
        Answered {
            ids,
            next,
            is_changed: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_of_a_change_costs_a_key_nothing() {
        assert_eq!(size_of::<Answered>(), size_of::<(Vec<u128>, usize)>());
    }

    #[test]
    fn the_latest_ids_are_remembered_and_the_oldest_forgotten() {
        let ids: Vec<EventId> = (0..10).map(|n| EventId::foreign(&n.to_string())).collect();
        let mut answered = Answered::default();
        for (at, &id) in ids.iter().enumerate() {
            answered.insert(id, 4);
            for (other, &id) in ids.iter().enumerate() {
                assert_eq!(answered.contains(id), other <= at && other + 4 > at);
            }
        }
    }
}
