//! What the broker knows beside its logs, as one small file that is replaced as a whole.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

const FILE: &str = "catalogue.json";

/// The file's content.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) cluster_id: String,
    /// Producer ids below this may be in use.
    pub(super) producer_ids: i64,
    pub(super) topics: BTreeMap<String, StoredTopic>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StoredTopic {
    pub(super) id: Uuid,
    pub(super) partitions: i32,
    pub(super) configs: BTreeMap<String, String>,
}

impl Default for Stored {
    fn default() -> Self {
        Stored {
            cluster_id: new_cluster_id(),
            producer_ids: 0,
            topics: BTreeMap::new(),
        }
    }
}

/// A random id in the 22 characters that Kafka writes one in.
fn new_cluster_id() -> String {
    Uuid::new_v4().simple().to_string()[..22].to_owned()
}

/// Where the content is kept: in a directory, or nowhere.
pub(super) struct Store {
    dir: Option<PathBuf>,
    pub(super) content: Stored,
}

impl Store {
    /// Reads what is there; a new directory is empty.
    pub(super) fn open(dir: Option<&Path>) -> io::Result<Store> {
        let found = match dir.map(|dir| fs::read(dir.join(FILE))) {
            Some(Ok(text)) => Some(serde_json::from_slice(&text)?),
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => None,
        };
        let is_new = found.is_none();
        let store = Store {
            dir: dir.map(Path::to_owned),
            content: found.unwrap_or_default(),
        };
        // Only then: a broker is to start on a full disk, and show what it has.
        if is_new {
            store.write(&store.content)?;
        }
        Ok(store)
    }

    /// Makes a change, on disk first: if that fails nothing has changed.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut Stored)) -> io::Result<()> {
        let mut content = self.content.clone();
        change(&mut content);
        self.write(&content)?;
        self.content = content;
        Ok(())
    }

    /// A kill at any time leaves the old file or the new one.
    fn write(&self, content: &Stored) -> io::Result<()> {
        let Some(dir) = &self.dir else { return Ok(()) };
        let new = dir.join(format!("{FILE}.new"));
        let written = fs::write(&new, serde_json::to_vec_pretty(content)?)
            .and_then(|()| fs::rename(&new, dir.join(FILE)));
        if written.is_err() {
            // On a full disk the half that was written is in the way of everybody.
            let _ = fs::remove_file(&new);
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_changed_is_read_again_and_a_left_over_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(Some(dir.path())).unwrap();
        let topic = StoredTopic {
            id: Uuid::new_v4(),
            partitions: 3,
            configs: BTreeMap::new(),
        };
        store
            .change(|content| drop(content.topics.insert("orders".to_owned(), topic.clone())))
            .unwrap();
        fs::write(dir.path().join("catalogue.json.new"), "half a fi").unwrap();
        let again = Store::open(Some(dir.path())).unwrap();
        assert_eq!(again.content.cluster_id, store.content.cluster_id);
        assert_eq!(again.content.topics["orders"].id, topic.id);
    }

    #[test]
    fn a_change_that_cannot_be_written_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(Some(dir.path())).unwrap();
        drop(dir);
        assert!(store.change(|content| content.producer_ids = 7).is_err());
        assert_eq!(store.content.producer_ids, 0);
    }

    #[test]
    fn a_damaged_file_is_an_error_and_not_an_empty_broker() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), "{").unwrap();
        assert!(Store::open(Some(dir.path())).is_err());
    }
}
