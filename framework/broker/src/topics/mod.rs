//! The catalogue of topics: names, ids, partitions, settings.
//!
//! # Layout
//! - this file: [`Catalogue`], which changes, and [`Index`], which does not: a request looks at one of them to its end
//! - `topic`: one topic and how its partitions are opened
//! - `name`, `config`: what Kafka takes for names and settings
//! - `store`: what is kept on disk beside the logs

mod config;
mod name;
mod store;
mod topic;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kafka_protocol::ResponseError;
use parking_lot::RwLock;
use uuid::Uuid;

pub(crate) use config::{SETTINGS, Setting, TopicConfig, elements};
use store::{Store, StoredTopic};
pub(crate) use topic::Topic;

use crate::log::LogError;
use crate::partition::Partition;

/// Where groups and their offsets are kept.
pub(crate) const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// A topic has at most so many partitions here; a mistyped number is not to fill the memory.
const MAX_PARTITIONS: i32 = 10_000;

/// Producer ids are set aside by so many, as in Kafka: the disk is not written for each.
const PRODUCER_IDS: i64 = 1000;

/// A change that is not made, with the answer to whoever asked for it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Refusal {
    pub(crate) code: ResponseError,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: ResponseError, message: impl Into<String>) -> Refusal {
        Refusal {
            code,
            message: message.into(),
        }
    }

    fn storage(error: &impl ToString) -> Refusal {
        Refusal::new(ResponseError::KafkaStorageError, error.to_string())
    }

    fn unknown() -> Refusal {
        Refusal::new(
            ResponseError::UnknownTopicOrPartition,
            "This server does not host this topic-partition.",
        )
    }
}

/// All topics at one moment.
#[derive(Default, Clone)]
pub(crate) struct Index {
    by_name: HashMap<String, Arc<Topic>>,
    by_id: HashMap<Uuid, Arc<Topic>>,
}

impl Index {
    pub(crate) fn by_name(&self, name: &str) -> Option<&Arc<Topic>> {
        self.by_name.get(name)
    }

