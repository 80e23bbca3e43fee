//! One topic. It never changes: what changes a topic puts a new one in its place, around the same partitions.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::{OFFSETS_TOPIC, TopicConfig};
use crate::log::LogError;
use crate::partition::Partition;

pub(crate) struct Topic {
    pub(crate) name: StrBytes,
    pub(crate) id: Uuid,
    pub(crate) config: TopicConfig,
    partitions: Vec<Arc<Partition>>,
}

impl Topic {
    pub(super) fn open(
        dir: Option<&Path>,
        name: &str,
        id: Uuid,
        partitions: i32,
        config: TopicConfig,
    ) -> Result<Topic, LogError> {
        Topic::planned(name, id, config).grown(dir, partitions)
    }

    /// A topic without partitions.
    pub(super) fn planned(name: &str, id: Uuid, config: TopicConfig) -> Topic {
        Topic {
            name: StrBytes::from_string(name.to_owned()),
            id,
            config,
            partitions: Vec::new(),
        }
    }

    pub(super) fn grown(&self, dir: Option<&Path>, count: i32) -> Result<Topic, LogError> {
        let mut partitions = self.partitions.clone();
        for number in self.partition_count()..count {
            let name = format!("{}-{number}", self.name.as_str());
            let dir = dir.map(|dir| home(dir, &self.id).join(number.to_string()));
            partitions.push(Partition::open(
                name,
                dir.as_deref(),
                self.config.log().clone(),
            )?);
        }
        Ok(Topic {
            name: self.name.clone(),
            id: self.id,
            config: self.config.clone(),
            partitions,
        })
    }

    pub(super) fn with_config(&self, config: TopicConfig) -> Topic {
        Topic {
            name: self.name.clone(),
            id: self.id,
            config,
            partitions: self.partitions.clone(),
        }
    }

    pub(crate) fn partitions(&self) -> &[Arc<Partition>] {
        &self.partitions
    }

    pub(crate) fn partition(&self, number: i32) -> Option<&Arc<Partition>> {
        self.partitions.get(usize::try_from(number).ok()?)
    }

    pub(crate) fn partition_count(&self) -> i32 {
        i32::try_from(self.partitions.len()).unwrap_or(i32::MAX)
    }

    pub(crate) fn is_internal(&self) -> bool {
        self.name.as_str() == OFFSETS_TOPIC
    }
}

/// Topics lie under their ids: one that is created again finds nothing of its predecessor.
fn home(dir: &Path, id: &Uuid) -> PathBuf {
    dir.join("topics").join(id.to_string())
}

pub(super) fn remove(dir: &Path, id: &Uuid) -> io::Result<()> {
    match fs::remove_dir_all(home(dir, id)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Removes the topics that were deleted, or not yet created, when the broker was killed.
pub(super) fn remove_strays(dir: &Path, is_known: impl Fn(&Uuid) -> bool) -> io::Result<()> {
    let home = dir.join("topics");
    fs::create_dir_all(&home)?;
    for entry in fs::read_dir(home)? {
        let entry = entry?;
        let id = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<Uuid>().ok());
        if id.is_some_and(|id| !is_known(&id)) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}
