//! How a port is called: for how long, how often again, how many at once, and when not at all.

use std::fmt;
use std::time::Duration;

/// How the port of one effect is called. Pure data: whoever runs the service keeps to it.
///
/// What is not said has a default that loses nothing: a call is made again for ever, after pauses that grow from 100 ms
/// to 10 s, under the process's own time limit for a call, without a limit of its own on how many run at once or in a
/// second, and without a breaker.
///
/// ```
/// use std::time::Duration;
/// use kolo_core::{Breaker, CallPolicy, Pauses, Rate, Retries};
///
/// const CHARGE: CallPolicy = CallPolicy::new()
///     .timeout(Duration::from_secs(5))
///     .retries(Retries::for_at_most(Duration::from_secs(900)))
///     .pauses(Pauses::between(Duration::from_millis(200), Duration::from_secs(30)))
///     .at_once(32)
///     .rate(Rate::per_second(100))
///     .breaker(Breaker::after(20).pause(Duration::from_secs(5)));
/// assert_eq!(
///     CHARGE.to_string(),
///     "5s a call, again after 200ms to 30s for at most 900s, 32 at once, 100 in 1s, no call for 5s after 20 failures"
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct CallPolicy {
    /// How long one call may take; the process's `effect_timeout_ms` unless told.
    pub timeout: Option<Duration>,
    /// When no more call is made.
    pub retries: Retries,
    /// The pauses between the calls for one request.
    pub pauses: Pauses,
    /// How many calls of this effect one process makes at once; its `max_effects` is a limit on all effects together.
    pub at_once: Option<usize>,
    /// How many calls of this effect one process makes in a time.
    pub rate: Option<Rate>,
    /// When no call is made because the last ones have failed.
    pub breaker: Option<Breaker>,
}

impl CallPolicy {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        CallPolicy {
            timeout: None,
            retries: Retries::ForEver,
            pauses: Pauses::DEFAULT,
            at_once: None,
            rate: None,
            breaker: None,
        }
    }

    /// How long one call may take. One that takes longer has failed, and may have worked.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// When no more call is made for a request without a definitive reply.
    #[must_use]
    pub const fn retries(mut self, retries: Retries) -> Self {
        self.retries = retries;
        self
    }

    /// How long to wait before a call is made again.
    #[must_use]
    pub const fn pauses(mut self, pauses: Pauses) -> Self {
        self.pauses = pauses;
        self
    }

    /// How many calls of this effect one process makes at once.
    ///
    /// # Panics
    /// When it is none; in a constant, the build fails then.
    #[must_use]
    pub const fn at_once(mut self, calls: usize) -> Self {
        assert!(calls > 0, "a policy that allows no call answers no request");
        self.at_once = Some(calls);
        self
    }

    /// How many calls of this effect one process makes in a time.
    #[must_use]
    pub const fn rate(mut self, rate: Rate) -> Self {
        self.rate = Some(rate);
        self
    }

    /// When to make no call because the last ones have failed.
    #[must_use]
    pub const fn breaker(mut self, breaker: Breaker) -> Self {
        self.breaker = Some(breaker);
        self
    }
}

/// When a request without a definitive reply is given up.
///
/// What follows is declared: the answer of [`crate::Aggregate::exhausted`], or else the request's key is parked, and it is called again when that is redriven, with a new bound.
/// It is never taken for a refusal, since the last call may have worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retries {
    /// Never.
    #[default]
    ForEver,
    /// After so many calls. One owner of the partition counts them: the next one begins anew.
    AtMost(u32),
    /// So long after the request was recorded. A take-over does not lengthen it, since the time stands in the log.
    ///
    /// It is looked at when a call has failed, and when a breaker opens: a request whose turn comes late (behind another
    /// of its key, or because too many run) is called once more, and each owner calls at least once unless a breaker is
    /// open.
    ForAtMost(Duration),
}

impl Retries {
    /// Never gives up.
    #[must_use]
    pub const fn for_ever() -> Self {
        Retries::ForEver
    }

    /// Gives up after so many calls, the first one among them.
    ///
    /// # Panics
    /// When it is none; in a constant, the build fails then.
    #[must_use]
    pub const fn at_most(calls: u32) -> Self {
        assert!(calls > 0, "a policy that allows no call answers no request");
        Retries::AtMost(calls)
    }

    /// Gives up so long after the request was recorded.
    #[must_use]
    pub const fn for_at_most(time: Duration) -> Self {
        Retries::ForAtMost(time)
    }
}

