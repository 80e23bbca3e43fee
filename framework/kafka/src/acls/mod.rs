//! ACLs: what a service must be allowed to do on the brokers, and no more, as its declaration says.
//!
//! A service reads and writes what is its own, and reads what others publish. Nobody but its own router, and the operator's
//! commands, writes to an inbox. There are no transactions, so there are no transactional ids.
//!
//! | file | idea |
//! |---|---|
//! | `mod.rs` | what is needed |
//! | `lacking.rs` | what of it the brokers do not allow |

mod lacking;

use std::collections::BTreeSet;

use kolo_core::{Description, Service, effect_note};

use crate::beside::Needs;
use crate::config::Config;
use crate::manifests;
use crate::router::group_of_router;
use crate::topics::{Role, roles};

pub use lacking::Denied;
pub(crate) use lacking::{Allowed, Lacking, lacking};

/// The group of who reads for an operator: needed by librdkafka to assign partitions; none is joined and no offset committed.
pub(crate) const TOOL: &str = "kolo-tools";
/// The same of the command `kolo`.
pub const CLI: &str = "kolo-cli";
const TOOLS: [&str; 2] = [TOOL, CLI];

/// What is allowed on one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acl {
    pub(crate) resource: Resource,
    /// Meant literally.
    pub(crate) name: String,
    pub(crate) operations: BTreeSet<Operation>,
    /// What for, in words.
    pub(crate) why: Vec<String>,
    /// The service runs without, and says what it cannot tell then.
    pub(crate) is_optional: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resource {
    Topic,
    Group,
}

impl Resource {
    /// As Kafka's tools call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::Group => "group",
        }
    }
}

/// By the name that Kafka's tools have for it. To read or to write includes to describe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    Read,
    Write,
    Create,
    Describe,
    DescribeConfigs,
}

use Operation::{Create, Describe, DescribeConfigs, Read, Write};
use Resource::{Group, Topic};

#[derive(Default)]
struct Acls(Vec<Acl>);

impl Acls {
    fn allow(&mut self, resource: Resource, name: &str, operations: &[Operation], why: String) {
        let same = |acl: &&mut Acl| acl.resource == resource && acl.name == name;
        if let Some(acl) = self.0.iter_mut().find(same) {
            acl.operations.extend(operations);
            if !acl.why.contains(&why) {
                acl.why.push(why);
            }
            return;
        }
        self.0.push(Acl {
            resource,
            name: name.to_owned(),
            operations: operations.iter().copied().collect(),
            why: vec![why],
            is_optional: false,
        });
    }

    /// A topic beside the sagas, that the service tells something in.
    fn tell(&mut self, config: &Config, topic: &str, why: &str) {
        self.allow(Topic, topic, &[Write], why.to_owned());
        if let Some(acl) = self.0.iter_mut().find(|acl| acl.name == topic) {
            acl.operations
                .extend(config.create_topics.then_some(Create));
            acl.is_optional = true;
        }
    }

    fn parts(&mut self, parts: &[Part], service: &Service, known: &Description, config: &Config) {
        let aggregate = format!("{}.{}", service.name(), known.aggregate);
        for (topic, role) in roles(service, known) {
            let operations = parts.iter().flat_map(|part| part.operations(role));
            let mut operations: Vec<Operation> = operations.copied().collect();
            if operations.is_empty() {
                continue;
            }
            operations.extend(config.create_topics.then_some(Create));
            let why = match role {
                Role::Stream => format!("the stream of {aggregate}"),
                Role::Input => format!("an input of {aggregate}"),
                Role::Inbox => format!("the inbox of {aggregate}"),
                Role::RouteSource => format!("routed to {aggregate}"),
            };
            self.allow(Topic, &topic, &operations, why);
        }
        for part in parts {
            let (group, who) = match part {
                Part::Workers => (aggregate.clone(), "the workers"),
                Part::Router => (group_of_router(&aggregate), "the router"),
            };
            self.allow(Group, &group, &[Read], format!("{who} of {aggregate}"));
        }
    }
}

/// Who of an aggregate uses its topics, as a group of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Workers,
    /// Only where something is routed to the aggregate.
    Router,
}

impl Part {
    /// Those that an aggregate has.
    fn all_of(known: &Description) -> &'static [Part] {
        if known.routed_topics().is_empty() {
            &[Part::Workers]
        } else {
            &[Part::Workers, Part::Router]
        }
    }

    /// What it does with a topic of the aggregate.
    fn operations(self, role: Role) -> &'static [Operation] {
        match (self, role) {
            (Part::Workers, Role::Stream) => &[Read, Write, DescribeConfigs],
            (Part::Workers, Role::Input | Role::Inbox) | (Part::Router, Role::RouteSource) => {
                &[Read]
            }
            (Part::Router, Role::Inbox) => &[Write],
            (Part::Workers, Role::RouteSource) | (Part::Router, Role::Stream | Role::Input) => &[],
        }
    }

    /// Whether it has to know of a topic of the aggregate. Workers know those of which a router copies, by their ids.
    pub(crate) fn knows(self, role: Role) -> bool {
        self == Part::Workers || !self.operations(role).is_empty()
    }
}

