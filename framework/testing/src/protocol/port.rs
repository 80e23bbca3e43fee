//! The outside world: it answers each idempotency key once, and keeps a ledger.

use std::collections::BTreeMap;

use kolo_core::EventId;

/// A port that honours the idempotency key.
#[derive(Debug, Default)]
pub(super) struct Port {
    /// By idempotency key: how often it was asked.
    pub(super) ledger: BTreeMap<EventId, u32>,
}

impl Port {
    /// Asks; the same key gets the same reply.
    pub(super) fn call(&mut self, key: EventId) -> u32 {
        *self.ledger.entry(key).or_default() += 1;
        reply(key)
    }
}

/// What the port replies to this key, whenever it is asked.
pub(super) fn reply(key: EventId) -> u32 {
    (key.0.as_u128() % 7) as u32
}
