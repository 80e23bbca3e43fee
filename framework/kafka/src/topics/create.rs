//! Creates what is missing.

use std::time::Duration;

use kolo_core::{Description, Service, TopicId};
use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::acls::Operation;
use crate::config::Config;
use crate::native;

use super::{Role, TIMEOUT, Topic, TopicAdmin, TopicError, Topics, is_denial, roles};

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

impl TopicAdmin<'_> {
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
}
