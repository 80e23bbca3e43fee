//! librdkafka's own log lines, in ours: what an operator must know is a warning, and its repeats are for debugging.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// How long after a warning the next one of its kind is for debugging only. Every client of the process tells of an
/// outage, and tells so again.
const QUIET: Duration = Duration::from_secs(60);

/// The kind of what clients say when they have lost all brokers.
const ALL_DOWN: &str = "ALLDOWN";

static WARNINGS: Mutex<Warnings> = Mutex::new(Warnings(BTreeMap::new()));

/// A line of a client; `client` says what it is to us.
pub(crate) fn line(client: &str, level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            tracing::error!(facility, "{client}: {message}");
        }
        // An error event that nobody took as one.
        RDKafkaLogLevel::Error if facility == "ERROR" => {
            if message.ends_with("brokers are down") {
                warn(ALL_DOWN, client, message);
            } else {
                tracing::debug!(facility, "{client}: {message}");
            }
        }
        RDKafkaLogLevel::Error => warn(facility, client, message),
        RDKafkaLogLevel::Warning => tracing::debug!(facility, "{client}: {message}"),
        _ => tracing::trace!(facility, "{client}: {message}"),
    }
}

/// A line of a client whose events say all that an operator must know.
pub(crate) fn unseen(client: &str, level: RDKafkaLogLevel, facility: &str, message: &str) {
    tracing::debug!(facility, ?level, "{client}: {message}");
}

/// An error event of a client.
pub(crate) fn error(client: &str, error: &KafkaError, reason: &str) {
    if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
        warn(ALL_DOWN, client, reason);
    } else {
        // What led to it has a line of its own.
        tracing::debug!("{client}: {error}: {reason}");
    }
}

fn warn(kind: &str, client: &str, message: &str) {
    match WARNINGS.lock().take(kind, Instant::now()) {
        Some(0) => tracing::warn!(facility = kind, "{client}: {message}"),
        Some(repeats) => tracing::warn!(
            facility = kind,
            "{client}: {message} (since the last such warning, {repeats} more were logged for debugging)"
        ),
        None => tracing::debug!(facility = kind, "{client}: {message}"),
    }
}

/// By kind, when the last warning was, and how many repeats were none.
struct Warnings(BTreeMap<String, (Instant, u64)>);

impl Warnings {
    /// If a line of this kind is a warning now: how many were none since the last.
    fn take(&mut self, kind: &str, now: Instant) -> Option<u64> {
        let Some((at, repeats)) = self.0.get_mut(kind) else {
            self.0.insert(kind.to_owned(), (now, 0));
            return Some(0);
        };
        if now.saturating_duration_since(*at) < QUIET {
            *repeats += 1;
            return None;
        }
        *at = now;
        Some(std::mem::take(repeats))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_warning_of_a_kind_a_minute() {
        let mut warnings = Warnings(BTreeMap::new());
        let at = Instant::now();
        assert_eq!(warnings.take("FAIL", at), Some(0));
        assert_eq!(warnings.take(ALL_DOWN, at), Some(0));
        assert_eq!(warnings.take("FAIL", at), None);
        assert_eq!(warnings.take("FAIL", at + QUIET / 2), None);
        assert_eq!(warnings.take("FAIL", at + QUIET), Some(2));
        assert_eq!(warnings.take("FAIL", at + QUIET), None);
        assert_eq!(warnings.take(ALL_DOWN, at + QUIET), Some(0));
    }
}
