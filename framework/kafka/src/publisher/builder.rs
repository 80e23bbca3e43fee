//! What is looked at before the first event: the topics are there, and the registry knows the schemas.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kolo_core::{Event, EventType, Mark};
use kolo_registry::{Registry, Schema, Writer};

use crate::config::Config;
use crate::framing::schema_of;
use crate::reach::{Patience, Unreached, unreached};
use crate::topics::{TopicAdmin, TopicError, Topics};

use super::producer::Producers;
use super::{Inside, PublishError, Publisher};

/// How long an event may stay without acknowledgement where nobody says it.
const WITHIN: Duration = Duration::from_secs(30);

/// How long it pauses after brokers have not told of the topics.
const PAUSE: Duration = Duration::from_millis(500);

/// A [`Publisher`] that is not connected yet.
#[derive(Debug, Clone)]
#[must_use = "it publishes nothing before it is connected"]
pub struct PublisherBuilder {
    source: String,
    events: Vec<&'static EventType>,
    within: Duration,
}

impl PublisherBuilder {
    pub(super) fn new(source: String) -> Self {
        PublisherBuilder {
            source,
            events: Vec::new(),
            within: WITHIN,
        }
    }

    /// It is going to publish events of this type.
    pub fn event<E: Event>(mut self) -> Self {
        self.events.push(E::TYPE);
        self
    }

    pub(crate) fn events(mut self, events: &[&'static EventType]) -> Self {
        self.events.extend(events);
        self
    }

    /// How long an event may stay without acknowledgement before it is given up; 30 seconds where it is not said.
    pub fn acknowledged_within(mut self, within: Duration) -> Self {
        self.within = within;
        self
    }

    /// Connects, and makes sure that what is going to be published can be: a mistake is told here, and not to the first
    /// client.
    ///
    /// # Errors
    /// When an event is not one from outside, its topic is not there, the brokers do not let it in, or the schema registry does
    /// not have or does not take a schema; and when no broker has answered for [`Config::start_timeout_ms`]. A registry is
    /// waited for as long as it does not answer. The log says what is waited for.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn connect(self, config: &Config) -> Result<Publisher, PublishError> {
        if let Some(event) = self.events.iter().find(|event| event.mark != Mark::Intake) {
            return Err(PublishError::NotIntake {
                event: event.name,
                topic: event.topic,
            });
        }
        let (config, events) = (config.clone(), self.events.clone());
        let given_up = GivenUp::default();
        let stopping = Arc::clone(&given_up.0);
        let (config, writer) = tokio::task::spawn_blocking(move || {
            topics_are_there(&config, &events, &stopping)?;
            let writer = writer(&config, &events, &stopping)?;
            Ok::<_, PublishError>((config, writer))
        })
        .await
        .map_err(|_| PublishError::Closed)??;
        let producers = Producers::new(config, self.within)?;
        Ok(Publisher(Arc::new(Inside {
            source: self.source,
            events: self.events,
            within: self.within,
            writer,
            producers,
        })))
    }
}

/// Set once nobody waits for a connection any more.
#[derive(Default)]
struct GivenUp(Arc<AtomicBool>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A producer would have them created with whatever partition count the broker likes.
fn topics_are_there(
    config: &Config,
    events: &[&'static EventType],
    stopping: &AtomicBool,
) -> Result<(), PublishError> {
    let mut names: Vec<&'static str> = events.iter().map(|event| event.topic).collect();
    names.sort_unstable();
    names.dedup();
    let topics = describe(config, &names, stopping)?;
    match names.iter().find(|&&name| !topics.contains_key(name)) {
        None => Ok(()),
        Some(topic) => Err(PublishError::NoTopic {
            topic,
            bootstrap: config.bootstrap.clone(),
        }),
    }
}

/// What the brokers say of the topics, as soon as they say anything.
fn describe(
    config: &Config,
    names: &[&str],
    stopping: &AtomicBool,
) -> Result<Topics, PublishError> {
    let mut patience = Patience::of("a publisher", config);
    loop {
        // A client that failed may have lost its brokers for good.
        let error = match TopicAdmin::new(config)?.describe(names) {
            Ok(topics) => {
                patience.ends();
                return Ok(topics);
            }
            Err(error @ TopicError::Unreachable { .. }) => error,
            Err(error) => return Err(error.into()),
        };
        if stopping.load(Ordering::Relaxed) {
            return Err(error.into());
        }
        let why = unreached(config);
        if patience.is_over() || why.as_ref().is_some_and(Unreached::is_final) {
            return Err(why.map_or_else(|| error.into(), PublishError::Brokers));
        }
        patience.says(&why.map_or_else(|| error.to_string(), |why| why.to_string()));
        std::thread::sleep(PAUSE);
    }
}

/// What values are written with where there is a schema registry.
fn writer(
    config: &Config,
    events: &[&'static EventType],
    stopping: &AtomicBool,
) -> Result<Option<Writer>, PublishError> {
    if !config.registry.is_set() {
        return Ok(None);
    }
    let registry = Registry::open(&config.registry)?;
    let named = events.iter().filter(|event| !event.schema.is_empty());
    let schemas: Vec<Schema<'_>> = named.map(|event| schema_of(event)).collect();
    let writer = registry.writer_in_the_end(&schemas, || stopping.load(Ordering::Relaxed))?;
    writer.map(Some).ok_or(PublishError::Closed)
}
