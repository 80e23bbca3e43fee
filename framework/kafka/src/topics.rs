//! Topics: created or verified at start, so that a wrong layout is refused before the first record.

use std::collections::BTreeMap;
use std::time::Duration;

use kolo_core::{Description, Service, TopicId};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::config::Config;
use crate::native;

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
    /// A topic cannot be created.
    #[error("the topic `{topic}` cannot be created: {problem}")]
    Create {
        /// The topic.
        topic: String,
        /// Why.
        problem: String,
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
    client: AdminClient<DefaultClientContext>,
    timeout: Duration,
}

impl<'a> TopicAdmin<'a> {
    /// Connects when first used.
    ///
    /// # Errors
    /// When librdkafka refuses the configuration.
    pub fn new(config: &'a Config) -> Result<Self, KafkaError> {
        Ok(TopicAdmin {
            config,
            client: config.client().create()?,
            timeout: TIMEOUT,
        })
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
        let ids = native::topic_ids(inner, names, self.timeout)
            .map_err(|error| self.unreachable(error))?;
        let mut topics = Topics::new();
        for (name, id) in ids {
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
        for (description, roles) in descriptions.iter().zip(&all) {
            let aggregate = format!("{}.{}", service.name(), description.aggregate);
            check_counts(&aggregate, description.stream, roles, &topics)?;
            if roles
                .iter()
                .any(|(name, role)| *role == Role::Input && name == description.stream)
            {
                return Err(TopicError::OwnStream {
                    aggregate,
                    topic: description.stream.to_owned(),
                });
            }
            self.check_settings(description.stream).await?;
        }
        Ok(topics)
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
        // Unlimited retention: a stream is the state, and an input must not vanish before it is decided.
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
        self.create_all(&new.collect::<Vec<_>>()).await
    }

    /// Creates these topics, but for those that are there already.
    pub(crate) async fn create_all(&self, new: &[NewTopic<'_>]) -> Result<(), TopicError> {
        let options = AdminOptions::new().operation_timeout(Some(TIMEOUT));
        let results = self
            .client
            .create_topics(new, &options)
            .await
            .map_err(|error| self.unreachable(error))?;
        for result in results {
            match result {
                // Another instance was faster.
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
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

    async fn check_settings(&self, stream: &str) -> Result<(), TopicError> {
        let options = AdminOptions::new().request_timeout(Some(TIMEOUT));
        let resources = [ResourceSpecifier::Topic(stream)];
        let results = self
            .client
            .describe_configs(&resources, &options)
            .await
            .map_err(|error| self.unreachable(error))?;
        for resource in results.into_iter().flatten() {
            let value = |name: &str| {
                resource
                    .get(name)
                    .and_then(|entry| entry.value.clone())
                    .unwrap_or_default()
            };
            let topic = || stream.to_owned();
            let policy = value("cleanup.policy");
            if policy.contains("compact") {
                let harm = "deletes events of the state";
                let (setting, wanted) = ("cleanup.policy", "delete");
                return Err(TopicError::Setting {
                    topic: topic(),
                    setting,
                    value: policy,
                    harm,
                    wanted,
                });
            }
            let stamps = value("message.timestamp.type");
            if stamps == "LogAppendTime" {
                let harm = "changes the time that the state was folded with";
                let (setting, wanted) = ("message.timestamp.type", "CreateTime");
                return Err(TopicError::Setting {
                    topic: topic(),
                    setting,
                    value: stamps,
                    harm,
                    wanted,
                });
            }
            let retention = value("retention.ms");
            if retention != "-1" && !retention.is_empty() && policy.contains("delete") {
                let harm = "will delete events of the state";
                let (setting, wanted) = ("retention.ms", "-1");
                return Err(TopicError::Setting {
                    topic: topic(),
                    setting,
                    value: retention,
                    harm,
                    wanted,
                });
            }
        }
        Ok(())
    }
}

fn check_counts(
    aggregate: &str,
    stream: &str,
    roles: &[(String, Role)],
    topics: &Topics,
) -> Result<(), TopicError> {
    let count = |name: &str| topics.get(name).map_or(0, |topic| topic.partitions);
    let expected = count(stream);
    for (topic, role) in roles {
        let found = count(topic);
        if *role != Role::RouteSource && found != expected {
            return Err(TopicError::Partitions {
                aggregate: aggregate.to_owned(),
                topic: topic.clone(),
                found,
                stream: stream.to_owned(),
                expected,
            });
        }
    }
    Ok(())
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
        assert!(check_counts("shop.stock", "stock", &fits, &topics).is_ok());
        let roles = [role("stock", Role::Stream), role("orders", Role::Input)];
        let error = check_counts("shop.stock", "stock", &roles, &topics)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("`orders` with 3") && error.contains("`stock` with 6"),
            "{error}"
        );
    }
}
