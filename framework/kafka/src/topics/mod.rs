//! Topics: created or verified at start, so that a wrong layout is refused before the first record.
//!
//! | file | idea |
//! |---|---|
//! | `mod.rs` | what a topic is to an aggregate, and what brokers say of it |
//! | `create.rs` | creates what is missing |
//! | `ends.rs` | where a partition begins and ends now |
//! | `judge.rs` | verifies what is there |
//! | `problem.rs` | what can be wrong |

mod create;
mod ends;
mod judge;
mod problem;

use std::collections::BTreeMap;
use std::time::Duration;

use hashbrown::HashMap;
use kolo_core::{Description, Service, TopicId};
use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::MetadataTopic;

use crate::acls::{Acl, Allowed, Denied, Lacking, Operation, Resource, lacking};
use crate::config::Config;
use crate::native::{self, Connected, Operations};

pub use ends::ends;
pub use problem::TopicError;

pub(crate) use create::create_beside;

const TIMEOUT: Duration = Duration::from_secs(10);

/// A topic that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic {
    /// Its id.
    pub id: TopicId,
    /// Its partition count.
    pub partitions: i32,
}

/// The topics that a service reads and writes, by name.
pub type Topics = BTreeMap<String, Topic>;

/// What a topic is to an aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The aggregate's own stream.
    Stream,
    /// The aggregate reads it.
    Input,
    /// Routed copies for the aggregate come through it, and control records: redrives, drops, replays.
    Inbox,
    /// Its events are routed to the aggregate.
    RouteSource,
}

/// The topics of one aggregate, with what they are to it.
#[must_use]
pub fn roles(service: &Service, description: &Description) -> Vec<(String, Role)> {
    let mut roles = vec![(description.stream.to_owned(), Role::Stream)];
    roles.extend(
        description
            .direct_topics()
            .into_iter()
            .map(|topic| (topic.to_owned(), Role::Input)),
    );
    roles.push((service.inbox(description.aggregate), Role::Inbox));
    roles.extend(
        description
            .routed_topics()
            .into_iter()
            .map(|topic| (topic.to_owned(), Role::RouteSource)),
    );
    roles
}

/// Asks the brokers about topics, and creates them.
pub struct TopicAdmin<'a> {
    config: &'a Config,
    client: Connected<AdminClient<DefaultClientContext>>,
    timeout: Duration,
    /// The service that asks for itself; what it lacks is in its own list.
    service: Option<String>,
}

impl<'a> TopicAdmin<'a> {
    /// Connects when first used.
    ///
    /// # Errors
    /// When librdkafka refuses the configuration.
    pub fn new(config: &'a Config) -> Result<Self, KafkaError> {
        Ok(TopicAdmin {
            config,
            client: config.connect(&config.client(), DefaultClientContext)?,
            timeout: TIMEOUT,
            service: None,
        })
    }

    /// Asks for this service, as its own user.
    pub(crate) fn of_service(mut self, name: &str) -> Self {
        self.service = Some(name.to_owned());
        self
    }

    /// Waits for each answer no longer than this, where it would wait longer.
    pub(crate) fn at_most(mut self, timeout: Duration) -> Self {
        self.timeout = self.timeout.min(timeout);
        self
    }

    fn unreachable(&self, source: KafkaError) -> TopicError {
        TopicError::Unreachable {
            bootstrap: self.config.bootstrap.clone(),
            source,
        }
    }

    /// Those of the topics that exist.
    ///
    /// # Errors
    /// When the brokers do not answer.
    pub fn describe(&self, names: &[&str]) -> Result<Topics, TopicError> {
        let inner = self.client.inner();
        let described =
            native::topics(inner, names, self.timeout).map_err(|error| self.unreachable(error))?;
        let mut topics = Topics::new();
        for (name, described) in described {
            let id = match described {
                Ok(described) => described.id,
                Err(code) => return Err(self.refused(&name, Operation::Describe, code)),
            };
            let metadata = inner
                .fetch_metadata(Some(&name), self.timeout)
                .map_err(|error| self.unreachable(error))?;
            let count = metadata
                .topics()
                .first()
                .map_or(0, |topic| topic.partitions().len());
            topics.insert(
                name,
                Topic {
                    id,
                    partitions: i32::try_from(count).unwrap_or(i32::MAX),
                },
            );
        }
        Ok(topics)
    }

