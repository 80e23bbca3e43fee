//! Reach: whether the brokers let a client in that has these settings, and if not, why.
//!
//! A client of librdkafka never gives up connecting, and whoever asks it something hears no more than that time is over. What
//! is wrong, it tells beside, in events that somebody has to poll for. So here is a client that does nothing else: it connects
//! and listens.
//!
//! | file | idea |
//! |---|---|
//! | `mod.rs` | one look |
//! | `silence.rs` | why there is no answer, and what to do about it |
//! | `patience.rs` | for how long they are waited for, and what the log says meanwhile |
//! | `arrival.rs` | a service that starts waits for its brokers, for a while |

mod arrival;
mod patience;
mod silence;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::client_log;
use crate::config::Config;
use crate::native::{self, Connected};

use silence::Silence;

pub(crate) use arrival::{Arrival, arrive};
pub(crate) use patience::Patience;
pub use silence::Unreached;

/// How long the first question waits before what was told beside is listened to; each one after it waits twice as long, since an
/// answer that comes later is lost.
const TURN: Duration = Duration::from_millis(100);
/// How long the brokers are given where a question to them has just failed, and only the reason is missing.
const REASON: Duration = Duration::from_secs(2);

/// Requests of the protocol, as librdkafka calls them.
pub(crate) const METADATA: &str = "Metadata";
pub(crate) const FETCH: &str = "Fetch";

/// A client that connects.
pub(crate) struct Reach<'a> {
    config: &'a Config,
    client: Connected<BaseConsumer<Heard>>,
}

impl<'a> Reach<'a> {
    /// # Errors
    /// When librdkafka refuses the settings.
    pub(crate) fn new(config: &'a Config) -> Result<Self, KafkaError> {
        let mut client = config.client();
        client
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "500")
            // That somebody hangs up is told at this level.
            .set_log_level(RDKafkaLogLevel::Info);
        Ok(Reach {
            config,
            client: config.connect(&client, Heard::default())?,
        })
    }

    /// One that can be asked afterwards what the brokers are able to.
    ///
    /// # Errors
    /// When librdkafka refuses the settings.
    pub(crate) fn curious(config: &'a Config) -> Result<Self, KafkaError> {
        let mut client = config.client();
        // What a broker says of its requests is told nowhere else.
        client
            .set("debug", "feature")
            .set_log_level(RDKafkaLogLevel::Debug);
        Ok(Reach {
            config,
            client: config.connect(&client, Heard::default())?,
        })
    }

    /// Takes all that was told beside. An event that is no message ends a poll as silence does.
    fn listen(&self) {
        let heard = self.client.context();
        loop {
            heard.noise.store(false, Ordering::Relaxed);
            let polled = self.client.poll(Duration::ZERO);
            if polled.is_none() && !heard.noise.load(Ordering::Relaxed) {
                return;
            }
        }
    }

    /// The newest version of a request that a broker knows, where it has told.
    pub(crate) fn newest(&self, request: &str) -> Option<i16> {
        self.listen();
        let versions = self.client.context().versions.lock();
        let told = versions.iter().find(|(name, _)| name == request);
        told.map(|(_, version)| *version)
    }

    /// The brokers of the cluster, as they are advertised. An answer is waited for as long as this, or until it is known that
    /// waiting mends nothing.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn look(&self, at_most: Duration) -> Result<Vec<String>, Unreached> {
        let mut until = Instant::now() + at_most;
        let mut nobody = "nobody has answered";
        let mut turn = TURN;
        loop {
            let asked = Instant::now();
            let left = until.saturating_duration_since(asked);
            let timeout = turn.min(left.max(TURN));
            let answer = native::addresses(self.client.client(), timeout);
            // While this process did not run, nobody was waited for.
            until += asked.elapsed().saturating_sub(timeout);
            match answer {
                Ok(brokers) if !brokers.is_empty() => return Ok(brokers),
                // As a cluster answers that is coming up.
                Ok(_) => {
                    nobody = "who answers knows of no broker yet";
                    std::thread::sleep(TURN);
                }
                Err(_) => turn *= 2,
            }
            self.listen();
            let lack = self
                .config
                .lacks_token()
                .map(|lack| Silence::without_token(&lack));
            let heard = lack.or_else(|| self.client.context().silence.lock().clone());
            let is_final = heard.as_ref().is_some_and(Silence::is_final);
            if is_final || Instant::now() >= until {
                let silence = heard.unwrap_or_else(|| Silence::nobody(nobody));
                return Err(Unreached::new(self.config, &silence));
            }
        }
    }
}

/// Why a question to the brokers has failed, if it is that they cannot be reached by these settings. It takes two seconds at
/// most.
#[must_use]
pub fn unreached(config: &Config) -> Option<Unreached> {
    Reach::new(config).ok()?.look(REASON).err()
}

/// Keeps what says most of why there is no connection.
#[derive(Default)]
struct Heard {
    silence: Mutex<Option<Silence>>,
    /// The newest versions of requests, by name.
    versions: Mutex<Vec<(String, i16)>>,
    /// Whether anything was told since this was lowered.
    noise: AtomicBool,
}

impl Heard {
    fn hear(&self, silence: Silence) {
        let mut heard = self.silence.lock();
        if heard
            .as_ref()
            .is_none_or(|known| silence.tells_more_than(known))
        {
            *heard = Some(silence);
        }
    }
}

impl ClientContext for Heard {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.noise.store(true, Ordering::Relaxed);
        client_log::unseen("the first client", level, facility, message);
        if let Some(silence) = Silence::of_line(message) {
            self.hear(silence);
        }
        self.versions.lock().extend(version(message));
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.noise.store(true, Ordering::Relaxed);
        let Some(code) = error.rdkafka_error_code() else {
            return;
        };
        // That all are down says nothing that is not said of each.
        if code == RDKafkaErrorCode::AllBrokersDown {
            return;
        }
        let silence = Silence::of(code, reason);
        self.hear(silence);
    }
}

impl ConsumerContext for Heard {}

/// What a line says of a request: "… ApiKey Fetch (1) Versions 4..17".
fn version(line: &str) -> Option<(String, i16)> {
    let (_, told) = line.split_once("ApiKey ")?;
    let (name, told) = told.split_once(" (")?;
    let newest = told.split_once("Versions ")?.1.split_once("..")?.1;
    Some((name.to_owned(), newest.trim().parse().ok()?))
}
