//! What is stored of a group, and how it is read back.

/// A stored entry that cannot be read: the start stops, rather than go on without what groups committed.
#[derive(Debug, thiserror::Error)]
#[error("a stored entry of the group coordinator cannot be read: {0}")]
pub(crate) struct EntryError(#[from] serde_json::Error);
