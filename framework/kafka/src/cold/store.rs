//! The cold keys of one partition.

use std::io::{self, Error};
use std::ops::Bound;
use std::sync::Arc;

use fjall::{Database, Keyspace};
use kolo_core::processor::ColdKeys;

use super::Memory;

/// A checksum of key and bytes stands before the bytes: what the store gives back is what was put, or an error.
const SUM_BYTES: usize = 4;

/// A store of one partition; it is deleted when it is dropped.
pub struct Store {
    /// Whose keys these are, for messages.
    of: String,
    database: Database,
    pub(super) keyspace: Keyspace,
    memory: Arc<Memory>,
    /// Used again for each key.
    summed: Vec<u8>,
    /// Whether the last key was not kept, and that was told.
    is_failing: bool,
}

impl Store {
    pub(super) fn new(
        of: String,
        database: Database,
        keyspace: Keyspace,
        memory: Arc<Memory>,
    ) -> Self {
        memory.count(|partitions| partitions + 1);
        Store {
            of,
            database,
            keyspace,
            memory,
            summed: Vec::new(),
            is_failing: false,
        }
    }
}

impl ColdKeys for Store {
    fn put(&mut self, key: &str, bytes: &[u8]) -> io::Result<()> {
        self.summed.clear();
        self.summed.extend(sum(key.as_bytes(), bytes));
        self.summed.extend_from_slice(bytes);
        let kept = self.keyspace.insert(key, self.summed.as_slice());
        match (&kept, self.is_failing) {
            (Err(error), false) => {
                self.is_failing = true;
                tracing::warn!(
                    "{}: keys cannot be moved to {}, and stay in memory, which grows from now on: {error}. Nothing is lost. \
                    Make room on the disk, and restart the service if this is not said to be over",
                    self.of,
                    self.keyspace.path().display()
                );
            }
            (Ok(()), true) => {
                self.is_failing = false;
                tracing::info!("{}: keys are moved out of memory again", self.of);
            }
            _ => {}
        }
        kept.map_err(Error::other)
    }

    fn get(&self, key: &str) -> io::Result<Option<Vec<u8>>> {
        let found = self.keyspace.get(key).map_err(Error::other)?;
        found
            .map(|summed| checked(key.as_bytes(), &summed).map(<[u8]>::to_vec))
            .transpose()
    }

    fn each(
        &self,
        after: Option<&str>,
        take: &mut dyn FnMut(&str, &[u8]) -> bool,
    ) -> io::Result<bool> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        for guard in self.keyspace.range::<&str, _>((from, Bound::Unbounded)) {
            let (key, summed) = guard.into_inner().map_err(Error::other)?;
            let bytes = checked(&key, &summed)?;
            let key = std::str::from_utf8(&key).map_err(Error::other)?;
            if !take(key, bytes) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.memory.count(|partitions| partitions.saturating_sub(1));
        // What cannot be deleted now is with all the rest, when the service stops or starts again.
        let _ = self.database.delete_keyspace(self.keyspace.clone());
    }
}

fn sum(key: &[u8], bytes: &[u8]) -> [u8; SUM_BYTES] {
    crc32c::crc32c_append(crc32c::crc32c(key), bytes).to_le_bytes()
}

fn checked<'a>(key: &[u8], summed: &'a [u8]) -> io::Result<&'a [u8]> {
    match summed.split_first_chunk() {
        Some((found, bytes)) if *found == sum(key, bytes) => Ok(bytes),
        _ => Err(Error::new(
            io::ErrorKind::InvalidData,
            "its checksum is another one",
        )),
    }
}
