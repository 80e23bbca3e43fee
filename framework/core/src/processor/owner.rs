//! The owner: the state of one processor.

use std::ops::Range;
use std::sync::Arc;

use crate::declaration::Declaration;
use crate::effect::{CallFailure, EffectCall, Reply};
use crate::event::OwnEvents;
use crate::id::{EventId, TopicId};
use crate::position::{Origin, OriginNumber, Path, Positions};
use crate::problem::InputProblem;
use crate::state::State;
use crate::stream::{Cursor, StreamReader};
use crate::time::Timestamp;
use crate::wire::{FENCE, Parked, ParkedQueues, Record};

use super::appends::{Appends, EpochEnd};
use super::changed::Changed;
use super::complete::Torn;
use super::deadlines::Deadlines;
use super::draft::Draft;
use super::keys::Keys;
use super::names::Names;
use super::outbox::Outbox;
use super::requests::Requests;
use super::{Outcome, Processor, ProcessorError, Rules, STREAM_START, Setup, Start};

/// How many records that are skipped are read before their positions are made durable: so many are read again by the next owner.
/// `kolo lag` looks at more of them to tell that there is nothing to decide.
const SKIPPED_AT_MOST: u64 = 250;

pub(crate) struct Owner<S: State> {
    pub(super) declaration: Arc<Declaration<S>>,
    pub(super) setup: Setup,
    pub(super) names: Names,
    pub(super) entities: Keys<S>,
    pub(super) pending: Requests,
    pub(super) parked: ParkedQueues,
    pub(super) latest_parked: Option<Box<str>>,
    pub(super) deadlines: Deadlines,
    pub(super) positions: Positions,
    /// How many of the origins stand in this owner's fence; those beyond it were found while restoring.
    pub(super) fenced_origins: usize,
    pub(super) inputs: Vec<Input>,
    /// What the latest markers say about topics that are no inputs any more.
    pub(super) others_marked: Vec<(TopicId, i64, Option<Cursor>)>,
    pub(super) unmarked: u64,
    /// Records of kolo's own in others' streams that were read since the last marker, and would be skipped again.
    pub(super) skipped: u64,
    /// Whether an input of a routed origin was decided with no event since the last marker.
    pub(super) routed_unmarked: bool,
    pub(super) epoch: i64,
    /// Number of the last record appended in this epoch.
    pub(super) number: u64,
    pub(super) appends: Appends,
    /// While restoring: the reader of the own stream, the origins of the fence in force, and the open answer.
    pub(super) reader: StreamReader,
    pub(super) fence_origins: Vec<OriginNumber>,
    pub(super) torn: Option<Torn>,
    /// How many events the stream holds.
    pub(super) events: u64,
    /// The newest version of the declaration that fenced this stream.
    pub(super) newest_version: u32,
    /// Whether the stream has shown whose it is: its first fence tells.
    pub(super) is_known: bool,
    pub(super) changed: Changed,
    pub(super) scratch: Scratch<S>,
}

/// One topic that is read, in the partition of the stream's own number.
pub(super) struct Input {
    /// Its number as an origin; `None` for the inbox, whose copies name their own.
    pub(super) origin: Option<OriginNumber>,
    pub(super) reader: StreamReader,
    /// The next offset to read; `None` until it is known together with the reader's cursor.
    pub(super) next: Option<i64>,
    /// The decided record that reading resumes at.
    pub(super) resumes_at: Option<i64>,
    /// What the latest marker says.
    pub(super) marked: Option<(i64, Option<Cursor>)>,
}

/// Buffers that are used again for each decision.
pub(super) struct Scratch<S: State> {
    pub(super) key: String,
    pub(super) events: Vec<S::Event>,
    pub(super) draft: Draft,
    pub(super) stamp: String,
    pub(super) rest: Vec<u8>,
    /// Whether answers are only looked at: no state takes them up.
    pub(super) rehearses: bool,
    /// The rules in force.
    pub(super) rules: Rules,
}

impl<S: State> Default for Scratch<S> {
    fn default() -> Self {
        Scratch {
            key: String::new(),
            events: Vec::new(),
            draft: Draft::default(),
            stamp: String::new(),
            rest: Vec::new(),
            rehearses: false,
            rules: Rules::ALL,
        }
    }
}

impl<S: State> Owner<S> {
    pub(crate) fn new(declaration: Arc<Declaration<S>>, setup: Setup) -> Self {
        let mut positions = Positions::default();
        let direct = declaration.direct_topics().len();
        let mut inputs = Vec::with_capacity(setup.inputs.len());
        for (at, topic) in setup.inputs.iter().enumerate() {
            let origin = (at < direct).then(|| {
                positions.number(&Origin {
                    path: Path::Direct,
                    id: topic.id,
                    topic: topic.name.clone(),
                })
            });
            inputs.push(Input {
                origin,
                reader: STREAM_START,
                next: None,
                resumes_at: None,
                marked: None,
            });
        }
        for topic in &setup.routed {
            positions.number(&Origin {
                path: Path::CURRENT_ROUTE,
                id: topic.id,
                topic: topic.name.clone(),
            });
        }
        Owner {
            names: Names::new(&declaration, &setup),
            declaration,
            entities: Keys::in_memory(),
            pending: Requests::default(),
            parked: ParkedQueues::default(),
            latest_parked: None,
            deadlines: Deadlines::default(),
            fenced_origins: positions.origins().len(),
            positions,
            inputs,
            others_marked: Vec::new(),
            unmarked: 0,
            skipped: 0,
            routed_unmarked: false,
            epoch: 0,
            number: 0,
            appends: Appends::default(),
            reader: STREAM_START,
            fence_origins: Vec::new(),
            torn: None,
            events: 0,
            newest_version: 0,
            is_known: false,
            changed: Changed::ALL,
            scratch: Scratch {
                rules: setup.rules,
                ..Scratch::default()
            },
            setup,
        }
    }

