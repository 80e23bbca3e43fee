//! Keys out of memory: swap space on the local disk for aggregates that keep snapshots.
//!
//! | file | idea |
//! |---|---|
//! | `store` | the keys of one partition |
//! | `mod` | a service's database: empty when it is opened, deleted when it is closed |
//!
//! One fjall database a service, one keyspace a take-over. Nothing is synced, since nobody begins with what is left here.

mod store;
#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use fjall::{Database, KeyspaceCreateOptions};
use parking_lot::Mutex;

pub use store::Store;

/// What the store itself takes of memory: blocks that were read, for all partitions,
const CACHE_BYTES: u64 = 16 << 20;
/// and what is not written to a table yet, for each of them.
const BUFFER_BYTES: u64 = 4 << 20;

/// How many bytes of keys a service may have in memory, and how many partitions share them.
struct Memory {
    all_bytes: usize,
    partitions: AtomicUsize,
    /// What each partition may have.
    share_bytes: Arc<AtomicUsize>,
}

impl Memory {
    fn count(&self, change: impl Fn(usize) -> usize) {
        let before = self
            .partitions
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
                Some(change(now))
            });
        let now = change(before.unwrap_or_default()).max(1);
        self.share_bytes
            .store(self.all_bytes / now, Ordering::Relaxed);
    }
}

/// The cold keys of one service in this process.
pub struct Cold {
    folder: PathBuf,
    database: Mutex<Option<Database>>,
    memory: Arc<Memory>,
    opened: AtomicU64,
}

impl Cold {
    /// Opens an empty database in the folder `cold` of a service's own folder, which no other process may use. The keys of
    /// all partitions together may take `memory_bytes` of memory.
    ///
    /// # Errors
    /// When the folder cannot be emptied or used.
    pub fn open(folder: &Path, memory_bytes: usize) -> io::Result<Self> {
        let folder = folder.join("cold");
        wipe(&folder)?;
        let database = Database::builder(&folder)
            .cache_size(CACHE_BYTES)
            .manual_journal_persist(true)
            .worker_threads(1)
            .open()
            .map_err(io::Error::other)?;
        Ok(Cold {
            folder,
            database: Mutex::new(Some(database)),
            memory: Arc::new(Memory {
                all_bytes: memory_bytes,
                partitions: AtomicUsize::new(0),
                share_bytes: Arc::new(AtomicUsize::new(memory_bytes)),
            }),
            opened: AtomicU64::new(0),
        })
    }

    /// How many bytes of keys each partition may have in memory; another number with each partition that comes or goes.
    pub fn share_bytes(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.memory.share_bytes)
    }

    /// An empty store for a partition that is taken over.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn store(&self, aggregate: &str, partition: i32) -> io::Result<Store> {
        let database = self.database.lock().clone();
        let database = database.ok_or_else(|| io::Error::other("the service stops"))?;
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        let keyspace = database.keyspace(&number.to_string(), || {
            KeyspaceCreateOptions::default()
                .max_memtable_size(BUFFER_BYTES)
                .manual_journal_persist(true)
        });
        let keyspace = keyspace.map_err(io::Error::other)?;
        let of = format!("{aggregate} partition {partition}");
        Ok(Store::new(of, database, keyspace, Arc::clone(&self.memory)))
    }

    /// Deletes everything. Stores that are still in use fail from now on.
    pub fn close(&self) {
        drop(self.database.lock().take());
        if let Err(error) = wipe(&self.folder) {
            tracing::warn!(
                "{} stays behind, and is deleted at the next start: {error}",
                self.folder.display()
            );
        }
    }
}

fn wipe(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
