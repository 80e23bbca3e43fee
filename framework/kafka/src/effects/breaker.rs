//! The breaker of one effect: after failures in a row, no call is made for a while; then one tries.

use std::time::Duration;

use kolo_core::Breaker as Policy;
use tokio::time::Instant;

/// A breaker as it stands.
#[derive(Debug)]
pub(super) struct Breaker {
    policy: Policy,
    position: Position,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    /// Calls are made; so many failed in a row.
    Closed(u32),
    /// No call is made until then, and one after.
    Open(Instant),
    /// One call tries.
    Trying,
}

/// What a call's outcome has done to the breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Opened(Duration),
    Closed,
}

/// Whether a call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// It may.
    Open,
    /// Not before then.
    Not(Instant),
    /// Not before the call that tries has ended.
    NotYet,
}

impl Breaker {
    pub(super) fn new(policy: Policy) -> Self {
        Breaker {
            policy,
            position: Position::Closed(0),
        }
    }

    pub(super) fn admits(&self, now: Instant) -> Admission {
        match self.position {
            Position::Open(until) if now < until => Admission::Not(until),
            Position::Trying => Admission::NotYet,
            Position::Closed(_) | Position::Open(_) => Admission::Open,
        }
    }

    /// A call that was admitted begins. Says whether it is the one that tries.
    pub(super) fn begin(&mut self) -> bool {
        let tries = matches!(self.position, Position::Open(_));
        if tries {
            self.position = Position::Trying;
        }
        tries
    }

    /// The port works.
    pub(super) fn replied(&mut self) -> Option<Turn> {
        let was_closed = matches!(self.position, Position::Closed(_));
        self.position = Position::Closed(0);
        (!was_closed).then_some(Turn::Closed)
    }

    /// A call failed. One that began before the breaker opened says nothing new.
    pub(super) fn failed(&mut self, tried: bool, now: Instant) -> Option<Turn> {
        match &mut self.position {
            Position::Closed(failures) => {
                *failures += 1;
                if *failures < self.policy.failures {
                    return None;
                }
            }
            Position::Trying if tried => {}
            Position::Open(_) | Position::Trying => return None,
        }
        self.position = Position::Open(now + self.policy.pause);
        Some(Turn::Opened(self.policy.pause))
    }

    /// When the next call tries, or that one tries now; `None` while it is closed.
    pub(super) fn opens_at(&self) -> Option<Option<Instant>> {
        match self.position {
            Position::Closed(_) => None,
            Position::Open(until) => Some(Some(until)),
            Position::Trying => Some(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_tries_once_and_closes() {
        let pause = Duration::from_secs(5);
        let mut breaker = Breaker::new(Policy::after(2).pause(pause));
        let start = Instant::now();
        assert_eq!(breaker.failed(false, start), None);
        assert_eq!(breaker.replied(), None, "the row ends");
        assert_eq!(breaker.failed(false, start), None);
        assert_eq!(breaker.failed(false, start), Some(Turn::Opened(pause)));
        assert_eq!(breaker.admits(start), Admission::Not(start + pause));
        let later = start + pause;
        assert_eq!(breaker.admits(later), Admission::Open);
        assert!(breaker.begin());
        assert_eq!(breaker.admits(later), Admission::NotYet);
        assert_eq!(breaker.failed(false, later), None, "an old call");
        assert_eq!(breaker.failed(true, later), Some(Turn::Opened(pause)));
        assert_eq!(breaker.admits(later + pause), Admission::Open);
        assert!(breaker.begin());
        assert_eq!(breaker.replied(), Some(Turn::Closed));
        assert!(!breaker.begin());
    }
}
