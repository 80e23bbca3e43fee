//! Replay: what a stream has recorded is decided again by the code at hand and compared. Nothing is written, and no
//! effect is called.
//!
//! | file | idea |
//! |---|---|
//! | `first.rs` | the stream in order; before each answer its input is decided on the state as of then |
//! | `inputs.rs` | finds the inputs of an answer, and those in between that have none |
//! | `judge.rs` | one decision of then beside the same one today |
//! | `compare.rs` | what was recorded, beside what is said today |
//! | `second.rs` | a second look at the few that one pass cannot tell |
//!
//! The state is always the recorded one: a decision that differs changes nothing for the next. An answer's input is decided
//! without the state taking anything up; where several functions have a share in one answer, each of which sees what
//! those before it emitted, that is not exact, and a second look folds the key again. An input without an answer was
//! decided at some moment between two records that tell how far its topic was decided: it is *missing* an answer only if
//! today's code gives one at every such moment.

mod compare;
mod first;
mod inputs;
mod judge;
mod second;

use std::fmt;

use crate::id::{CorrelationId, EventId};
use crate::stream::Cursor;
use crate::time::Timestamp;
use crate::wire::{Failure, Place, Record, Replay as ReplayRecord};

use super::ProcessorError;

pub(crate) use first::Rehearsal;
pub(super) use judge::undecided;

/// Decides again what one partition of a stream has recorded.
///
/// The caller hands over the stream from its beginning, calls [`Replay::look_again`], and as long as that says so hands
/// over the same records once more. Findings are told on the way, in no certain order.
pub trait Replay: Send {
    /// Takes up the next record of the stream.
    ///
    /// # Errors
    /// When the stream is not one that this declaration can read, or an input cannot be read.
    fn take(
        &mut self,
        record: &Record<'_>,
        inputs: &mut dyn ReplayInputs,
        tell: &mut dyn FnMut(Compared),
    ) -> Result<(), ReplayError>;

    /// The stream has no more records. Says whether it must be read once more, from its beginning.
    fn look_again(&mut self, tell: &mut dyn FnMut(Compared)) -> bool;

    /// The fence in force behind the last record that was taken: what a reader needs who goes on from there.
    fn cursor(&self) -> Option<Cursor>;
}

/// The inputs of an aggregate, read each in its order.
pub trait ReplayInputs {
    /// Hands out the next records of an input, by its number in [`super::Setup::inputs`], as long as `take` takes them.
    /// One that it does not take is handed out first the next time.
    ///
    /// # Errors
    /// When it cannot be read; whoever reads knows why.
    fn each(
        &mut self,
        input: usize,
        take: &mut dyn FnMut(&Record<'_>) -> bool,
    ) -> Result<(), Unreadable>;
}

/// An input cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an input cannot be read")]
pub struct Unreadable;

/// Why a replay cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The stream is not one that this declaration can read.
    #[error(transparent)]
    Stream(#[from] ProcessorError),
    /// An input cannot be read.
    #[error(transparent)]
    Inputs(#[from] Unreadable),
}

/// Which decisions are looked at; all by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplayFilter {
    /// Those that were decided at this time or later.
    pub from: Option<Timestamp>,
    /// Those whose input was published before this time.
    pub to: Option<Timestamp>,
    /// Those of this key.
    pub key: Option<String>,
    /// Those of this saga.
    pub correlation: Option<CorrelationId>,
}

impl ReplayFilter {
    fn wants(&self, key: &str, published: Timestamp, decided: Timestamp) -> bool {
        self.key.as_deref().is_none_or(|wanted| wanted == key)
            && self.from.is_none_or(|from| decided >= from)
            && self.to.is_none_or(|to| published < to)
    }

    fn wants_saga(&self, correlation: CorrelationId) -> bool {
        self.correlation.is_none_or(|wanted| wanted == correlation)
    }
}

/// What became of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Finding {
    /// Today's code says what was recorded; that may be nothing.
    Same,
    /// Today's code says something else.
    Different,
    /// Today's code gives an answer, and none was recorded.
    Missing,
    /// An answer was recorded, and today's code gives none.
    Extra,
    /// Today's code cannot decide it: its key would be parked.
    Undecidable,
    /// It was parked then: a redrive decides it.
    Parked,
    /// The answer to a request: the port's reply stands nowhere, and no port is called again.
    Reply,
    /// The input does not stand in its topic any more, or is none of this declaration's.
    Gone,
}

impl Finding {
    /// All of them.
    pub const ALL: [Finding; 8] = [
        Finding::Same,
        Finding::Different,
        Finding::Missing,
        Finding::Extra,
        Finding::Undecidable,
        Finding::Parked,
        Finding::Reply,
        Finding::Gone,
    ];

    /// Its name, for filters and programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Finding::Same => "same",
            Finding::Different => "different",
            Finding::Missing => "missing",
            Finding::Extra => "extra",
            Finding::Undecidable => "undecidable",
            Finding::Parked => "parked",
            Finding::Reply => "reply",
            Finding::Gone => "gone",
        }
    }

    /// Whether today's code would not have recorded what was recorded.
    #[must_use]
    pub const fn differs(self) -> bool {
        matches!(
            self,
            Finding::Different | Finding::Missing | Finding::Extra | Finding::Undecidable
        )
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One decision, compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// How.
    pub finding: Finding,
    /// What was decided: the input's event type; `deadline`, or `reply`.
    pub on: String,
    /// The key.
    pub key: String,
    /// The input's id, the deadline's, or the request's.
    pub id: EventId,
    /// The saga, where it is known.
    pub correlation: Option<CorrelationId>,
    /// Where the input stands.
    pub place: Option<Place>,
    /// The input's timestamp, or the due time.
    pub published: Timestamp,
    /// When and by whom it was decided.
    pub decided: Decided,
    /// What was recorded. Empty where it is the same.
    pub recorded: Vec<Said>,
    /// What is said today. Empty where it is the same.
    pub today: Vec<Said>,
    /// Why it cannot be decided today.
    pub failure: Option<Failure>,
    /// The input itself where its answer is missing: to have it decided by its owner.
    pub replay: Option<ReplayRecord>,
}

/// When something was decided, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    /// The first record of the answer; where there is none, the record by which it had been decided.
    pub offset: i64,
    /// Its timestamp.
    pub at: Timestamp,
    /// The epoch of the owner: the offset of its fence.
    pub epoch: i64,
    /// The version of its declaration.
    pub version: u32,
}

/// One record of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Full name of its event type, or of one of kolo's own records.
    pub event_type: String,
    /// Its id.
    pub id: EventId,
    /// The event, for people.
    pub text: String,
}