    /// What a broker answers instead of doing something with a topic.
    fn refused(&self, topic: &str, operation: Operation, code: RDKafkaErrorCode) -> TopicError {
        if !is_denial(code) {
            return self.unreachable(KafkaError::AdminOp(code));
        }
        let lacking = Lacking {
            resource: Resource::Topic,
            name: topic.to_owned(),
            operations: vec![operation],
            is_optional: false,
        };
        Denied::new(self.config, self.service.as_deref(), &[lacking]).into()
    }

    /// What of these the brokers do not allow, as far as they say it.
    ///
    /// # Errors
    /// When they do not answer.
    pub(crate) fn lacking(&self, acls: &[Acl]) -> Result<Vec<Lacking>, TopicError> {
        let names = |resource: Resource| -> Vec<&str> {
            let acls = acls.iter().filter(|acl| acl.resource == resource);
            acls.map(|acl| acl.name.as_str()).collect()
        };
        let inner = self.client.inner();
        let topics = native::topics(inner, &names(Resource::Topic), self.timeout);
        let topics = topics.map_err(|error| self.unreachable(error))?;
        // Groups may be without a coordinator for a while, and nobody needs to know yet.
        let groups = native::groups(inner, &names(Resource::Group), self.timeout);
        let groups = groups.unwrap_or_else(|error| {
            tracing::debug!("what is allowed with groups is not told: {error}");
            HashMap::default()
        });
        let allowed = |told: Result<&Operations, &RDKafkaErrorCode>| match told {
            Ok(Some(operations)) => Allowed::Only(operations.clone()),
            Err(code) if is_denial(*code) => Allowed::Nothing,
            Ok(None) | Err(_) => Allowed::Untold,
        };
        Ok(lacking(acls, |resource, name| {
            let told = match resource {
                Resource::Topic => topics.get(name).map(|told| {
                    let told = told.as_ref();
                    allowed(told.map(|described| &described.operations))
                }),
                Resource::Group => groups.get(name).map(|told| allowed(told.as_ref())),
            };
            told.unwrap_or(Allowed::Untold)
        }))
    }

    /// Makes sure that the brokers allow the service what it cannot do without, as far as they say it.
    ///
    /// # Errors
    /// When they do not, or do not answer.
    pub(crate) fn permitted(&self, acls: &[Acl]) -> Result<(), TopicError> {
        let mut lacking = self.lacking(acls)?;
        lacking.retain(|lacking| !lacking.is_optional);
        if lacking.is_empty() {
            return Ok(());
        }
        Err(Denied::new(self.config, self.service.as_deref(), &lacking).into())
    }

    /// A topic's settings, by name.
    ///
    /// # Errors
    /// When the brokers do not tell.
    pub(crate) async fn settings(
        &self,
        topic: &str,
    ) -> Result<BTreeMap<String, String>, TopicError> {
        let options = AdminOptions::new().request_timeout(Some(TIMEOUT));
        let resources = [ResourceSpecifier::Topic(topic)];
        let results = self
            .client
            .describe_configs(&resources, &options)
            .await
            .map_err(|error| self.unreachable(error))?;
        let mut settings = BTreeMap::new();
        for resource in results {
            let resource =
                resource.map_err(|code| self.refused(topic, Operation::DescribeConfigs, code))?;
            let entries = resource.entries.into_iter();
            settings.extend(entries.filter_map(|entry| Some((entry.name, entry.value?))));
        }
        Ok(settings)
    }

    /// How many replicas a topic has, at least.
    ///
    /// # Errors
    /// When the brokers do not answer.
    pub(crate) fn replicas(&self, topic: &str) -> Result<usize, TopicError> {
        let metadata = self
            .client
            .inner()
            .fetch_metadata(Some(topic), self.timeout);
        let metadata = metadata.map_err(|error| self.unreachable(error))?;
        let topics = metadata.topics().iter();
        let partitions = topics.flat_map(MetadataTopic::partitions);
        Ok(partitions.map(|of| of.replicas().len()).min().unwrap_or(0))
    }
}

/// Whether the brokers do not allow something.
#[must_use]
pub fn is_denied(error: &KafkaError) -> bool {
    error.rdkafka_error_code().is_some_and(is_denial)
}

fn is_denial(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::GroupAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed
    )
}