/// The pauses between the calls for one request: they grow from the first to the longest by a factor, 2 unless told.
///
/// Each pause is made longer by a random part of itself, up to twice as long, so that requests which failed together do not
/// call again together.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Pauses {
    /// After the first failure.
    pub first: Duration,
    /// What they grow to.
    pub longest: Duration,
    /// By what they grow.
    pub factor: f32,
    /// Whether a random part is added.
    pub jitter: bool,
}

impl Pauses {
    const DEFAULT: Pauses = Pauses::between(Duration::from_millis(100), Duration::from_secs(10));

    /// Pauses that grow from `first` to `longest`.
    #[must_use]
    pub const fn between(first: Duration, longest: Duration) -> Self {
        Pauses {
            first,
            longest,
            factor: 2.0,
            jitter: true,
        }
    }

    /// By what the pauses grow.
    ///
    /// # Panics
    /// When it is below 1, or no number; in a constant, the build fails then.
    #[must_use]
    pub const fn factor(mut self, factor: f32) -> Self {
        assert!(
            factor >= 1.0,
            "pauses that shrink end in calls without a pause"
        );
        self.factor = factor;
        self
    }

    /// Exact pauses, without a random part.
    #[must_use]
    pub const fn without_jitter(mut self) -> Self {
        self.jitter = false;
        self
    }
}

impl Default for Pauses {
    fn default() -> Self {
        Pauses::DEFAULT
    }
}

/// How many calls may begin in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rate {
    /// How many.
    pub calls: u32,
    /// In which time.
    pub per: Duration,
    /// How many may begin together after a quiet time; as many as [`Rate::calls`] unless told.
    pub burst: u32,
}

impl Rate {
    /// So many calls in a time.
    ///
    /// # Panics
    /// When it is no call, or no time; in a constant, the build fails then.
    #[must_use]
    pub const fn new(calls: u32, per: Duration) -> Self {
        assert!(calls > 0, "a policy that allows no call answers no request");
        assert!(!per.is_zero(), "a rate needs a time");
        Rate {
            calls,
            per,
            burst: calls,
        }
    }

    /// So many calls a second.
    ///
    /// # Panics
    /// When it is none; in a constant, the build fails then.
    #[must_use]
    pub const fn per_second(calls: u32) -> Self {
        Rate::new(calls, Duration::from_secs(1))
    }

    /// How many calls may begin together after a quiet time.
    ///
    /// # Panics
    /// When it is none; in a constant, the build fails then.
    #[must_use]
    pub const fn burst(mut self, calls: u32) -> Self {
        assert!(calls > 0, "a policy that allows no call answers no request");
        self.burst = calls;
        self
    }
}

/// A circuit breaker: after so many failures in a row, whatever the keys, no call is made for a while. Then one call
/// tries, and its outcome closes the breaker or opens it again. To wait for it is no attempt.
///
/// A definitive reply, and also a terminal error, shows that the port works: the row ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Breaker {
    /// How many failures in a row open it.
    pub failures: u32,
    /// How long no call is made then; 10 s unless told.
    pub pause: Duration,
}

impl Breaker {
    /// Opens after so many failures in a row.
    ///
    /// # Panics
    /// When it is none; in a constant, the build fails then.
    #[must_use]
    pub const fn after(failures: u32) -> Self {
        assert!(failures > 0, "a breaker that opens by itself stays open");
        Breaker {
            failures,
            pause: Duration::from_secs(10),
        }
    }

    /// How long no call is made then.
    #[must_use]
    pub const fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }
}

impl fmt::Display for CallPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(timeout) = self.timeout {
            write!(f, "{timeout:?} a call, ")?;
        }
        let Pauses { first, longest, .. } = self.pauses;
        write!(f, "again after {first:?} to {longest:?} {}", self.retries)?;
        if let Some(calls) = self.at_once {
            write!(f, ", {calls} at once")?;
        }
        if let Some(rate) = self.rate {
            write!(f, ", {} in {:?}", rate.calls, rate.per)?;
        }
        if let Some(Breaker { failures, pause }) = self.breaker {
            write!(f, ", no call for {pause:?} after {failures} failures")?;
        }
        Ok(())
    }
}

impl fmt::Display for Retries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Retries::ForEver => f.write_str("for ever"),
            Retries::AtMost(calls) => write!(f, "for at most {calls} calls"),
            Retries::ForAtMost(time) => write!(f, "for at most {time:?}"),
        }
    }
}
