//! The cast: which aggregates and routers there are, and which topics they read and write. It is the same in every run.

use std::sync::Arc;

use kolo_core::{Description, Participant, Service, partition_of};

/// A topic, by its place in [`Cast::topics`].
pub(crate) type Topic = usize;

/// One aggregate.
pub(crate) struct Member {
    /// Its service and its own name, for people.
    pub(crate) name: String,
    pub(crate) service: &'static str,
    pub(crate) participant: Arc<dyn Participant>,
    pub(crate) description: Description,
    /// What it is after a deploy, where the simulation knows one.
    pub(crate) next: Option<Arc<dyn Participant>>,
    pub(crate) stream: Topic,
    /// What it reads itself; last the inbox, if events are routed to it.
    pub(crate) inputs: Vec<Topic>,
    /// Whose events are routed to it.
    pub(crate) routed: Vec<Topic>,
}

/// The router of one aggregate on one of its sources.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route {
    pub(crate) member: usize,
    pub(crate) source: Topic,
    pub(crate) inbox: Topic,
}

/// Everybody who takes part.
pub(crate) struct Cast {
    pub(crate) topics: Vec<String>,
    pub(crate) members: Vec<Member>,
    pub(crate) routes: Vec<Route>,
    pub(crate) partitions: usize,
}

impl Cast {
    pub(crate) fn new(services: &[Service], partitions: usize) -> Self {
        let mut cast = Cast {
            topics: Vec::new(),
            members: Vec::new(),
            routes: Vec::new(),
            partitions,
        };
        for service in services {
            for participant in service.aggregates() {
                cast.join(service, Arc::clone(participant));
            }
        }
        cast
    }

    fn join(&mut self, service: &Service, participant: Arc<dyn Participant>) {
        let description = participant.description();
        let stream = self.topic(description.stream);
        let topics = description.direct_topics().into_iter();
        let mut inputs: Vec<Topic> = topics.map(|topic| self.topic(topic)).collect();
        let topics = description.routed_topics().into_iter();
        let routed: Vec<Topic> = topics.map(|topic| self.topic(topic)).collect();
        let member = self.members.len();
        if !routed.is_empty() {
            let inbox = self.topic(&service.inbox(description.aggregate));
            inputs.push(inbox);
            let routes = routed.iter().map(|&source| Route {
                member,
                source,
                inbox,
            });
            self.routes.extend(routes);
        }
        self.members.push(Member {
            name: format!("{}.{}", service.name(), description.aggregate),
            service: service.name(),
            participant,
            description,
            next: None,
            stream,
            inputs,
            routed,
        });
    }

    /// The place of a topic, which there is from now on.
    pub(crate) fn topic(&mut self, name: &str) -> Topic {
        self.known(name).unwrap_or_else(|| {
            self.topics.push(name.to_owned());
            self.topics.len() - 1
        })
    }

    /// The place of a topic, if there is one.
    pub(crate) fn known(&self, name: &str) -> Option<Topic> {
        self.topics.iter().position(|known| known == name)
    }

    /// The partition of a key.
    pub(crate) fn partition_of(&self, key: &str) -> usize {
        let partitions = i32::try_from(self.partitions).unwrap_or(1);
        usize::try_from(partition_of(key.as_bytes(), partitions)).unwrap_or(0)
    }

    /// The aggregate whose stream this is.
    pub(crate) fn owner_of(&self, topic: Topic) -> Option<&Member> {
        self.members.iter().find(|member| member.stream == topic)
    }

    /// Tells what services are after a deploy; gives the name of an aggregate that there is not.
    pub(crate) fn deploys(&mut self, services: &[Service]) -> Result<(), String> {
        for service in services {
            for participant in service.aggregates() {
                let aggregate = participant.description().aggregate;
                let name = format!("{}.{aggregate}", service.name());
                let member = self.members.iter_mut().find(|member| member.name == name);
                member.ok_or(name)?.next = Some(Arc::clone(participant));
            }
        }
        Ok(())
    }
}

impl Member {
    /// The declaration before a deploy, or after it.
    pub(crate) fn version(&self, is_next: bool) -> &Arc<dyn Participant> {
        match &self.next {
            Some(next) if is_next => next,
            _ => &self.participant,
        }
    }
}
