//! The ids of the inputs that a key has answered, the latest of them: rule 5, its second half.

use uuid::Uuid;

use crate::id::EventId;

/// From so many ids on, their tags are kept beside them.
const TAGGED: usize = 16;

/// A ring of ids, as small as what it holds.
///
/// Every input looks for its id here, mostly in vain. A hundred ids are two kilobytes, which for most keys are in no
/// cache; their tags are a tenth of that.
#[derive(Debug, Default)]
pub(crate) struct Answered {
    ids: Vec<u128>,
    /// One for each id, or none while there are few.
    tags: Vec<u16>,
    /// Where the next id goes once the ring is full.
    next: usize,
}

/// Sixteen bits of an id, of whatever kind it is: the product's upper ones depend on all of its bits.
fn tag(id: u128) -> u16 {
    let (high, low) = Uuid::from_u128(id).as_u64_pair();
    let product = (high ^ low).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (product >> 48) as u16
}

impl Answered {
    pub(crate) fn contains(&self, id: EventId) -> bool {
        let id = id.0.as_u128();
        if self.tags.is_empty() {
            return self.ids.contains(&id);
        }
        let tag = tag(id);
        // Without an early exit the compiler compares many tags at once.
        let is_there = self
            .tags
            .iter()
            .fold(false, |found, &known| found | (known == tag));
        is_there && self.ids.contains(&id)
    }

    /// Takes up an id; the oldest of more than `window` is forgotten. Restoring folds the same ids in the same order,
    /// so it ends with the same window.
    pub(crate) fn insert(&mut self, id: EventId, window: usize) {
        let id = id.0.as_u128();
        if self.ids.len() < window {
            if self.ids.is_empty() {
                self.ids.reserve_exact(2);
            }
            self.ids.push(id);
            if !self.tags.is_empty() {
                self.tags.push(tag(id));
            } else if self.ids.len() >= TAGGED {
                self.tags.extend(self.ids.iter().map(|&id| tag(id)));
            }
        } else {
            self.ids[self.next] = id;
            if let Some(place) = self.tags.get_mut(self.next) {
                *place = tag(id);
            }
            self.next = (self.next + 1) % window;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_ids_are_remembered_and_the_oldest_forgotten() {
        let ids: Vec<EventId> = (0..100).map(|n| EventId::foreign(&n.to_string())).collect();
        // Without tags, with tags from the start of the ring's turning, and with tags long before it.
        for window in [4, TAGGED, 3 * TAGGED] {
            let mut answered = Answered::default();
            for (at, &id) in ids.iter().enumerate() {
                answered.insert(id, window);
                for (other, &id) in ids.iter().enumerate() {
                    let is_held = other <= at && other + window > at;
                    assert_eq!(answered.contains(id), is_held, "window {window}");
                }
            }
        }
    }
}
