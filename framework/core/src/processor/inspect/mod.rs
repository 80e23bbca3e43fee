//! Inspect: what is known of one key, as plain data. For whoever looks at a stream, and never for a decision.
//!
//! | file | idea |
//! |---|---|
//! | `mod` | what a tool asks of a processor |
//! | `inspected` | the answer: one key, and in what two answers differ |
//! | `kept` | a state as it can be shown and compared |
//! | `owner` | where the answer comes from |

mod inspected;
mod kept;
mod owner;

pub use inspected::{Inspected, InspectedDeadline, InspectedRequest, InspectedSaga};
pub use kept::InspectedState;

use crate::position::{Origin, Position};
use crate::wire::{Record, Stamp};

use super::{ProcessorError, SnapshotProblem};

pub(crate) use kept::json;

/// What a tool asks of a processor. Nothing here is called while an owner works.
///
/// ```
/// # fn example(mut processor: Box<dyn kolo_core::processor::Processor>, stream: &[kolo_core::wire::Record<'_>])
/// # -> Result<(), kolo_core::processor::ProcessorError> {
/// for record in stream {
///     processor.restore_key("order-7", record)?;
/// }
/// let deadline = processor.inspect("order-7").and_then(|known| known.deadline);
/// # Ok(()) }
/// ```
pub trait Inspect {
    /// Folds the next record of the stream if it concerns this key, and passes over it otherwise: for who wants to know
    /// of one key, and not to hold all others in memory. Gives the record's stamp if it is a valid one of the key.
    ///
    /// It takes the place of [`Processor::restore`](super::Processor::restore), from the stream's first record on.
    ///
    /// # Errors
    /// When the stream is not one that this declaration can read.
    fn restore_key(
        &mut self,
        key: &str,
        record: &Record<'_>,
    ) -> Result<Option<Stamp>, ProcessorError>;

    /// Everything that is known of a key; `None` if nothing is.
    fn inspect(&self, key: &str) -> Option<Inspected>;

    /// An own event in the words of its own type's `Debug`; the reason where it cannot be read. `None` if the stream has
    /// no such type.
    fn event_text(&self, event_type: &str, value: &[u8]) -> Option<Result<String, String>>;

    /// Hands out every key of which anything is known, in no order.
    fn each_key(&self, take: &mut dyn FnMut(&str));

    /// Appends the bytes that a snapshot would hold of a key, which are the same for all that is the same of it, but for
    /// the order of hash maps in its state. False if nothing is known of the key.
    ///
    /// # Errors
    /// When the state cannot be written, or the aggregate keeps no snapshots.
    fn write_key(&self, key: &str, out: &mut Vec<u8>) -> Result<bool, SnapshotProblem>;

    /// How far each origin's partitions were decided, in an order of their own.
    fn decided(&self) -> Vec<(Origin, i32, Position)>;
}