    pub(crate) fn by_id(&self, id: &Uuid) -> Option<&Arc<Topic>> {
        self.by_id.get(id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Topic>> {
        self.by_name.values()
    }

    fn insert(&mut self, topic: Arc<Topic>) {
        self.by_id.insert(topic.id, Arc::clone(&topic));
        self.by_name.insert(topic.name.to_string(), topic);
    }

    fn remove(&mut self, topic: &Topic) {
        self.by_id.remove(&topic.id);
        self.by_name.remove(topic.name.as_str());
    }
}

/// The topics, and whatever else the broker remembers beside its logs.
pub(crate) struct Catalogue {
    /// Held for a moment only, to take or to replace what it points to.
    index: RwLock<Arc<Index>>,
    /// Changes are made one at a time, and wait for the disk; nothing that produces or fetches waits for this.
    changes: tokio::sync::Mutex<Changes>,
    cluster_id: String,
    dir: Option<PathBuf>,
}

struct Changes {
    store: Store,
    next_producer_id: i64,
}

impl Catalogue {
    /// Opens all topics of a directory, and starts their tasks on the current runtime.
    pub(crate) fn open(dir: Option<&Path>) -> Result<Catalogue, LogError> {
        let at = |source: io::Error| LogError::Io {
            path: dir.map(Path::to_owned).unwrap_or_default(),
            source,
        };
        let store = Store::open(dir).map_err(at)?;
        let mut index = Index::default();
        for (name, stored) in &store.content.topics {
            let config = TopicConfig::new(stored.configs.clone()).map_err(|refusal| {
                at(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("topic {name}: {refusal}"),
                ))
            })?;
            index.insert(Arc::new(Topic::open(
                dir,
                name,
                stored.id,
                stored.partitions,
                config,
            )?));
        }
        if let Some(dir) = dir {
            topic::remove_strays(dir, |id| index.by_id.contains_key(id)).map_err(at)?;
        }
        Ok(Catalogue {
            index: RwLock::new(Arc::new(index)),
            cluster_id: store.content.cluster_id.clone(),
            changes: tokio::sync::Mutex::new(Changes {
                next_producer_id: store.content.producer_ids,
                store,
            }),
            dir: dir.map(Path::to_owned),
        })
    }

    pub(crate) fn index(&self) -> Arc<Index> {
        Arc::clone(&self.index.read())
    }

    pub(crate) fn topic(&self, name: &str) -> Option<Arc<Topic>> {
        self.index.read().by_name(name).cloned()
    }

    pub(crate) fn partition(&self, name: &str, partition: i32) -> Option<Arc<Partition>> {
        self.index
            .read()
            .by_name(name)?
            .partition(partition)
            .cloned()
    }

    pub(crate) fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    /// Creates a topic, or says whether it could be.
    pub(crate) async fn create(
        &self,
        name: &str,
        partitions: i32,
        config: TopicConfig,
        validate_only: bool,
    ) -> Result<Arc<Topic>, Refusal> {
        name::check(name)?;
        check_count(partitions)?;
        let mut changes = self.changes.lock().await;
        let index = self.index();
        if index.by_name(name).is_some() {
            return Err(Refusal::new(
                ResponseError::TopicAlreadyExists,
                format!("Topic '{name}' already exists."),
            ));
        }
        if let Some(other) = index.iter().find(|other| name::collides(name, &other.name)) {
            let message = format!(
                "Topic '{name}' collides with existing topics: {}",
                other.name.as_str()
            );
            return Err(Refusal::new(ResponseError::InvalidTopicException, message));
        }
        let id = Uuid::new_v4();
        if validate_only {
            return Ok(Arc::new(Topic::planned(name, id, config)));
        }
        let stored = StoredTopic {
            id,
            partitions,
            configs: config.overrides().clone(),
        };
        // On disk before in the catalogue: directories that the catalogue does not name are removed at the next start.
        let topic = Topic::open(self.dir.as_deref(), name, id, partitions, config);
        let topic = Arc::new(topic.map_err(|error| Refusal::storage(&error))?);
        let change = changes
            .store
            .change(|content| drop(content.topics.insert(name.to_owned(), stored)));
        change.map_err(|error| Refusal::storage(&error))?;
        self.replace(|index| index.insert(Arc::clone(&topic)));
        Ok(topic)
    }

    /// Deletes a topic and what is in it. Readers that wait for it are woken.
    pub(crate) async fn delete(&self, topic: &Arc<Topic>) -> Result<(), Refusal> {
        let mut changes = self.changes.lock().await;
        // It may have been deleted meanwhile, or grown.
        let Some(topic) = self.index().by_id(&topic.id).cloned() else {
            return Err(Refusal::unknown());
        };
        let change = changes
            .store
            .change(|content| drop(content.topics.remove(topic.name.as_str())));
        change.map_err(|error| Refusal::storage(&error))?;
        self.replace(|index| index.remove(&topic));
        for partition in topic.partitions() {
            partition.discard().await;
        }
        if let Some(dir) = &self.dir {
            topic::remove(dir, &topic.id).unwrap_or_else(|error| {
                tracing::warn!(topic = topic.name.as_str(), %error, "its directory stays until the next start");
            });
        }
        Ok(())
    }

    /// Gives a topic more partitions.
    pub(crate) async fn grow(
        &self,
        name: &str,
        count: i32,
        validate_only: bool,
    ) -> Result<(), Refusal> {
        let mut changes = self.changes.lock().await;
        let topic = self.topic(name).ok_or_else(Refusal::unknown)?;
        let now = topic.partition_count();
        if count <= now {
            let message = if count == now {
                format!("Topic already has {now} partition(s).")
            } else {
                format!(
                    "The topic {name} currently has {now} partition(s); {count} would not be an increase."
                )
            };
            return Err(Refusal::new(ResponseError::InvalidPartitions, message));
        }
        check_count(count)?;
        if validate_only {
            return Ok(());
        }
        let grown = topic
            .grown(self.dir.as_deref(), count)
            .map_err(|error| Refusal::storage(&error))?;
        let change = changes.store.change(|content| {
            if let Some(stored) = content.topics.get_mut(name) {
                stored.partitions = count;
            }
        });
        change.map_err(|error| Refusal::storage(&error))?;
        self.replace(|index| index.insert(Arc::new(grown)));
        Ok(())
    }

    /// Gives a topic the settings that `change` makes of those it has.
    pub(crate) async fn configure(
        &self,
        name: &str,
        validate_only: bool,
        change: impl FnOnce(&TopicConfig) -> Result<TopicConfig, Refusal>,
    ) -> Result<(), Refusal> {
        let mut changes = self.changes.lock().await;
        let topic = self.topic(name).ok_or_else(Refusal::unknown)?;
        let config = change(&topic.config)?;
        if validate_only {
            return Ok(());
        }
        let written = changes.store.change(|content| {
            if let Some(stored) = content.topics.get_mut(name) {
                stored.configs = config.overrides().clone();
            }
        });
        written.map_err(|error| Refusal::storage(&error))?;
        for partition in topic.partitions() {
            partition.configure(config.log().clone());
        }
        self.replace(|index| index.insert(Arc::new(topic.with_config(config))));
        Ok(())
    }

    /// An id that no producer of this broker had before.
    pub(crate) async fn producer_id(&self) -> Result<i64, Refusal> {
        let mut changes = self.changes.lock().await;
        let id = changes.next_producer_id;
        if id >= changes.store.content.producer_ids {
            let change = changes
                .store
                .change(|content| content.producer_ids = id + PRODUCER_IDS);
            change.map_err(|error| Refusal::storage(&error))?;
        }
        changes.next_producer_id = id + 1;
        Ok(id)
    }

    /// Retention and compaction in every partition, one after the other.
    pub(crate) async fn clean(&self) {
        for topic in self.index().iter() {
            for partition in topic.partitions() {
                partition.clean().await;
            }
        }
    }

    /// Ends all tasks, with checkpoints.
    pub(crate) async fn close(&self) {
        for topic in self.index().iter() {
            for partition in topic.partitions() {
                partition.close().await;
            }
        }
    }

    fn replace(&self, change: impl FnOnce(&mut Index)) {
        let mut index = Index::clone(&self.index());
        change(&mut index);
        *self.index.write() = Arc::new(index);
    }
}

fn check_count(partitions: i32) -> Result<(), Refusal> {
    let refuse = |message: &str| Err(Refusal::new(ResponseError::InvalidPartitions, message));
    match partitions {
        ..1 => refuse("Number of partitions must be larger than 0."),
        1..=MAX_PARTITIONS => Ok(()),
        _ => refuse("this embedded broker keeps at most 10000 partitions a topic"),
    }
}
