//! How long brokers are waited for where something starts, and what the log says meanwhile.

use std::fmt::Display;
use std::time::{Duration, Instant};

use crate::config::Config;

/// How often the log says again what is waited for.
const AGAIN: Duration = Duration::from_secs(10);

/// A wait that ends after [`Config::start_timeout_ms`].
pub(crate) struct Patience<'a> {
    who: &'a str,
    bootstrap: &'a str,
    until: Instant,
    /// When the log has said it last.
    said: Option<Instant>,
}

impl<'a> Patience<'a> {
    /// It begins now. Messages call whoever waits `who`.
    pub(crate) fn of(who: &'a str, config: &'a Config) -> Self {
        Patience {
            who,
            bootstrap: &config.bootstrap,
            until: Instant::now() + Duration::from_millis(config.start_timeout_ms),
            said: None,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Tells the log, now and then, what is waited for.
    pub(crate) fn says(&mut self, what: &impl Display) {
        let now = Instant::now();
        if self.said.is_none_or(|said| now - said >= AGAIN) {
            self.said = Some(now);
            tracing::warn!(
                "{} waits for its brokers, for {:.0?} more: {what}",
                self.who,
                self.until.saturating_duration_since(now)
            );
        }
    }

    /// Tells the log that they are there, if it has said that they were not.
    pub(crate) fn ends(&mut self) {
        if self.said.take().is_some() {
            let (who, bootstrap) = (self.who, self.bootstrap);
            tracing::info!("{who} waits for the brokers at {bootstrap} no longer");
        }
    }
}
