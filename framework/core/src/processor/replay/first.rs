//! The first pass: the stream in order, each decision on the state as of then.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::declaration::Declaration;
use crate::event::OwnEvents;
use crate::id::EventId;
use crate::state::State;
use crate::stream::{Cursor, Verdict};
use crate::wire::{Fence, MARKER, Marker, PARKED, Record, Source, Stamp};

use super::super::owner::Owner;
use super::super::restore::own_json;
use super::super::{ProcessorError, Setup, StreamProblem};
use super::compare::Answer;
use super::inputs::Until;
use super::judge::Subject;
use super::second::Again;
use super::{Compared, Decided, Finding, Replay, ReplayError, ReplayFilter, ReplayInputs};

/// One partition of a stream, decided again.
pub(crate) struct Rehearsal<S: State> {
    pub(super) declaration: Arc<Declaration<S>>,
    pub(super) setup: Setup,
    pub(super) filter: ReplayFilter,
    /// Folds what was recorded, and decides.
    pub(super) owner: Owner<S>,
    /// Whose records are read.
    epoch: i64,
    version: u32,
    /// The last record that tells how far each input was decided.
    pub(super) told: Vec<i64>,
    /// The last record of each key.
    pub(super) changed: HashMap<String, i64>,
    /// The inputs without an answer, by their ids, as long as none has come: one may be given later, by a replay.
    pub(super) missing: HashMap<EventId, Vec<Compared>>,
    /// What a second look must tell.
    pub(super) again: Again,
    pub(super) is_second: bool,
}

impl<S: State> Rehearsal<S> {
    pub(crate) fn new(
        declaration: Arc<Declaration<S>>,
        setup: Setup,
        filter: ReplayFilter,
    ) -> Self {
        let owner = Owner::new(Arc::clone(&declaration), setup.clone());
        Rehearsal {
            declaration,
            filter,
            told: vec![-1; owner.inputs.len()],
            owner,
            setup,
            epoch: 0,
            version: 0,
            changed: HashMap::new(),
            missing: HashMap::new(),
            again: Again::default(),
            is_second: false,
        }
    }

    fn problem(&self, offset: i64, problem: StreamProblem) -> ReplayError {
        ReplayError::Stream(ProcessorError::Stream {
            topic: S::Event::STREAM,
            partition: self.setup.partition,
            offset,
            problem,
        })
    }

    fn fence(&mut self, record: &Record<'_>) -> Result<(), StreamProblem> {
        let fence: Fence = own_json("kolo.fence", record.value.unwrap_or_default())?;
        self.epoch = record.offset;
        self.version = fence.version;
        self.owner.fold_fence(fence)
    }

    /// A marker tells how far each input was read: what of it has no answer by now was decided with nothing.
    fn marker(
        &mut self,
        marker: &Marker,
        decided: Decided,
        inputs: &mut dyn ReplayInputs,
        tell: &mut dyn FnMut(Compared),
    ) -> Result<(), ReplayError> {
        for read in &marker.reads {
            let known = &self.setup.inputs;
            let Some(input) = known.iter().position(|input| input.id == read.topic) else {
                continue;
            };
            let met = self.read_input(input, &Until::Read(read.next), decided, inputs)?;
            met.silent.into_iter().for_each(&mut *tell);
            self.told[input] = decided.offset;
        }
        Ok(())
    }

