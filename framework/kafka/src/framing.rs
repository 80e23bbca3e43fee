//! Framing: what a schema registry has to do with records.
//!
//! With a registry, own events are written with the id of their schema in the place of its fingerprint. What is read is
//! decoded as it is; only an id that nobody has asked for yet makes whoever reads wait, until the registry says what it
//! means. So an outage holds back records of schemas that are new to this process, and a process that starts.

use std::sync::Arc;

use kolo_core::{Description, EventType, Service};
use kolo_registry::{Registry, RegistryError, Schema, SettingsError, Writer};
use parking_lot::Mutex;

use crate::config::Config;
use crate::wake::Waker;
use crate::worker::{Signals, Spec};

/// The registry of a service that runs.
pub(crate) struct Framing {
    registry: Registry,
    service: Arc<Service>,
    writer: Mutex<Option<Arc<Writer>>>,
}

/// What a record waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unknown {
    /// The id in its frame.
    pub(crate) id: u32,
}

impl Framing {
    /// Everything that is decoded in this process asks this registry from now on.
    pub(crate) fn new(registry: Registry, service: &Arc<Service>) -> Framing {
        registry.resolve_all();
        Framing {
            registry,
            service: Arc::clone(service),
            writer: Mutex::default(),
        }
    }

    /// What own events are written with: waits until the registry has said it. `None` if the process stops meanwhile.
    pub(crate) fn writer(&self, signals: &Signals) -> Result<Option<Arc<Writer>>, RegistryError> {
        let mut known = self.writer.lock();
        if known.is_none() && !signals.stopping() {
            let aggregates = self.service.aggregates().iter();
            let own = aggregates.flat_map(|known| known.description().own_events);
            let schemas: Vec<Schema<'_>> = own
                .filter(|event| !event.schema.is_empty())
                .map(|event| schema_of(event))
                .collect();
            let writer = self
                .registry
                .writer_in_the_end(&schemas, || signals.stopping())?;
            if writer.is_some() {
                self.learn_of_others();
            }
            *known = writer.map(Arc::new);
        }
        Ok(known.clone())
    }

    /// What this service may be told by others, it learns before it begins.
    fn learn_of_others(&self) {
        let aggregates = self.service.aggregates().iter();
        let decoded = aggregates.flat_map(|known| decoded(&known.description()));
        let named = decoded.filter(|event| !event.schema.is_empty());
        self.registry
            .learn_versions(named.map(|event| (event.topic, event.name)));
    }

    /// Whether a value can be decoded only after the registry has said what its id means.
    #[inline]
    pub(crate) fn unknown(&self, value: Option<&[u8]>) -> Option<Unknown> {
        let id = self.registry.must_ask(value?)?;
        Some(Unknown { id })
    }

    /// Whether a record must wait for that: it need not if its type says that this aggregate does not decode it.
    pub(crate) fn holds_back(
        &self,
        unknown: Unknown,
        event_type: Option<&str>,
        spec: &Spec,
    ) -> bool {
        let decoded = decoded(&spec.description);
        let holds_back =
            event_type.is_none_or(|name| decoded.iter().any(|event| event.name == name));
        if !holds_back {
            // The next one of its kind is known, then.
            self.registry.ask_beside(unknown.id);
        }
        holds_back
    }

    /// Has the registry asked, and `waker` woken when it has answered.
    pub(crate) fn ask(&self, unknown: Unknown, waker: &Waker) {
        let waker = waker.clone();
        self.registry
            .ask(unknown.id, Arc::new(move || waker.wake()));
    }

    /// The registry's address.
    pub(crate) fn shown(&self) -> &str {
        self.registry.shown()
    }
}

/// All events that an aggregate decodes: those of its stream, and those that it is told.
fn decoded(description: &Description) -> Vec<&'static EventType> {
    let mut events = description.own_events.to_vec();
    events.extend(description.reactions.iter().map(|one| one.event));
    events.extend(description.compensations.iter().map(|one| one.event));
    events
}

/// An event's schema, as it is registered.
#[must_use]
pub fn schema_of(event: &EventType) -> Schema<'static> {
    Schema {
        event: event.name,
        topic: event.topic,
        text: event.schema,
    }
}

/// For a process that reads, and is no service: whatever it decodes asks the registry for ids that are new to it, if there
/// is a registry.
///
/// # Errors
/// When its settings cannot be used.
pub fn registry_for_tools(config: &Config) -> Result<Option<Registry>, SettingsError> {
    if !config.registry.is_set() {
        return Ok(None);
    }
    let registry = Registry::open(&config.registry)?;
    registry.resolve_all();
    Ok(Some(registry))
}
