//! The processor: one aggregate on one partition of its stream, without IO. Record in, records out.
//!
//! | phase | the shell calls | then |
//! |---|---|---|
//! | take-over | [`Processor::fence`] | appends it and waits for the acknowledgement |
//! | | [`Processor::fenced`] | reads the stream from its start up to the fence |
//! | restore | [`Snapshots::load`], [`Snapshots::load_key`] | if there is a snapshot: reads the stream only from its end |
//! | | [`Processor::restore`] for each record | |
//! | | [`Processor::start`] | completes a torn answer, says where to resume and which effects are pending |
//! | work | [`Processor::handle`], [`Processor::answer`], [`Processor::exhausted`], [`Processor::pass_deadlines`], [`Processor::mark`] | appends what is in the outbox, in order |
//! | | [`Processor::acknowledged`] for each append | reads the gap if there is one, starts the effects that became sound |
//! | | [`Snapshots::snapshot_keys`], [`Snapshots::snapshot`] | every so often keeps what they write |
//!
//! Tools ask a processor that restored for what it knows of a key ([`Inspect`]).
//!
//! Memory runs ahead of the log. Whatever goes wrong, the processor is dropped and another one restores: nothing is patched.

mod answer;
mod answered;
mod appends;
mod arrive;
mod changed;
mod compensate;
mod complete;
mod control;
mod deadlines;
mod decide;
mod draft;
mod entity;
pub(crate) mod inspect;
mod keys;
mod making;
mod names;
mod outbox;
mod own;
mod owner;
mod park;
mod redrive;
pub mod replay;
mod requests;
mod restore;
mod settle;
pub(crate) mod snapshot;

pub(crate) use making::attempt;

pub use appends::EpochEnd;
pub use inspect::{
    Inspect, Inspected, InspectedDeadline, InspectedRequest, InspectedSaga, InspectedState,
};
pub use keys::ColdKeys;
pub use outbox::{Append, Outbox};
pub use snapshot::{Snapshot, SnapshotProblem, Snapshots};

pub use crate::problem::{ProcessorError, StreamProblem};

use std::collections::HashMap;
use std::ops::Range;

use crate::effect::{CallFailure, EffectCall, Reply};
use crate::id::{EventId, TopicId};
use crate::position::Origin;
use crate::stream::StreamReader;
use crate::time::Timestamp;
use crate::wire::{Failure, Parked, Record};

/// What a record may take on the wire: the brokers' default, less what batches and their framing add.
pub const MAX_RECORD_BYTES: usize = 1_000_000;

/// What a processor must know of its surroundings.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Name of the service.
    pub service: String,
    /// The partition of the stream.
    pub partition: i32,
    /// How many partitions the stream has; all input topics have the same.
    pub partitions: i32,
    /// Drawn afresh for each take-over.
    pub nonce: u64,
    /// The topics that are read, in the order of [`crate::Description::direct_topics`], and last the inbox.
    pub inputs: Vec<InputTopic>,
    /// The topics whose events routers copy, in the order of [`crate::Description::routed_topics`].
    pub routed: Vec<InputTopic>,
    /// What a record may take, in bytes.
    pub max_record_bytes: usize,
    /// Take over also from a higher version of the declaration.
    pub allow_downgrade: bool,
    /// What broke a state in this process ([`ProcessorError::Broken`]), by id: it is parked, and not tried again.
    pub broken: HashMap<EventId, Failure>,
    /// The rules in force; all of them but in tests.
    pub rules: Rules,
}

/// One topic as it exists now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputTopic {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: TopicId,
}

/// The rules of the protocol that a test can leave out, to show that it then fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Skip inputs at or below the last decided position of their origin.
    pub skip_by_position: bool,
    /// Skip inputs whose id was answered at their key.
    pub skip_by_id: bool,
    /// Count only valid records when restoring; without it, every record of the stream is folded.
    pub validity: bool,
    /// Complete a torn answer before anything else.
    pub complete_torn: bool,
    /// Write a marker before the next answer when a routed origin has decided positions that no record holds.
    pub marker_before_answer: bool,
    /// Pass over a routed copy whose predecessor was not decided: a router that ended left a hole before it.
    pub chained_copies: bool,
    /// Read a gap in the acknowledged offsets before anything behind it counts.
    pub read_gaps: bool,
    /// Bar a step that is undone, or whose compensation comes before it.
    pub bars: bool,
    /// A compensation that finds a request of its step pending waits for the answer.
    pub undo_waits: bool,
    /// A request that has its answer is not answered again.
    pub answer_once: bool,
    /// The events of one answer have ids of their own.
    pub ids_by_index: bool,
    /// The answers that several keys give to copies of one event have ids of their own.
    pub ids_by_key: bool,
}

impl Rules {
    /// All rules in force.
    pub const ALL: Rules = Rules {
        skip_by_position: true,
        skip_by_id: true,
        validity: true,
        complete_torn: true,
        marker_before_answer: true,
        chained_copies: true,
        read_gaps: true,
        bars: true,
        undo_waits: true,
        answer_once: true,
        ids_by_index: true,
        ids_by_key: true,
    };
}

impl Default for Rules {
    fn default() -> Self {
        Rules::ALL
    }
}

