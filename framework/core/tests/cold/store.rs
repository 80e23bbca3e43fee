//! A cold store in memory, with faults on request.

use std::collections::BTreeMap;
use std::io::{self, Error};
use std::ops::Bound;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, MutexGuard};

use kolo_core::processor::{ColdKeys, Processor};
use std::sync::Mutex;

#[derive(Default)]
pub(crate) struct Disk {
    pub(crate) keys: BTreeMap<String, Vec<u8>>,
    pub(crate) puts: usize,
    pub(crate) gets: usize,
    pub(crate) is_full: bool,
    pub(crate) is_unreadable: bool,
}

/// The store of one owner; a test has another hand on the disk.
#[derive(Default, Clone)]
pub(crate) struct Store(Arc<Mutex<Disk>>);

impl Store {
    pub(crate) fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().expect("nobody panics with it")
    }

    /// Gives an owner this store, and memory for as few keys as can be.
    pub(crate) fn limit(&self, processor: &mut dyn Processor) {
        processor.keep_cold(Box::new(self.clone()), Arc::new(AtomicUsize::new(1)));
    }
}

impl ColdKeys for Store {
    fn put(&mut self, key: &str, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.disk();
        disk.puts += 1;
        if disk.is_full {
            return Err(Error::from(io::ErrorKind::StorageFull));
        }
        disk.keys.insert(key.into(), bytes.into());
        Ok(())
    }

    fn get(&self, key: &str) -> io::Result<Option<Vec<u8>>> {
        let mut disk = self.disk();
        disk.gets += 1;
        if disk.is_unreadable {
            return Err(Error::other("no disk"));
        }
        Ok(disk.keys.get(key).cloned())
    }

    fn each(
        &self,
        after: Option<&str>,
        take: &mut dyn FnMut(&str, &[u8]) -> bool,
    ) -> io::Result<bool> {
        let disk = self.disk();
        if disk.is_unreadable {
            return Err(Error::other("no disk"));
        }
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut behind = disk.keys.range::<str, _>((from, Bound::Unbounded));
        Ok(behind.all(|(key, bytes)| take(key, bytes)))
    }
}
