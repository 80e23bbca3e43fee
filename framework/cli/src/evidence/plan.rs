//! Which topics the choreography has, and what each is: read off the manifests.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::mpsc;
use std::thread;

use kolo_core::choreography::{AggregateManifest, Does, EventManifest, Manifest};
use kolo_core::{CorrelationId, EventId, TopicId};
use kolo_kafka::Config;
use kolo_kafka::topics::{TopicAdmin, Topics};
use serde::{Deserialize, Serialize};

use crate::cluster::{Cluster, Ends, ends_of};
use crate::failure::Failure;
use crate::near::suggestion;
use crate::schemas::Schemas;

use super::versions::Versions;

/// What a topic is to the sagas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Role {
    /// The events of this `<service>.<aggregate>`.
    Stream(String),
    /// Copies for this `<service>.<aggregate>`.
    Inbox(String),
    /// Events from outside.
    Intake,
}

/// One topic to read.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) id: TopicId,
    pub(crate) role: Role,
    pub(crate) partitions: Vec<i32>,
    /// The event of a record that does not say its type, where the topic has one type only.
    pub(crate) only: Option<String>,
    /// Of events from outside: where the saga of each type stands.
    pub(crate) sagas: BTreeMap<String, SagaIn>,
    /// With what the values of those are read that say their saga nowhere else.
    pub(crate) versions: Versions,
}

/// How the records of a topic are read. Read in another way, they may be of other sagas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reading {
    role: Role,
    only: Option<String>,
    sagas: BTreeMap<String, SagaIn>,
}

/// Where an event's saga stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SagaIn {
    /// Its field is the key's: the value need not be read.
    Key,
    /// In this field of the value.
    Field(String),
    /// It has none: each event is a saga of its own.
    Nowhere,
}

/// All topics to read, and how the saga of an event from outside is found.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) topics: Vec<Topic>,
    sagas: HashMap<String, SagaIn>,
    schemas: Option<Schemas>,
    /// Events from outside whose saga only their value tells, where no schema is at hand to read it.
    pub(crate) unreadable: Vec<String>,
}

/// An event from outside, which does not say its saga.
pub(crate) struct Foreign<'a> {
    pub(crate) event: Option<&'a str>,
    pub(crate) id: EventId,
    pub(crate) key: &'a str,
    pub(crate) value: Option<&'a [u8]>,
}

impl Plan {
    pub(crate) fn new(
        cluster: &Cluster<'_>,
        manifests: &[Manifest],
        schemas: Option<Schemas>,
    ) -> Result<Self, Failure> {
        let roles = roles(manifests);
        let described = describe(cluster.config, roles.keys().cloned().collect());
        let described = described.map_err(|problem| {
            Failure::run(format!(
                "the ids of the topics are not known, by which positions name them: {problem}"
            ))
        })?;
        let events = || manifests.iter().flat_map(|known| &known.events);
        // A saga that is hidden would be the same for all.
        let schemas = schemas.map(Schemas::revealed);
        let registered = cluster.config.registry.is_set();
        let versions = |event: &EventManifest| match (&schemas, saga_in(event)) {
            (Some(schemas), SagaIn::Field(_)) => {
                Versions::new(schemas.versions(&event.name), registered)
            }
            _ => Versions::default(),
        };
        let topics = cluster.topics.iter().filter_map(|topic| {
            let role = roles.get(&topic.name)?.clone();
            let types: BTreeSet<&str> = events()
                .filter(|event| event.topic == topic.name)
                .map(|event| event.name.as_str())
                .collect();
            let from_outside =
                || events().filter(|event| event.topic == topic.name && role == Role::Intake);
            let mut read_with = Versions::default();
            from_outside().for_each(|event| read_with.add(versions(event)));
            Some(Topic {
                name: topic.name.clone(),
                id: described.get(&topic.name)?.id,
                sagas: from_outside()
                    .map(|event| (event.name.clone(), saga_in(event)))
                    .collect(),
                versions: read_with,
                role,
                partitions: topic
                    .partitions
                    .iter()
                    .map(|partition| partition.number)
                    .collect(),
                only: (types.len() == 1)
                    .then(|| types.first().map(|&name| name.to_owned()))
                    .flatten(),
            })
        });
        let is_blind = |event: &&EventManifest| {
            matches!(saga_in(event), SagaIn::Field(_))
                && versions(event).is_empty()
                && roles.get(&event.topic) == Some(&Role::Intake)
        };
        let unreadable: BTreeSet<String> = events()
            .filter(is_blind)
            .map(|event| event.name.clone())
            .collect();
        Ok(Plan {
            topics: topics.collect(),
            unreadable: unreadable.into_iter().collect(),
            sagas: events()
                .map(|event| (event.name.clone(), saga_in(event)))
                .collect(),
            schemas,
        })
    }

    pub(crate) fn topic(&self, name: &str) -> Option<&Topic> {
        self.topics.iter().find(|topic| topic.name == name)
    }