    /// An answer: what it answers is decided before it is taken up.
    fn answer(
        &mut self,
        stamp: &Stamp,
        key: &str,
        answer: Answer,
        decided: Decided,
        inputs: &mut dyn ReplayInputs,
        tell: &mut dyn FnMut(Compared),
    ) -> Result<(), ReplayError> {
        let cause = stamp.causation.unwrap_or_else(|| EventId::foreign(""));
        if let Some(of_id) = self.missing.get_mut(&cause) {
            // Copies of one event have its id, and other keys.
            let late = of_id.extract_if(.., |missing| missing.key == key);
            late.for_each(|late| tell(late.same()));
        }
        match stamp.source {
            Source::Input { .. } | Source::Copy { .. } => {}
            Source::Deadline(due) => {
                self.deadline(due, key, &answer, decided)
                    .into_iter()
                    .for_each(tell);
                return Ok(());
            }
            Source::Parked => {
                self.redriven(key, answer, decided)
                    .into_iter()
                    .for_each(tell);
                return Ok(());
            }
            Source::None => {
                let reply = Subject {
                    on: "reply",
                    key,
                    id: cause,
                    place: None,
                    published: decided.at,
                };
                self.unjudged(Finding::Reply, reply, &answer, decided)
                    .into_iter()
                    .for_each(tell);
                return Ok(());
            }
        }
        let place = self.owner.place_of(stamp.source);
        let goal = place.and_then(|(origin, partition, position)| {
            let input = self.input_of(origin)?;
            Some((input, Until::Answered(origin, partition, position)))
        });
        let mut found = None;
        if let Some((input, until)) = goal {
            let met = self.read_input(input, &until, decided, inputs)?;
            // Where it is gone, nobody knows what of the others came before it.
            if met.found.is_some() {
                met.silent.into_iter().for_each(&mut *tell);
            }
            self.told[input] = decided.offset;
            found = met.found;
        }
        let compared = match found {
            None => {
                let gone = Subject {
                    on: "?",
                    key,
                    id: cause,
                    place: None,
                    published: decided.at,
                };
                self.unjudged(Finding::Gone, gone, &answer, decided)
            }
            Some(input) if answer.is(PARKED) => {
                self.unjudged(Finding::Parked, input.subject(), &answer, decided)
            }
            Some(input) => self.judge(input, answer, decided),
        };
        compared.into_iter().for_each(tell);
        Ok(())
    }
}

impl<S: State> Replay for Rehearsal<S> {
    fn take(
        &mut self,
        record: &Record<'_>,
        inputs: &mut dyn ReplayInputs,
        tell: &mut dyn FnMut(Compared),
    ) -> Result<(), ReplayError> {
        let offset = record.offset;
        let verdict = self.owner.reader.read(offset, &record.headers);
        let verdict = verdict.map_err(|error| self.problem(offset, error.into()))?;
        let stamp = match verdict {
            Verdict::Fence(_) => {
                let fenced = self.fence(record);
                return fenced.map_err(|problem| self.problem(offset, problem));
            }
            Verdict::Valid(stamp) => stamp,
            Verdict::Void(_) | Verdict::Unfenced(_) => return Ok(()),
        };
        let event_type = record.headers.event_type.unwrap_or_default();
        let key = record.key.and_then(|key| std::str::from_utf8(key).ok());
        let key = key.unwrap_or_default();
        if self.is_second {
            let looked = self.take_again(&stamp, key, record, tell);
            return looked.map_err(|problem| self.problem(offset, problem));
        }
        let decided = Decided {
            offset,
            at: record.timestamp,
            epoch: self.epoch,
            version: self.version,
        };
        if event_type == MARKER {
            let marker = own_json(MARKER, record.value.unwrap_or_default());
            let marker = marker.map_err(|problem| self.problem(offset, problem))?;
            self.marker(&marker, decided, inputs, tell)?;
        } else if stamp.index == 1 {
            let answer = Answer::of(record, stamp.correlation);
            self.answer(&stamp, key, answer, decided, inputs, tell)?;
        }
        let folded = self.owner.fold_valid(&stamp, record);
        folded.map_err(|problem| self.problem(offset, problem))?;
        if event_type != MARKER {
            self.changed.entry_ref(key).insert(offset);
        }
        Ok(())
    }

    fn look_again(&mut self, tell: &mut dyn FnMut(Compared)) -> bool {
        if self.is_second {
            self.again.rest().for_each(tell);
            return false;
        }
        let missing = self.missing.drain().flat_map(|(_, of_id)| of_id);
        missing.for_each(&mut *tell);
        if !self.again.begin() {
            return false;
        }
        self.is_second = true;
        self.owner = Owner::new(Arc::clone(&self.declaration), self.setup.clone());
        self.changed.clear();
        true
    }

    fn cursor(&self) -> Option<Cursor> {
        self.owner.reader.cursor()
    }
}
