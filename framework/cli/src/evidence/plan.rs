//! Which topics the choreography has, and what each is: read off the manifests.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kolo_core::choreography::{AggregateManifest, Does, EventManifest, Manifest};
use kolo_core::{CorrelationId, EventId, TopicId};
use kolo_kafka::topics::TopicAdmin;
use serde::{Deserialize, Serialize};

use crate::cluster::{Cluster, Ends, ends_of};
use crate::failure::Failure;
use crate::near::suggestion;
use crate::schemas::Schemas;

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
    pub(crate) sagas: BTreeMap<String, SagaAt>,
}

/// How the records of a topic are read. Read in another way, they may be of other sagas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reading {
    role: Role,
    only: Option<String>,
    sagas: BTreeMap<String, SagaAt>,
}

/// Where the saga of an event from outside stands, and whether it could be read there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SagaAt {
    saga: SagaIn,
    is_read: bool,
}

impl Reading {
    /// Whether what was read in this way shows all that the other way would.
    pub(crate) fn serves(&self, other: &Reading) -> bool {
        let serves = |(one, its): (&String, &SagaAt)| {
            let wanted = other.sagas.get(one);
            wanted.is_some_and(|other| its.saga == other.saga && its.is_read >= other.is_read)
        };
        self.role == other.role
            && self.only == other.only
            && self.sagas.len() == other.sagas.len()
            && self.sagas.iter().all(serves)
    }
}

/// Where an event's saga stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum SagaIn {
    /// Its field is the key's: the value need not be read.
    Key,
    Field,
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
        let names: Vec<&str> = roles.keys().map(String::as_str).collect();
        let admin = TopicAdmin::new(cluster.config).map_err(|error| error.to_string());
        let described =
            admin.and_then(|admin| admin.describe(&names).map_err(|error| error.to_string()));
        let described = described.map_err(|problem| {
            Failure::run(format!(
                "the ids of the topics are not known, by which positions name them: {problem}"
            ))
        })?;
        let events = || manifests.iter().flat_map(|known| &known.events);
        let is_read = |event: &EventManifest| schemas.is_some() || saga_in(event) != SagaIn::Field;
        let topics = cluster.topics.iter().filter_map(|topic| {
            let role = roles.get(&topic.name)?.clone();
            let types: BTreeSet<&str> = events()
                .filter(|event| event.topic == topic.name)
                .map(|event| event.name.as_str())
                .collect();
            Some(Topic {
                name: topic.name.clone(),
                id: described.get(&topic.name)?.id,
                sagas: match role {
                    Role::Intake => events()
                        .filter(|event| event.topic == topic.name)
                        .map(|event| (event.name.clone(), saga_at(event, is_read(event))))
                        .collect(),
                    Role::Stream(_) | Role::Inbox(_) => BTreeMap::new(),
                },
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
            !is_read(event) && roles.get(&event.topic) == Some(&Role::Intake)
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
    /// its type, or one that nobody knows, is looked for by its key: it may be what a saga cannot go on for.
    pub(crate) fn saga_of(&self, foreign: &Foreign<'_>) -> Option<CorrelationId> {
        let known = foreign.event.and_then(|event| self.sagas.get(event));
        match known.copied().unwrap_or(SagaIn::Key) {
            SagaIn::Key => Some(CorrelationId::of_saga(foreign.key)),
            SagaIn::Nowhere => Some(CorrelationId::of_event(foreign.id)),
            SagaIn::Field => {
                let schemas = self.schemas.as_ref()?;
                let (event, json) = schemas.decode(foreign.event, foreign.value?).ok()?;
                schemas.saga(&event, &json).map(CorrelationId::of_saga)
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
        }
    }

    /// The type of a record whose header says this.
    pub(crate) fn event<'a>(&'a self, told: Option<&'a str>) -> Option<&'a str> {
        told.or(self.only.as_deref())
    }
}

fn saga_at(event: &EventManifest, is_read: bool) -> SagaAt {
    SagaAt {
        saga: saga_in(event),
        is_read,
    }
}

fn saga_in(event: &EventManifest) -> SagaIn {
    match &event.saga_field {
        Some(field) if *field == event.key_field => SagaIn::Key,
        Some(_) => SagaIn::Field,
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