    /// How far all topics reach now.
    pub(crate) fn ends(&self, cluster: &Cluster<'_>) -> Result<Ends, Failure> {
        let all = self.topics.iter();
        let all: Vec<(&str, &[i32])> = all
            .map(|topic| (topic.name.as_str(), topic.partitions.as_slice()))
            .collect();
        ends_of(&cluster.reader, &all)
    }

    /// The saga of an event from outside, as an aggregate derives it when it takes the event in. A record that does not say
    /// its type, or one that nobody knows, is looked for by its key: it may be what a saga cannot go on for. None where only its
    /// value tells, and cannot be read.
    pub(crate) fn saga_of(&self, foreign: &Foreign<'_>) -> Option<CorrelationId> {
        let known = foreign.event.and_then(|event| self.sagas.get(event));
        match known.unwrap_or(&SagaIn::Key) {
            SagaIn::Key => Some(CorrelationId::of_saga(foreign.key)),
            SagaIn::Nowhere => Some(CorrelationId::of_event(foreign.id)),
            SagaIn::Field(field) => {
                let schemas = self.schemas.as_ref()?;
                let (_, json) = schemas.decode(foreign.event, foreign.value?).ok()?;
                json.get(field)?.as_str().map(CorrelationId::of_saga)
            }
        }
    }
}

impl Topic {
    pub(crate) fn reading(&self) -> Reading {
        Reading {
            role: self.role.clone(),
            only: self.only.clone(),
            sagas: self.sagas.clone(),
        }
    }

    #[cfg(test)]
    pub(crate) fn intake(name: &str) -> Self {
        Topic {
            name: name.to_owned(),
            id: TopicId(EventId::foreign(name).0),
            role: Role::Intake,
            partitions: vec![0],
            only: None,
            sagas: BTreeMap::new(),
            versions: Versions::default(),
        }
    }

    /// The type of a record whose header says this.
    pub(crate) fn event<'a>(&'a self, told: Option<&'a str>) -> Option<&'a str> {
        told.or(self.only.as_deref())
    }
}

/// Asks for the topics of these names. A client that may ask waits a tenth of a second when it is dropped; its thread does, and
/// nobody waits for that.
fn describe(config: &Config, names: Vec<String>) -> Result<Topics, String> {
    let (answer, answered) = mpsc::channel();
    let config = config.clone();
    thread::spawn(move || {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let admin = TopicAdmin::new(&config).map_err(|error| error.to_string());
        let described = admin.as_ref().map_err(String::clone).and_then(|admin| {
            let described = admin.describe(&names);
            described.map_err(|error| error.to_string())
        });
        // Whoever asked waits for it.
        let _ = answer.send(described);
    });
    let answered = answered.recv().map_err(|error| error.to_string());
    answered.flatten()
}

fn saga_in(event: &EventManifest) -> SagaIn {
    match &event.saga_field {
        Some(field) if *field == event.key_field => SagaIn::Key,
        Some(field) => SagaIn::Field(field.clone()),
        None => SagaIn::Nowhere,
    }
}

fn roles(manifests: &[Manifest]) -> BTreeMap<String, Role> {
    let mut roles: BTreeMap<String, Role> = BTreeMap::new();
    for event in manifests.iter().flat_map(|known| &known.events) {
        roles.insert(event.topic.clone(), Role::Intake);
    }
    for (service, known) in aggregates(manifests) {
        let owner = format!("{service}.{}", known.name);
        if known.reactions.iter().any(|reaction| reaction.routed) {
            roles.insert(known.inbox.clone(), Role::Inbox(owner.clone()));
        }
        roles.insert(known.stream.clone(), Role::Stream(owner));
    }
    roles
}

/// Each aggregate with its service.
pub(crate) fn aggregates(
    manifests: &[Manifest],
) -> impl Iterator<Item = (&str, &AggregateManifest)> {
    manifests.iter().flat_map(|known| {
        let all = known.aggregates.iter();
        all.map(|aggregate| (known.service.as_str(), aggregate))
    })
}

/// The topics that an aggregate's router reads.
pub(crate) fn sources<'m>(service: &'m Manifest, known: &AggregateManifest) -> BTreeSet<&'m str> {
    let routed = known.reactions.iter().filter(|reaction| reaction.routed);
    let events = routed.filter_map(|reaction| service.event(&reaction.event));
    events.map(|event| &*event.topic).collect()
}

/// Fails unless this is a service, or an aggregate as `<service>.<aggregate>`, that has published a manifest.
pub(crate) fn expect_owner(whom: &str, manifests: &[Manifest]) -> Result<(), Failure> {
    let names = |(service, known): (&str, &AggregateManifest)| {
        [service.to_owned(), format!("{service}.{}", known.name)]
    };
    let mut all: Vec<String> = aggregates(manifests).flat_map(names).collect();
    all.sort();
    all.dedup();
    if all.iter().any(|known| known == whom) {
        return Ok(());
    }
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    Err(Failure::input(format!(
        "no service and no aggregate `{whom}` has published a manifest.{}",
        suggestion(whom, "services and aggregates", &all)
    )))
}

/// Whether what an aggregate does about an event begins with a router.
pub(crate) fn is_routed(does: Does<'_>) -> bool {
    matches!(does, Does::React { routed: true })
}
