//! One topic that is exported: its consumer, and its backup.

use std::collections::BTreeMap;
use std::path::Path;

use kolo_core::TopicId;
use rdkafka::consumer::Consumer;

use super::lost::lost;
use super::resume::close_leftovers;
use super::writing::Writing;
use crate::args::Export;
use crate::backup::{Lock, MANIFEST, Manifest, make_dir, segments_in};
use crate::cluster::{Cluster, Reader, Topic, ends};
use crate::failure::Failure;
use crate::scan::{assign, cannot_read};
use crate::terminal::note;
use crate::topics::settings;

/// A topic, and where its records go.
pub(super) struct Source {
    pub(super) topic: String,
    pub(super) reader: Reader,
    pub(super) writing: Writing,
    /// The complaint that was told already.
    pub(super) told: Option<String>,
}

impl Source {
    /// Goes on where the folder ends, or begins it.
    pub(super) fn open(
        cluster: &Cluster<'_>,
        topic: &Topic,
        id: TopicId,
        args: &Export,
    ) -> Result<Self, Failure> {
        let folder = args.to.join(&topic.name);
        make_dir(&folder)?;
        let lock = Lock::exclusive(&folder)?;
        let mut manifest = match Manifest::read(&folder)? {
            Some(manifest) => manifest,
            None => {
                refuse_if_begun(&folder, topic)?;
                Manifest::new(&topic.name, id, config_of(cluster, topic))
            }
        };
        if manifest.topic_id != id || manifest.topic != topic.name {
            return Err(Failure::input(format!(
                "{} is the backup of another topic: of `{}` with id {}, and `{}` at {} has id {id}. It was deleted and created again, or is on another cluster: its offsets mean other records. Take another directory.",
                folder.display(),
                manifest.topic,
                manifest.topic_id,
                topic.name,
                cluster.config.bootstrap,
            )));
        }
        for tail in close_leftovers(&folder, &mut manifest)? {
            note(&format!(
                "{}: {} bytes of a write that was cut short are cut off; their records are exported again.",
                tail.file, tail.bytes
            ));
        }
        let mut writing = Writing::new(folder, manifest, lock);
        for partition in &topic.partitions {
            let (low, high) = ends(&cluster.reader, &topic.name, partition.number)?;
            writing.add_lane(partition.number, low, high);
        }
        let mut source = Source {
            topic: topic.name.clone(),
            reader: cluster.follower()?,
            writing,
            told: None,
        };
        lost(&mut source, cluster, args.accept_holes)?;
        source.writing.write_manifest()?;
        source.assign()?;
        Ok(source)
    }

    /// Reads on from where each partition is.
    pub(super) fn assign(&self) -> Result<(), Failure> {
        self.reader
            .unassign()
            .map_err(|error| cannot_read(&self.topic, &error))?;
        let lanes = self.writing.lanes.iter();
        let from = lanes.map(|lane| (lane.partition, lane.next));
        assign(&self.reader, &self.topic, from)
    }
}

/// Segments without a manifest: of what topic they are is not known.
fn refuse_if_begun(folder: &Path, topic: &Topic) -> Result<(), Failure> {
    for partition in &topic.partitions {
        if !segments_in(folder, partition.number)?.is_empty() {
            return Err(Failure::run(format!(
                "{} has segments and no {MANIFEST}: which topic they are of cannot be told. Take it from another copy of this backup, or take another directory.",
                folder.display()
            )));
        }
    }
    Ok(())
}

/// What an import needs to know of the topic's settings.
fn config_of(cluster: &Cluster<'_>, topic: &Topic) -> BTreeMap<String, String> {
    match settings(cluster.config, &topic.name) {
        Ok(entries) => entries
            .into_iter()
            .filter_map(|entry| Some((entry.name, entry.value?)))
            .collect(),
        Err(failure) => {
            note(&format!(
                "{} The backup is without them, and an import will create the topic with the brokers' defaults.",
                failure.message().unwrap_or_default()
            ));
            BTreeMap::new()
        }
    }
}

pub(super) fn deleted(topic: &str) -> Failure {
    Failure::run(format!(
        "the topic `{topic}` was deleted. What was exported of it is whole; `kolo verify-export` checks it."
    ))
}