/// What one part of an aggregate does. To create what is missing is among it unless the configuration says that it must not.
pub(crate) fn of_part(
    part: Part,
    service: &Service,
    known: &Description,
    config: &Config,
) -> Vec<Acl> {
    let mut acls = Acls::default();
    acls.parts(&[part], service, known, config);
    acls.0
}

/// What a service that runs does, and what runs beside it.
pub(crate) fn of_service(service: &Service, needs: &Needs, config: &Config) -> Vec<Acl> {
    let mut acls = Acls::default();
    for participant in service.aggregates() {
        let known = participant.description();
        acls.parts(Part::all_of(&known), service, &known, config);
        if !known.effects.is_empty() {
            acls.tell(config, effect_note::TOPIC, "notes of effects that fail");
        }
    }
    for event in &needs.publishes {
        let same = needs.publishes.iter().filter(|of| of.topic == event.topic);
        let names: Vec<&str> = same.map(|event| event.short_name()).collect();
        let why = format!("publishes {} beside the service", names.join(", "));
        acls.allow(Topic, event.topic, &[Write], why);
    }
    for stream in &needs.projects {
        let why = "is projected beside the service".to_owned();
        acls.allow(Topic, stream, &[Read], why);
    }
    acls.tell(config, manifests::TOPIC, "tells its declaration");
    acls.0
}

/// What its commands for operators do (`topics` of those that are there, `parked`, `replay`, `state`), and those of `kolo` about
/// it.
pub(crate) fn of_operator(service: &Service) -> Vec<Acl> {
    let mut acls = Acls::default();
    for participant in service.aggregates() {
        let known = participant.description();
        let aggregate = format!("{}.{}", service.name(), known.aggregate);
        let roles = roles(service, &known);
        let is_routed = roles.iter().any(|(_, role)| *role == Role::RouteSource);
        for (topic, role) in roles {
            let (operations, why) = match role {
                Role::Stream => (&[Read, DescribeConfigs][..], "parked, replay, state"),
                Role::Inbox => (&[Read, Write][..], "parked redrive and drop, replay"),
                Role::Input | Role::RouteSource => (&[Read][..], "parked redrive, replay"),
            };
            acls.allow(Topic, &topic, operations, format!("{why} of {aggregate}"));
        }
        let router = is_routed.then(|| group_of_router(&aggregate));
        for group in [Some(aggregate.clone()), router].into_iter().flatten() {
            let why = format!("lag, explain: how far {aggregate} is, and who works on it");
            acls.allow(Group, &group, &[Describe], why);
        }
    }
    for (topic, why) in [
        (
            manifests::TOPIC,
            "explain, check, graph: what services declare",
        ),
        (effect_note::TOPIC, "explain: effects whose calls fail"),
    ] {
        acls.allow(Topic, topic, &[Read], why.to_owned());
    }
    for group in TOOLS {
        let why = "nothing is joined or committed".to_owned();
        acls.allow(Group, group, &[Describe], why);
    }
    acls.0
}

#[cfg(test)]
mod tests {
    use std::panic::Location;

    use kolo_core::{EventType, Function, Kind, Mark, ReactionDescription};

    use super::*;

    const fn on(topic: &'static str) -> EventType {
        EventType {
            name: "test.Happened",
            topic,
            key_field: "key",
            saga_field: None,
            public: true,
            mark: Mark::Step,
            key_type: "String",
            schema: "",
        }
    }

    static ORDERED: EventType = on("orders");
    static ADDED: EventType = on("receipts");

    fn stock() -> Description {
        let reaction = |kind, event| ReactionDescription {
            kind,
            event,
            versions: &[],
            emits: Vec::new(),
            pivot: false,
            function: Function {
                name: "decide",
                place: Location::caller(),
            },
        };
        Description {
            aggregate: "stock",
            version: 1,
            stream: "stock",
            key: "String",
            own_events: &[],
            own_versions: &[],
            reactions: vec![reaction(Kind::On, &ADDED), reaction(Kind::Routed, &ORDERED)],
            compensations: Vec::new(),
            effects: Vec::new(),
            deadline: None,
            snapshots: None,
            accepted: Vec::new(),
        }
    }

    #[test]
    fn workers_and_router_need_what_each_of_them_uses() {
        let mut config = Config::new("nowhere:1");
        config.create_topics = false;
        let service = Service::new("shop");
        let needs = |part| {
            let acls = of_part(part, &service, &stock(), &config);
            let needs = acls.into_iter().map(|acl| {
                let operations = acl.operations.into_iter();
                let operations: Vec<_> = operations.map(|of| format!("{of:?}")).collect();
                format!(
                    "{} {}: {}",
                    acl.resource.name(),
                    acl.name,
                    operations.join(" ")
                )
            });
            needs.collect::<Vec<String>>()
        };
        assert_eq!(
            needs(Part::Workers),
            [
                "topic stock: Read Write DescribeConfigs",
                "topic receipts: Read",
                "topic shop.stock.inbox: Read",
                "group shop.stock: Read",
            ]
        );
        assert_eq!(
            needs(Part::Router),
            [
                "topic shop.stock.inbox: Write",
                "topic orders: Read",
                "group shop.stock.router: Read",
            ]
        );
        assert!(Part::Workers.knows(Role::RouteSource) && !Part::Router.knows(Role::Input));
    }
}
