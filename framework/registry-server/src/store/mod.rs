//! Where the registry's log is kept.

mod kafka;
mod memory;

use std::pin::Pin;

pub use kafka::KafkaStore;
pub use memory::MemoryStore;

/// One record of the log, in the layout of Confluent's `_schemas`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What it is about; a later record of the same key replaces it.
    pub key: Vec<u8>,
    /// What is so from now on; nothing removes the key.
    pub value: Option<Vec<u8>>,
}

/// A store that did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);

/// What a [`Store`] answers with, later.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Keeps a log. One registry at a time writes to it.
pub trait Store: Send + 'static {
    /// All that was acknowledged, oldest first; of each key at least the latest record.
    ///
    /// # Errors
    /// When it cannot be read.
    fn load(&mut self) -> StoreFuture<'_, Vec<Record>>;

    /// Adds records, and answers when they are safe.
    ///
    /// # Errors
    /// When that is not known of all of them. They may be there all the same: the log is loaded again before the next
    /// call.
    fn append(&mut self, records: Vec<Record>) -> StoreFuture<'_, ()>;
}
