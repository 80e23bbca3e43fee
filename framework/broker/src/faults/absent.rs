//! Who is away for a while: leaders of partitions, or the broker itself.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Until when who is away.
#[derive(Debug, Default)]
pub(super) struct Absent {
    leaders: HashMap<(String, i32), Instant>,
    broker: Option<Instant>,
}

impl Absent {
    pub(super) fn take_leader(&mut self, topic: String, partition: i32, lasts: Duration) {
        self.leaders
            .insert((topic, partition), Instant::now() + lasts);
    }

    pub(super) fn take_broker(&mut self, lasts: Duration) {
        self.broker = Some(Instant::now() + lasts);
    }

    /// Whether nobody names the broker now.
    pub(super) fn is_broker_away(&mut self) -> bool {
        self.broker = self.broker.filter(|until| *until > Instant::now());
        self.broker.is_some()
    }

    /// Whether a partition is without a leader now; all are while nobody names the broker.
    pub(super) fn is_leader_away(&mut self, topic: &str, partition: i32) -> bool {
        if self.is_broker_away() {
            return true;
        }
        let now = Instant::now();
        self.leaders.retain(|_, until| *until > now);
        self.leaders.contains_key(&(topic.to_owned(), partition))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.leaders.is_empty() && self.broker.is_none()
    }
}
