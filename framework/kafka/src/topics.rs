//! Topics: created or verified at start, so that a wrong layout is refused before the first record.

use std::collections::BTreeMap;
use std::time::Duration;

use hashbrown::HashMap;
use kolo_core::{Description, Service, TopicId};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::MetadataTopic;

use crate::acls::{Acl, Allowed, Denied, Lacking, Operation, Resource, lacking};
use crate::config::Config;
use crate::native::{self, Connected, Operations};

const TIMEOUT: Duration = Duration::from_secs(10);

/// A topic layout that cannot be worked with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TopicError {
    /// The brokers cannot be asked.
    #[error(
        "the brokers at {bootstrap} cannot be asked about topics: {source}. Are they running, and is the address right? For development, `kolo dev` starts a broker, and kolo's scripts/kafka/start an Apache Kafka"
    )]
    Unreachable {
        /// Where.
        bootstrap: String,
        /// Why.
        source: KafkaError,
    },
    /// The brokers do not allow it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A topic cannot be created.
    #[error("the topic `{topic}` cannot be created: {problem}")]
    Create {
        /// The topic.
        topic: String,
        /// Why.
        problem: String,
    },
    /// A topic cannot have as many replicas as it is to have. Brokers that are still coming up are not counted.
    #[error(
        "the topic `{topic}` is to have {replicas} replicas, and the brokers at {bootstrap} that are there are too few: {brokers}. Start the others, or have KOLO_REPLICATION ask for no more replicas than there are brokers"
    )]
    TooFewBrokers {
        /// The topic.
        topic: String,
        /// With how many replicas.
        replicas: i32,
        /// Where the brokers are.
        bootstrap: String,
        /// How many there are.
        brokers: usize,
    },
    /// A topic is missing, and must not be created.
    #[error(
        "the topic `{topic}` does not exist, and create_topics is off: create it with {partitions} partitions"
    )]
    Missing {
        /// The topic.
        topic: String,
        /// With how many partitions.
        partitions: i32,
    },
    /// Topics that one aggregate reads and writes have different partition counts.
    #[error(
        "{aggregate} reads and writes `{topic}` with {found} partitions and its stream `{stream}` with {expected}: a key would live on different partitions. Give both the same count"
    )]
    Partitions {
        /// The service and aggregate.
        aggregate: String,
        /// The topic.
        topic: String,
        /// Its count.
        found: i32,
        /// The aggregate's stream.
        stream: String,
        /// Its count.
        expected: i32,
    },
    /// A stream has a setting that would break it.
    #[error("the stream `{topic}` has {setting}={value}, which {harm}: set it to {wanted}")]
    Setting {
        /// The stream.
        topic: String,
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: String,
        /// What it would do.
        harm: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// An aggregate reads its own stream.
    #[error(
        "{aggregate} reacts to an event of its own stream `{topic}`: an aggregate answers its own events by emitting both at once"
    )]
    OwnStream {
        /// The service and aggregate.
        aggregate: String,
        /// Its stream.
        topic: String,
    },
}

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

