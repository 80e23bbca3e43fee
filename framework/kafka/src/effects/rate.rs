//! The rate of one effect, by the clock of the runtime.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use kolo_core::Rate;
use tokio::time::Instant;

/// Time since the limit was made.
#[derive(Clone)]
struct Since(Instant);

impl Clock for Since {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, Since, NoOpMiddleware<Duration>>;

pub(super) struct RateLimit {
    limiter: Limiter,
    clock: Since,
}

impl RateLimit {
    /// `None` for a rate that limits nothing: more than a call a nanosecond.
    pub(super) fn new(rate: Rate) -> Option<Self> {
        let burst = NonZeroU32::new(rate.burst)?;
        let quota = Quota::with_period(rate.per / rate.calls)?.allow_burst(burst);
        let clock = Since(Instant::now());
        Some(RateLimit {
            limiter: RateLimiter::direct_with_clock(quota, clock.clone()),
            clock,
        })
    }

    /// Takes a call out of the quota, or says when there is one.
    pub(super) fn take(&self) -> Result<(), Instant> {
        let refused = self.limiter.check();
        refused.map_err(|refused| self.clock.0 + refused.earliest_possible())
    }
}
