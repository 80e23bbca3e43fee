//! The index: what the topics hold of all sagas, on disk, so that one of them is told without reading all.
//!
//! It holds nothing that is not in the topics, and may be thrown away at any time. Whoever uses it first reads on from where
//! it ends to where the topics end now; `kolo index` does nothing else. What is read is judged and folded by the same code as
//! in a scan ([`Part::read`](crate::evidence::part::Part::read)), so that both give the same answers.
//!
//! # Layout
//!
//! | file | idea |
//! |---|---|
//! | `folder.rs` | the directory: whose it is, in which layout, who has it now |
//! | `store.rs` | the database in it, and its keys |
//! | `topics.rs` | which topic is still the same |
//! | `row.rs` | one record of a saga |
//! | `state.rs` | how far a partition was read, and what else it tells |
//! | `follow.rs` | reading on, several partitions at once |
//! | `chunk.rs` | what is written at once |
//! | `current.rs` | an index that is read to the ends, asked for sagas |
//! | `forget.rs` | what retention has deleted from the topics |
//! | `watch.rs` `command.rs` | progress, and `kolo index` |

mod chunk;
mod command;
mod current;
mod folder;
mod follow;
mod forget;
mod row;
mod state;
mod store;
mod topics;
mod watch;

use std::path::Path;

use kolo_core::EventId;
use kolo_core::choreography::Manifest;
use rdkafka::consumer::Consumer;

use crate::cluster::{ANSWER, Cluster};
use crate::failure::Failure;

pub(crate) use command::run;
pub(crate) use current::{Current, Which};
pub(crate) use watch::Watch;

use folder::Folder;
use store::{Store, StoreError};

/// An index that this process has alone.
pub(crate) struct Index {
    // Declared first, so that it is closed before the directory is given back.
    store: Store,
    folder: Folder,
}

impl Index {
    /// Opens the index of these brokers in a directory, which is made if need be. Waits a while for a process that has it.
    pub(crate) fn open(path: &Path, cluster: &Cluster<'_>) -> Result<Self, Failure> {
        let id = cluster.reader.client().fetch_cluster_id(ANSWER);
        let id = id.ok_or_else(|| {
            Failure::run("the brokers do not say which cluster they are, so that nobody can tell whether the index is of this one")
        })?;
        let folder = Folder::take(path, &id)?;
        let store = Store::open(&folder.store());
        let store = store.map_err(|error| failed(folder.path(), &error))?;
        Ok(Index { store, folder })
    }

    /// Takes up what the services declare now. If it is not what it was, sagas that were over may wait for somebody new: all
    /// are [open](Which::Open) again.
    pub(crate) fn declare(&self, manifests: &[Manifest]) -> Result<(), Failure> {
        let reactions = manifests.iter().map(|manifest| {
            let mut manifest = manifest.clone();
            manifest.partitions.clear();
            manifest.to_json()
        });
        let declared = EventId::foreign(&reactions.collect::<String>());
        let opened = self.store.declare(declared);
        opened.map_err(|error| self.failed(&error))
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Closes it, so that the next opening is quick. One that is dropped instead loses nothing.
    pub(crate) fn close(self) -> Result<(), Failure> {
        let Index { store, folder } = self;
        let closed = store.close();
        closed.map_err(|error| failed(folder.path(), &error))
    }

    fn failed(&self, error: &StoreError) -> Failure {
        failed(self.path(), error)
    }
}

fn failed(path: &Path, error: &StoreError) -> Failure {
    Failure::run(format!(
        "the index in {} cannot be used: {error}. It holds nothing that is not in the topics: delete the directory, and it is built again; without --index the topics are read instead.",
        path.display()
    ))
}
