//! The manifest of one topic's backup: what it is of, and the sums of its closed segments.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

use kolo_core::TopicId;
use serde::{Deserialize, Serialize};

use super::files::{cannot, hex_sum, sync_dir};
use super::{FORMAT, MANIFEST, VERSION};
use crate::failure::Failure;

/// What `manifest.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) format: String,
    pub(crate) version: u32,
    pub(crate) topic: String,
    /// Kafka's id of the topic: one that is deleted and created again has another.
    pub(crate) topic_id: TopicId,
    pub(crate) config: BTreeMap<String, String>,
    /// By number.
    pub(crate) partitions: Vec<Reach>,
    /// In the order of offsets within a partition.
    pub(crate) segments: Vec<Segment>,
    /// Offsets that were gone before they were exported, and were accepted to be.
    pub(crate) holes: Vec<Hole>,
    /// SHA-256 of the manifest itself, as it is written with this field empty.
    pub(crate) sha256: String,
}

/// How far one partition is in the closed segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reach {
    /// The first offset that the topic had when its backup began.
    pub(crate) first: i64,
    /// The next offset to export: all records before it that the topic had are in the segments.
    pub(crate) next: i64,
}

/// A closed segment: a file that does not change any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Segment {
    pub(crate) partition: i32,
    /// Offset of its first record, which is also its file's name.
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// Offsets from one to before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hole {
    pub(crate) partition: i32,
    pub(crate) from: i64,
    pub(crate) until: i64,
}

impl Manifest {
    pub(crate) fn new(topic: &str, topic_id: TopicId, config: BTreeMap<String, String>) -> Self {
        Manifest {
            format: FORMAT.to_owned(),
            version: VERSION,
            topic: topic.to_owned(),
            topic_id,
            config,
            partitions: Vec::new(),
            segments: Vec::new(),
            holes: Vec::new(),
            sha256: String::new(),
        }
    }

    /// Reads the manifest of a topic's folder; none where there is no such file.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>, Failure> {
        let path = folder.join(MANIFEST);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(cannot("read", &path, &error)),
        };
        Self::parse(&text, &path).map(Some)
    }

    fn parse(text: &[u8], path: &Path) -> Result<Self, Failure> {
        let path = path.display();
        // Version and format first: of another version, the rest may be anything.
        let head: serde_json::Value = serde_json::from_slice(text).map_err(|error| {
            Failure::run(format!(
                "{path} is damaged: {error}. It holds the sums of the files beside it: take it from another copy of this backup, or begin a new one in another directory."
            ))
        })?;
        if head["format"] != FORMAT {
            return Err(Failure::input(format!(
                "{path} is not the manifest of a backup that `kolo export` wrote."
            )));
        }
        if head["version"] != VERSION {
            return Err(Failure::input(format!(
                "{path} is of version {} of the format, and this kolo reads version {VERSION}. Use the kolo that wrote it, or a newer one.",
                head["version"]
            )));
        }
        let manifest: Manifest = serde_json::from_slice(text).map_err(|error| {
            Failure::run(format!(
                "{path} is damaged: {error}. Take it from another copy of this backup."
            ))
        })?;
        if manifest.sum() != manifest.sha256 {
            return Err(Failure::run(format!(
                "{path} is damaged, or was edited: it does not have the sum that it names in `sha256`. Take it from another copy of this backup."
            )));
        }
        Ok(manifest)
    }

    /// Writes it in one step: whatever happens, there is the old manifest or the new one.
    pub(crate) fn write(&mut self, folder: &Path) -> Result<(), Failure> {
        self.sha256 = self.sum();
        let (path, new) = (folder.join(MANIFEST), folder.join("manifest.json.new"));
        let write = || {
            let mut file = File::create(&new)?;
            file.write_all(&self.text())?;
            file.sync_all()?;
            std::fs::rename(&new, &path)
        };
        write().map_err(|error| cannot("write", &path, &error))?;
        sync_dir(folder)
    }

    #[expect(
        clippy::expect_used,
        reason = "a struct of numbers and strings serialises"
    )]
    fn text(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("numbers and strings");
        text.push(b'\n');
        text
    }

    fn sum(&self) -> String {
        let unsigned = Manifest {
            sha256: String::new(),
            ..self.clone()
        };
        hex_sum(&unsigned.text())
    }

    /// The closed segments of a partition, in their order.
    pub(crate) fn segments_of(&self, partition: i32) -> impl Iterator<Item = &Segment> {
        self.segments
            .iter()
            .filter(move |segment| segment.partition == partition)
    }

    /// A partition and how far it is.
    pub(crate) fn reaches(&self) -> impl Iterator<Item = (i32, Reach)> + '_ {
        (0..).zip(self.partitions.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(folder: &Path) -> Manifest {
        let config = BTreeMap::from([("retention.ms".to_owned(), "-1".to_owned())]);
        let mut manifest = Manifest::new("orders", TopicId(uuid::Uuid::from_u128(7)), config);
        manifest.partitions.push(Reach { first: 3, next: 9 });
        manifest.write(folder).unwrap();
        manifest
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Manifest::read(folder.path()).unwrap(), None);
        let manifest = written(folder.path());
        assert_eq!(Manifest::read(folder.path()).unwrap(), Some(manifest));
    }

    #[test]
    fn one_changed_byte_anywhere_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = written(folder.path());
        let path = folder.path().join(MANIFEST);
        let text = std::fs::read(&path).unwrap();
        for at in 0..text.len() {
            let mut flipped = text.clone();
            flipped[at] ^= 1;
            // White space between the values says nothing, and may change.
            if let Ok(read) = Manifest::parse(&flipped, &path) {
                assert_eq!(read, manifest, "byte {at}");
            }
        }
    }
}