    pub(super) fn input_error(
        &self,
        input: usize,
        record: &Record<'_>,
        problem: InputProblem,
    ) -> ProcessorError {
        let key = record.key.map_or_else(
            || "(none)".into(),
            |key| format!("`{}`", String::from_utf8_lossy(key)),
        );
        ProcessorError::Input {
            topic: self.setup.inputs[input].name.clone(),
            partition: self.setup.partition,
            offset: record.offset,
            key,
            event_type: record.headers.event_type.unwrap_or("(none)").to_owned(),
            problem: Box::new(problem),
        }
    }
}

impl<S: State> Owner<S> {
    /// What is decided while a key cannot be read back is a guess: it is taken back, and this owner is at its end.
    fn unless_cold_fails<T>(
        &mut self,
        out: &mut Outbox,
        decide: impl FnOnce(&mut Self, &mut Outbox) -> Result<T, ProcessorError>,
    ) -> Result<T, ProcessorError> {
        let records = out.len();
        let decided = decide(self, out);
        if self.entities.has_store() {
            self.make_room();
            if let Some(problem) = self.entities.failure() {
                out.truncate(records);
                return Err(ProcessorError::Cold {
                    problem: Box::new(problem.clone()),
                });
            }
        }
        decided
    }

    pub(super) fn make_room(&mut self) {
        let parked = &self.parked;
        self.entities.make_room(|key| parked.contains(key));
    }
}

impl<S: State> Processor for Owner<S> {
    fn fence(&self, at: Timestamp, out: &mut Outbox) {
        self.write_fence(at, out);
    }

    fn fenced(&mut self, offset: i64) {
        self.epoch = offset;
        self.appends = Appends::start(offset);
    }

    fn restore(&mut self, record: &Record<'_>) -> Result<(), ProcessorError> {
        self.unless_cold_fails(&mut Outbox::default(), |this, _| {
            this.fold(record).map_err(|problem| ProcessorError::Stream {
                topic: S::Event::STREAM,
                partition: this.setup.partition,
                offset: record.offset,
                problem,
            })
        })
    }

    fn start(&mut self, now: Timestamp, out: &mut Outbox) -> Result<Start, ProcessorError> {
        self.unless_cold_fails(out, |this, out| this.begin(now, out))
    }

    fn handle(
        &mut self,
        input: usize,
        record: &Record<'_>,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<Outcome, ProcessorError> {
        self.unless_cold_fails(out, |this, out| this.take(input, record, now, out))
    }

    fn answer(
        &mut self,
        request: EventId,
        reply: Reply,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<Outcome, ProcessorError> {
        self.unless_cold_fails(out, |this, out| this.settle(request, reply, now, out))
    }

    fn next_deadline(&mut self) -> Option<Timestamp> {
        self.earliest_deadline()
    }

    fn due_deadlines(&self, passed: Timestamp, limit: usize) -> usize {
        Owner::due_deadlines(self, passed, limit)
    }

    fn pass_deadlines(
        &mut self,
        passed: Timestamp,
        limit: usize,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<usize, ProcessorError> {
        self.unless_cold_fails(out, |this, out| {
            Owner::pass_deadlines(this, passed, limit, now, out)
        })
    }

    fn exhausted(
        &mut self,
        request: EventId,
        failure: &CallFailure,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<Outcome, ProcessorError> {
        self.unless_cold_fails(out, |this, out| this.give_up(request, failure, now, out))
    }

    fn unmarked(&self) -> u64 {
        // To mark each of them would never end: the marker is one for those that read this stream.
        match self.skipped {
            ..SKIPPED_AT_MOST => self.unmarked,
            _ => self.unmarked + self.skipped,
        }
    }

    fn mark(&mut self, now: Timestamp, out: &mut Outbox) {
        self.append_marker(now, out);
    }

    fn acknowledged(&mut self, offset: i64) -> Result<(), EpochEnd> {
        self.appends.acknowledged(offset)
    }

    fn gap(&self) -> Option<Range<i64>> {
        self.appends.gap().filter(|_| self.setup.rules.read_gaps)
    }

    fn read_gap(&mut self, record: &Record<'_>) -> Result<(), EpochEnd> {
        self.appends
            .read_gap(record.offset, record.headers.event_type == Some(FENCE))
    }

    fn sound(&mut self, effects: &mut Vec<EffectCall>) {
        let read_gaps = self.setup.rules.read_gaps;
        while let Some(request) = self.appends.next_sound(read_gaps) {
            effects.extend(request.and_then(|id| self.pending.call(id)));
        }
    }

    fn in_flight(&self) -> usize {
        self.appends.in_flight()
    }

    fn origins(&self) -> &[Origin] {
        self.positions.origins()
    }

    fn pending(&self) -> Vec<EffectCall> {
        self.pending.calls()
    }

    fn parked(&self, take: &mut dyn FnMut(&str, &Parked)) {
        for key in self.parked.keys() {
            let queue = self.parked.of(key);
            queue.for_each(|queued| take(key, &queued.parked));
        }
    }

    fn latest_parked(&self) -> Option<(&str, &Parked)> {
        let key = self.latest_parked.as_deref()?;
        let is_alone = self.parked.records(key) == 1;
        let first = self.parked.first(key).filter(|_| is_alone)?;
        Some((key, &first.parked))
    }

    fn parked_keys(&self) -> usize {
        self.parked.len()
    }

    fn keys(&self) -> usize {
        self.entities.len()
    }
}