/// What became of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was decided, with this many records in the answer; none means that nothing was to be said.
    Decided(usize),
    /// It was recognised: decided before, at this position or under this id.
    Repeat,
    /// The aggregate does not react to its type, or has no answer to a request without a reply.
    Ignored,
    /// A routed copy behind one that is missing: its router ended, and the next one brings both.
    Unchained,
    /// It was decided with no event: what it was to lead to is barred to its saga.
    Barred,
    /// One of kolo's own records, in an input stream.
    Skipped,
    /// A void record: its writer was replaced, or it is a leftover.
    Void,
    /// It could not be decided, or its key is parked: it is kept in the stream, and waits for a redrive.
    Parked,
    /// A control record in the inbox that says nothing that is known.
    NotUnderstood,
}

/// Where to resume reading an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResumeAt {
    /// At the beginning of the partition.
    Beginning,
    /// At this offset, whose record was decided already: it only tells the fence in force.
    Decided(i64),
    /// At this offset; everything before it was decided.
    Next(i64),
}

/// What a processor needs to begin its work.
#[derive(Debug, Default)]
pub struct Start {
    /// Where to resume each input, in the order of [`Setup::inputs`].
    pub resume: Vec<ResumeAt>,
    /// The effects that were requested and not answered, in the order of their requests.
    pub effects: Vec<EffectCall>,
    /// How many events the restored stream held.
    pub events: u64,
}

/// One aggregate on one partition of its stream.
pub trait Processor: Snapshots + Inspect + Send {
    /// The fence record, to be appended first.
    fn fence(&self, at: Timestamp, out: &mut Outbox);

    /// The fence was acknowledged at this offset: the epoch.
    fn fenced(&mut self, offset: i64);

    /// Folds the next record of the stream before the fence.
    ///
    /// # Errors
    /// When the stream is not one that this declaration may take over, or can read.
    fn restore(&mut self, record: &Record<'_>) -> Result<(), ProcessorError>;

    /// Everything before the fence was folded: completes a torn answer and begins to work.
    ///
    /// # Errors
    /// When the torn answer cannot be completed.
    fn start(&mut self, now: Timestamp, out: &mut Outbox) -> Result<Start, ProcessorError>;

    /// Decides the next record of an input. One that cannot be decided is parked.
    ///
    /// # Errors
    /// When nobody can tell what is valid behind the record, or a state was left half-changed; the processor must be
    /// dropped then.
    fn handle(
        &mut self,
        input: usize,
        record: &Record<'_>,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<Outcome, ProcessorError>;

    /// Answers a request with the reply of its port. A request that has its answer is left alone.
    ///
    /// # Errors
    /// When a state was left half-changed; the processor must be dropped then.
    fn answer(
        &mut self,
        request: EventId,
        reply: Reply,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<Outcome, ProcessorError>;

    /// Answers a request for which its port is called no more, by [`crate::Aggregate::exhausted`]. Where nothing is
    /// declared to answer it, its key is parked.
    ///
    /// # Errors
    /// When a state was left half-changed; the processor must be dropped then.
    fn exhausted(
        &mut self,
        request: EventId,
        failure: &CallFailure,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<Outcome, ProcessorError>;

    /// The earliest deadline of any key.
    fn next_deadline(&mut self) -> Option<Timestamp>;

    /// How many keys have a deadline that was due at `passed`; where more than `limit` have, `limit`.
    fn due_deadlines(&self, passed: Timestamp, limit: usize) -> usize;

    /// Answers deadlines that were due at `passed`, the earliest first and at most `limit` of them; gives how many.
    ///
    /// The caller must have handled every input up to a high watermark that was sampled after `passed`: a deadline is
    /// behind whatever was published before it.
    ///
    /// # Errors
    /// When a state was left half-changed; the processor must be dropped then.
    fn pass_deadlines(
        &mut self,
        passed: Timestamp,
        limit: usize,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<usize, ProcessorError>;

    /// How many inputs were decided or read over since their position was last in a record. Of records of kolo's own in others'
    /// streams, which are skipped, only many count.
    fn unmarked(&self) -> u64;

    /// Appends a marker with all positions.
    fn mark(&mut self, now: Timestamp, out: &mut Outbox);

    /// The next append in order was acknowledged at this offset.
    ///
    /// # Errors
    /// When the epoch is over.
    fn acknowledged(&mut self, offset: i64) -> Result<(), EpochEnd>;

    /// Which offsets of the stream must be read before the appends behind them count.
    fn gap(&self) -> Option<Range<i64>>;

    /// A record of the gap was read.
    ///
    /// # Errors
    /// When it is a fence: the epoch is over.
    fn read_gap(&mut self, record: &Record<'_>) -> Result<(), EpochEnd>;

    /// Takes the effects whose requests have become sound.
    fn sound(&mut self, effects: &mut Vec<EffectCall>);

    /// How many appends have not been found sound yet.
    fn in_flight(&self) -> usize;

    /// The origins by number, as the fence lists them.
    fn origins(&self) -> &[Origin];

    /// The requests without an answer, in their order.
    fn pending(&self) -> Vec<EffectCall>;

    /// Hands out what is parked, key by key, each in order.
    fn parked(&self, take: &mut dyn FnMut(&str, &Parked));

    /// The key that was parked last, with what parked it; none if it was parked before, and something only waits behind.
    fn latest_parked(&self) -> Option<(&str, &Parked)>;

    /// How many keys are parked.
    fn parked_keys(&self) -> usize;

    /// How many keys have a state.
    fn keys(&self) -> usize;
}

/// Restores need no lookahead, so a reader of the stream starts where the stream starts.
pub(crate) const STREAM_START: StreamReader = StreamReader::from_start();
