//! Watch: what nobody reports. A topic that is another one under the same name; one that may not be read any more, and was
//! not read yet; and brokers that are there, while a client has lost them for good.
//!
//! librdkafka (2.10 and later) forgets its last broker when it is told of topics and of no broker, and may never connect
//! again: a one-node Kafka answers so while its own controller has fenced it, and a cluster that is coming up. Such a client
//! says once that its brokers are down. No call fails, and nothing comes any more. Nor does it say of a topic that it reads by
//! assignment that the brokers do not tell it of that topic: it asks again, for ever.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rdkafka::error::KafkaError;

use crate::config::Config;
use crate::topics::{TopicAdmin, TopicError, Topics};
use crate::worker::{End, Signals};

/// How long an answer may take at least: longer if looks are further apart.
const LOOK: Duration = Duration::from_secs(1);

/// How long the brokers may go unreached before a service counts as cut off.
pub(crate) fn patience(config: &Config) -> Duration {
    config.check_interval().max(LOOK) * SILENCES
}

/// How often in a row a client may be found without a broker, while the brokers answer others. One that lives connects
/// when it is looked at, if not before.
const SILENCES: u32 = 3;

/// Looks at the topics every so often, until the process stops, and tells the sessions what it sees.
pub(crate) fn watch(service: &str, config: &Config, mut known: Topics, signals: &Signals) {
    let names: Vec<String> = known.keys().cloned().collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let interval = config.check_interval();
    let new = || {
        let admin = TopicAdmin::new(config)?.of_service(service);
        Ok::<_, KafkaError>(admin.at_most(interval.max(LOOK)))
    };
    let mut admin = None;
    while sleep(interval, signals) {
        // A client that failed may be one that has lost its brokers for good: the next look has a new one.
        let Ok(asked) = admin.take().map_or_else(new, Ok) else {
            continue;
        };
        let told = match asked.describe(&names) {
            Ok(topics) => topics,
            Err(TopicError::Denied(_)) => {
                signals.refusals.fetch_add(1, Ordering::Relaxed);
                Topics::new()
            }
            // A broker that does not answer is no news about topics, and none about the other clients.
            Err(_) => continue,
        };
        admin = Some(asked);
        signals.brokers_seen.fetch_add(1, Ordering::Relaxed);
        *signals.brokers_seen_at.lock() = Some(Instant::now());
        for (name, topic) in told {
            let before = known.insert(name.clone(), topic);
            if let Some(before) = before
                && before.id != topic.id
            {
                tracing::warn!(
                    "the topic `{name}` was deleted and created again: it is read from its beginning, as another origin"
                );
                signals.topics_version.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Whether the process still runs after this time.
fn sleep(mut left: Duration, signals: &Signals) -> bool {
    while !left.is_zero() && !signals.stopping() {
        let nap = left.min(Duration::from_millis(500));
        std::thread::park_timeout(nap);
        left -= nap;
    }
    !signals.stopping()
}

/// How often in a row each client of a session was found without a broker.
pub(crate) struct Silences<const CLIENTS: usize> {
    brokers_seen: u64,
    counts: [u32; CLIENTS],
}

impl<const CLIENTS: usize> Silences<CLIENTS> {
    pub(crate) fn new(signals: &Signals) -> Self {
        Silences {
            brokers_seen: signals.brokers_seen.load(Ordering::Relaxed),
            counts: [0; CLIENTS],
        }
    }

    /// Has the session begin anew if one of its clients is silent for good. `clients` says which of them have a broker. It
    /// is asked each time that the watch has seen the brokers, and never in an outage: they would all be silent then, and
    /// might be told of no broker by the very question.
    pub(crate) fn look(
        &mut self,
        signals: &Signals,
        clients: impl FnOnce() -> [(&'static str, bool); CLIENTS],
    ) -> Result<(), End> {
        let seen = signals.brokers_seen.load(Ordering::Relaxed);
        if seen == self.brokers_seen {
            return Ok(());
        }
        self.brokers_seen = seen;
        for (count, (client, has_broker)) in self.counts.iter_mut().zip(clients()) {
            *count = if has_broker { 0 } else { *count + 1 };
            if *count == SILENCES {
                return Err(End::Restart(format!(
                    "its {client} was without a broker at {SILENCES} looks in a row, while the brokers answered others; it may have forgotten them"
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_silences_in_a_row_of_one_client_while_the_brokers_are_seen() {
        let signals = Signals::default();
        let mut silences = Silences::new(&signals);
        let mut look = |seen: bool, member: bool, data: bool| {
            signals
                .brokers_seen
                .fetch_add(u64::from(seen), Ordering::Relaxed);
            silences.look(&signals, || {
                [("membership", member), ("data consumer", data)]
            })
        };
        for _ in 0..10 {
            assert!(look(true, true, true).is_ok());
            assert!(look(true, true, false).is_ok());
            assert!(look(true, true, false).is_ok(), "two are not three");
            assert!(look(true, false, true).is_ok(), "not of one client");
        }
        assert!(look(true, true, false).is_ok());
        for _ in 0..10 {
            assert!(look(false, false, false).is_ok(), "not in an outage");
        }
        assert!(look(true, true, false).is_ok());
        let Err(End::Restart(reason)) = look(true, true, false) else {
            panic!("the data consumer is silent for good");
        };
        assert!(reason.contains("data consumer"), "{reason}");
    }
}
