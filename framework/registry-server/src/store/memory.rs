//! A log in memory, for tests: it can outlive a registry, and refuse what it is asked for.

use std::sync::Arc;

use parking_lot::Mutex;

use super::{Record, Store, StoreError, StoreFuture};

/// A log in memory. Its clones are one log, so that a registry can be started on what another left.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    records: Vec<Record>,
    loses: Option<Loss>,
}

#[derive(Debug, Clone, Copy)]
enum Loss {
    Records,
    Acknowledgements,
}

impl MemoryStore {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All records so far, oldest first.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.0.lock().records.clone()
    }

    /// From now on nothing is taken.
    pub fn refuse(&self) {
        self.0.lock().loses = Some(Loss::Records);
    }

    /// From now on everything is taken, and nothing acknowledged: as when a broker's answer is lost.
    pub fn lose_acknowledgements(&self) {
        self.0.lock().loses = Some(Loss::Acknowledgements);
    }

    /// Everything is taken and acknowledged again.
    pub fn recover(&self) {
        self.0.lock().loses = None;
    }
}

impl Store for MemoryStore {
    fn load(&mut self) -> StoreFuture<'_, Vec<Record>> {
        let records = self.records();
        Box::pin(async move { Ok(records) })
    }

    fn append(&mut self, records: Vec<Record>) -> StoreFuture<'_, ()> {
        let mut kept = self.0.lock();
        if !matches!(kept.loses, Some(Loss::Records)) {
            kept.records.extend(records);
        }
        let acknowledged = match kept.loses {
            None => Ok(()),
            Some(_) => Err(StoreError("it was told to refuse".to_owned())),
        };
        Box::pin(async move { acknowledged })
    }
}
