//! What this instance has taken in, for as long as the topic may not show it: an order that was just accepted is pending,
//! and not unknown; and a key that comes again with another body is noticed before anything of the first is decided.
//!
//! It is in memory and of a bounded size. What it forgets, or another instance has taken in, is known once the order is
//! opened, but for its lines.

use std::collections::{HashMap, VecDeque};

use kolo::Event;
use parking_lot::Mutex;
use shop_schemas::order::{OrderCreated, OrderId};
use uuid::Uuid;

/// How many orders are remembered. The oldest is forgotten first.
const MOST: usize = 100_000;

/// What came of an order that is to be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing was known of it.
    New,
    /// It came before, and may have been published.
    Same,
    /// It came before, and is in its topic.
    Acknowledged,
    /// Something else came under its id.
    Other,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Of everything in it.
    digest: Uuid,
    acknowledged: bool,
}

#[derive(Debug, Default)]
pub(super) struct Accepted(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    entries: HashMap<OrderId, Entry>,
    oldest_first: VecDeque<OrderId>,
}

impl Accepted {
    /// Remembers an order that is about to be published, and says what was known of its id before.
    pub(super) fn begin(&self, order: &OrderCreated) -> Before {
        let mut value = Vec::new();
        order.encode(&mut value);
        let digest = Uuid::new_v5(&order.order_id.0, &value);
        let mut memory = self.0.lock();
        if let Some(entry) = memory.entries.get(&order.order_id) {
            return match entry.acknowledged {
                _ if entry.digest != digest => Before::Other,
                true => Before::Acknowledged,
                false => Before::Same,
            };
        }
        if memory.oldest_first.len() == MOST
            && let Some(oldest) = memory.oldest_first.pop_front()
        {
            memory.entries.remove(&oldest);
        }
        memory.oldest_first.push_back(order.order_id);
        let acknowledged = false;
        memory.entries.insert(
            order.order_id,
            Entry {
                digest,
                acknowledged,
            },
        );
        Before::New
    }

    /// It is in its topic.
    pub(super) fn acknowledged(&self, order_id: OrderId) {
        if let Some(entry) = self.0.lock().entries.get_mut(&order_id) {
            entry.acknowledged = true;
        }
    }

    /// It is certainly not in its topic, so that something else may come under its id.
    pub(super) fn refused(&self, order_id: OrderId) {
        let mut memory = self.0.lock();
        let entry = memory.entries.get(&order_id);
        if entry.is_some_and(|entry| !entry.acknowledged) {
            // Its place in the line stays taken: to look for it would take long, where much is refused.
            memory.entries.remove(&order_id);
        }
    }

    /// Whether it is known to be in its topic.
    pub(super) fn has(&self, order_id: OrderId) -> bool {
        let memory = self.0.lock();
        let entry = memory.entries.get(&order_id);
        entry.is_some_and(|entry| entry.acknowledged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shop_schemas::order::CustomerId;

    fn order(number: u128, total_cents: i64) -> OrderCreated {
        OrderCreated {
            order_id: OrderId(Uuid::from_u128(number)),
            customer_id: CustomerId("c".into()),
            lines: Vec::new(),
            currency: "EUR".into(),
            total_cents,
            answer_within_seconds: None,
        }
    }

    #[test]
    fn the_same_order_and_another_one_under_its_id_are_told_apart() {
        let accepted = Accepted::default();
        let first = order(1, 100);
        assert_eq!(accepted.begin(&first), Before::New);
        assert_eq!(accepted.begin(&first), Before::Same);
        assert!(!accepted.has(first.order_id));
        accepted.acknowledged(first.order_id);
        assert_eq!(accepted.begin(&first), Before::Acknowledged);
        assert_eq!(accepted.begin(&order(1, 101)), Before::Other);
        accepted.refused(first.order_id);
        assert!(accepted.has(first.order_id), "it had arrived before");
    }

    #[test]
    fn what_was_refused_is_forgotten() {
        let accepted = Accepted::default();
        accepted.begin(&order(1, 100));
        accepted.refused(order(1, 100).order_id);
        assert_eq!(accepted.begin(&order(1, 101)), Before::New);
    }

    #[test]
    fn the_oldest_goes_when_there_are_too_many() {
        let accepted = Accepted::default();
        for number in 0..=MOST as u128 {
            accepted.begin(&order(number, 1));
        }
        let memory = accepted.0.lock();
        assert_eq!(
            (memory.entries.len(), memory.oldest_first.len()),
            (MOST, MOST)
        );
        assert!(!memory.entries.contains_key(&order(0, 1).order_id));
    }
}
