//! What a broker is seen to do.

use uuid::Uuid;

use super::record::Found;

/// What is seen of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Nothing is told.
    Nothing,
    /// What became of records, each by the number of its operation: its offset, or the client's error.
    Reports(Vec<(usize, Result<i64, String>)>),
    Records(Vec<Found>),
    OutOfRange,
    Ends {
        first: i64,
        next: i64,
    },
    Id(Uuid),
    /// Whether it was refused: a record for no partition, or the commit of who is no member any more.
    Refused(bool),
    Committed(Option<(i64, String)>),
}