/// Creates a topic that is beside the sagas, of one partition and with these settings, if it is not there.
pub(crate) async fn create_beside(
    config: &Config,
    topic: &str,
    settings: &[(&str, &str)],
) -> Result<(), TopicError> {
    let admin = TopicAdmin::new(config).map_err(|source| TopicError::Unreachable {
        bootstrap: config.bootstrap.clone(),
        source,
    })?;
    if admin.describe(&[topic])?.contains_key(topic) {
        return Ok(());
    }
    if !config.create_topics {
        return Err(TopicError::Missing {
            topic: topic.to_owned(),
            partitions: 1,
        });
    }
    let replication = TopicReplication::Fixed(config.replication);
    let new = NewTopic::new(topic, 1, replication);
    let new = settings
        .iter()
        .fold(new, |new, (name, value)| new.set(name, value));
    admin.create_all(&[new]).await
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

    /// Creates what is missing and verifies what is there, for all aggregates of the service.
    ///
    /// # Errors
    /// When the layout cannot be worked with, or the brokers cannot be asked.
    pub async fn prepare(&self, service: &Service) -> Result<Topics, TopicError> {
        let descriptions: Vec<Description> = service
            .aggregates()
            .iter()
            .map(|known| known.description())
            .collect();
        let all: Vec<Vec<(String, Role)>> = descriptions
            .iter()
            .map(|known| roles(service, known))
            .collect();
        let mut names: Vec<&str> = all
            .iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        let mut topics = self.describe(&names)?;
        if names.iter().any(|&name| !topics.contains_key(name)) {
            for roles in &all {
                // A missing topic gets the count that its aggregate's other topics have.
                let together = roles.iter().filter(|(_, role)| *role != Role::RouteSource);
                let known = together
                    .clone()
                    .find_map(|(name, _)| topics.get(name))
                    .map(|topic| topic.partitions);
                let count = known.unwrap_or(self.config.partitions);
                let missing: Vec<&str> = roles
                    .iter()
                    .map(|(name, _)| name.as_str())
                    .filter(|name| !topics.contains_key(*name))
                    .collect();
                self.create(&missing, count).await?;
                topics.extend(missing.iter().map(|&name| {
                    (
                        name.to_owned(),
                        Topic {
                            id: TopicId(uuid::Uuid::nil()),
                            partitions: count,
                        },
                    )
                }));
            }
            topics = self.await_topics(&names).await?;
        }
        match self.judge(service, &topics).await?.into_iter().next() {
            Some(problem) => Err(problem),
            None => Ok(topics),
        }
    }

    /// All that is wrong with those of a service's topics that are there.
    ///
    /// # Errors
    /// When the brokers do not answer.
    pub(crate) async fn judge(
        &self,
        service: &Service,
        topics: &Topics,
    ) -> Result<Vec<TopicError>, TopicError> {
        let mut problems = Vec::new();
        for participant in service.aggregates() {
            let description = participant.description();
            let roles = roles(service, &description);
            let aggregate = format!("{}.{}", service.name(), description.aggregate);
            let stream = description.stream;
            problems.extend(check_counts(&aggregate, stream, &roles, topics));
            let is_own = |(name, role): &(String, Role)| *role == Role::Input && name == stream;
            if roles.iter().any(is_own) {
                problems.push(TopicError::OwnStream {
                    aggregate,
                    topic: stream.to_owned(),
                });
            }
            if topics.contains_key(stream) {
                problems.extend(self.check_settings(stream).await?);
            }
        }
        Ok(problems)
    }

    async fn create(&self, names: &[&str], partitions: i32) -> Result<(), TopicError> {
        if let Some(missing) = names.first()
            && !self.config.create_topics
        {
            return Err(TopicError::Missing {
                topic: (*missing).to_owned(),
                partitions,
            });
        }
        if names.is_empty() {
            return Ok(());
        }
        self.create_all(&self.new_topics(names, partitions)).await
    }

    /// Unlimited retention: a stream is the state, and an input must not vanish before it is decided.
    fn new_topics<'t>(&self, names: &[&'t str], partitions: i32) -> Vec<NewTopic<'t>> {
        let new = names.iter().map(|name| {
            NewTopic::new(
                name,
                partitions,
                TopicReplication::Fixed(self.config.replication),
            )
            .set("cleanup.policy", "delete")
            .set("retention.ms", "-1")
            .set("retention.bytes", "-1")
            .set("message.timestamp.type", "CreateTime")
        });
        new.collect()
    }

    /// Creates these topics, but for those that are there already.
    pub(crate) async fn create_all(&self, new: &[NewTopic<'_>]) -> Result<(), TopicError> {
        self.create_with(new, &AdminOptions::new().operation_timeout(Some(TIMEOUT)))
            .await
    }

    /// Whether these topics could be created, as the brokers judge. None is.
    ///
    /// # Errors
    /// When one could not.
    pub(crate) async fn could_create(
        &self,
        names: &[&str],
        partitions: i32,
    ) -> Result<(), TopicError> {
        let options = AdminOptions::new()
            .operation_timeout(Some(TIMEOUT))
            .validate_only(true);
        self.create_with(&self.new_topics(names, partitions), &options)
            .await
    }

    async fn create_with(
        &self,
        new: &[NewTopic<'_>],
        options: &AdminOptions,
    ) -> Result<(), TopicError> {
        let results = self
            .client
            .create_topics(new, options)
            .await
            .map_err(|error| self.unreachable(error))?;
        for result in results {
            match result {
                // Another instance was faster.
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, code)) if is_denial(code) => {
                    return Err(self.refused(&topic, Operation::Create, code));
                }
                Err((topic, RDKafkaErrorCode::InvalidReplicationFactor))
                    if self.config.replication != 0 =>
                {
                    return Err(self.too_few_brokers(topic));
                }
                Err((topic, code)) => {
                    return Err(TopicError::Create {
                        topic,
                        problem: code.to_string(),
                    });
                }
            }
        }
        Ok(())
    }

    fn too_few_brokers(&self, topic: String) -> TopicError {
        match native::addresses(self.client.inner(), self.timeout) {
            Ok(brokers) => TopicError::TooFewBrokers {
                topic,
                replicas: self.config.replication,
                bootstrap: self.config.bootstrap.clone(),
                brokers: brokers.len(),
            },
            Err(code) => self.unreachable(KafkaError::MetadataFetch(code)),
        }
    }

    /// A topic that was just created is not known to every broker at once.
    async fn await_topics(&self, names: &[&str]) -> Result<Topics, TopicError> {
        let deadline = tokio::time::Instant::now() + TIMEOUT;
        loop {
            let topics = self.describe(names)?;
            let missing = names
                .iter()
                .find(|&&name| topics.get(name).is_none_or(|topic| topic.partitions == 0));
            match missing {
                None => return Ok(topics),
                Some(topic) if tokio::time::Instant::now() > deadline => {
                    let problem = "it was created, but the brokers do not list it".to_owned();
                    return Err(TopicError::Create {
                        topic: (*topic).to_owned(),
                        problem,
                    });
                }
                Some(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
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

    async fn check_settings(&self, stream: &str) -> Result<Vec<TopicError>, TopicError> {
        let settings = self.settings(stream).await?;
        let value = |name: &str| settings.get(name).map_or("", String::as_str);
        let problem = |setting: &'static str, harm, wanted| TopicError::Setting {
            topic: stream.to_owned(),
            setting,
            value: value(setting).to_owned(),
            harm,
            wanted,
        };
        let mut problems = Vec::new();
        if value("cleanup.policy").contains("compact") {
            let harm = "deletes events of the state";
            problems.push(problem("cleanup.policy", harm, "delete"));
        }
        if value("message.timestamp.type") == "LogAppendTime" {
            let harm = "changes the time that the state was folded with";
            problems.push(problem("message.timestamp.type", harm, "CreateTime"));
        }
        let deletes = value("cleanup.policy").contains("delete");
        if deletes && !matches!(value("retention.ms"), "" | "-1") {
            let harm = "will delete events of the state";
            problems.push(problem("retention.ms", harm, "-1"));
        }
        Ok(problems)
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

/// Of those that are there.
fn check_counts(
    aggregate: &str,
    stream: &str,
    roles: &[(String, Role)],
    topics: &Topics,
) -> Vec<TopicError> {
    let Some(expected) = topics.get(stream).map(|topic| topic.partitions) else {
        return Vec::new();
    };
    let together = roles.iter().filter(|(_, role)| *role != Role::RouteSource);
    let found = together.filter_map(|(name, _)| Some((name, topics.get(name)?.partitions)));
    let other = found.filter(|(_, found)| *found != expected);
    let problems = other.map(|(topic, found)| TopicError::Partitions {
        aggregate: aggregate.to_owned(),
        topic: topic.clone(),
        found,
        stream: stream.to_owned(),
        expected,
    });
    problems.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_in_partition_counts_is_refused_with_both_counts() {
        let topic = |partitions| Topic {
            id: TopicId(uuid::Uuid::nil()),
            partitions,
        };
        let topics = Topics::from([
            ("stock".into(), topic(6)),
            ("orders".into(), topic(3)),
            ("far".into(), topic(9)),
        ]);
        let role = |name: &str, role| (name.to_owned(), role);
        let fits = [role("stock", Role::Stream), role("far", Role::RouteSource)];
        assert!(check_counts("shop.stock", "stock", &fits, &topics).is_empty());
        let roles = [role("stock", Role::Stream), role("orders", Role::Input)];
        let problems = check_counts("shop.stock", "stock", &roles, &topics);
        assert_eq!(problems.len(), 1, "{problems:?}");
        let error = problems[0].to_string();
        assert!(
            error.contains("`orders` with 3") && error.contains("`stock` with 6"),
            "{error}"
        );
    }
}
