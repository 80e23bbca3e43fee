//! Inputs: finds the input of an answer in its topic, and on the way those that have none.

use crate::position::{OriginNumber, Path, Position};
use crate::state::State;
use crate::stream::Verdict;
use crate::wire::{REPLAY, Record, Stamp, UNROUTED};

use super::super::arrive::predecessor;
use super::first::Rehearsal;
use super::judge::{Input, undecided};
use super::{Compared, Decided, ReplayInputs, Unreadable};

/// How far an input is read.
pub(super) enum Until {
    /// Up to the input at this place, which has an answer.
    Answered(OriginNumber, i32, Position),
    /// Up to this offset.
    Read(i64),
}

/// What was met on the way.
#[derive(Default)]
pub(super) struct Met {
    /// The input that was looked for.
    pub(super) found: Option<Input>,
    /// Findings about inputs before it.
    pub(super) silent: Vec<Compared>,
}

impl<S: State> Rehearsal<S> {
    /// The input that the records of an origin come by.
    pub(super) fn input_of(&self, origin: OriginNumber) -> Option<usize> {
        let inputs = &self.owner.inputs;
        if let Some(at) = inputs.iter().position(|input| input.origin == Some(origin)) {
            return Some(at);
        }
        let inbox = inputs.len().checked_sub(1)?;
        let origin = self.owner.positions.origins().get(usize::from(origin))?;
        let by_inbox = match origin.path {
            Path::Route(_) => true,
            Path::Direct => origin.id == self.owner.setup.inputs[inbox].id,
        };
        by_inbox.then_some(inbox)
    }

    /// Reads an input. Those that are met before the goal were decided with nothing, by the record that is looked at.
    pub(super) fn read_input(
        &mut self,
        input: usize,
        until: &Until,
        decided: Decided,
        inputs: &mut dyn ReplayInputs,
    ) -> Result<Met, Unreadable> {
        let mut met = Met::default();
        inputs.each(input, &mut |record| {
            self.meet(input, record, until, decided, &mut met)
        })?;
        Ok(met)
    }

    /// Takes the next record of an input; false if it is behind the goal.
    fn meet(
        &mut self,
        input: usize,
        record: &Record<'_>,
        until: &Until,
        decided: Decided,
        met: &mut Met,
    ) -> bool {
        if met.found.is_some() || matches!(until, Until::Read(next) if record.offset >= *next) {
            return false;
        }
        let mut reader = self.owner.inputs[input].reader;
        let stamp = match reader.read(record.offset, &record.headers) {
            Ok(Verdict::Valid(stamp)) => Some(stamp),
            Ok(Verdict::Unfenced(stamp)) => stamp,
            Ok(Verdict::Fence(_) | Verdict::Void(_)) => {
                self.owner.inputs[input].reader = reader;
                return true;
            }
            // What cannot be read was parked, or has stopped its owner.
            Err(_) => None,
        };
        let (origin, partition, position) = self.owner.place(input, stamp.as_ref(), record);
        // A copy that was passed over comes again, behind the one that was missing before it.
        let after = predecessor(stamp.as_ref());
        let unchained =
            after.is_some_and(|after| !self.owner.positions.passed(origin, partition, after));
        let mut is_goal = false;
        if let Until::Answered(wanted, of, goal) = *until
            && (wanted, of) == (origin, partition)
            && !unchained
        {
            is_goal = position == goal;
            // Where it should stand is something later: it is gone.
            if position > goal {
                return false;
            }
        }
        self.owner.inputs[input].reader = reader;
        let passed = self.owner.positions.passed(origin, partition, position);
        if is_goal {
            met.found = Some(self.input(input, stamp, (partition, position), record));
        } else if !passed && !unchained {
            let silent = self.silent(input, stamp, (partition, position), record, decided);
            met.silent.extend(silent);
            let positions = &mut self.owner.positions;
            positions.advance(origin, partition, position);
        }
        true
    }

    /// The finding about an input that has no answer, if it is one that is decided at all.
    fn silent(
        &mut self,
        at_input: usize,
        stamp: Option<Stamp>,
        place: (i32, Position),
        record: &Record<'_>,
        decided: Decided,
    ) -> Option<Compared> {
        let event_type = self.event_type(at_input, record);
        let routed = self.owner.inputs[at_input].origin.is_none();
        let is_replay = event_type == Some(REPLAY) && routed;
        if !is_replay && !event_type.is_some_and(|of| self.owner.names.concerns(of, routed)) {
            return None;
        }
        // Before it is copied: most are decided with nothing, or are not looked at.
        let key = record.key.and_then(|key| std::str::from_utf8(key).ok())?;
        if !self.filter.wants(key, record.timestamp, decided.at) {
            return None;
        }
        let input = self.input(at_input, stamp, place, record);
        self.judge_silent(at_input, input, decided)
    }

    fn event_type<'r>(&self, input: usize, record: &Record<'r>) -> Option<&'r str> {
        let sole = self.owner.names.sole_types[input];
        record.headers.event_type.or(sole)
    }

    /// What is kept of an input while it is looked at. A control record is the input that it brings.
    fn input(
        &self,
        input: usize,
        stamp: Option<Stamp>,
        place: (i32, Position),
        record: &Record<'_>,
    ) -> Input {
        let event_type = self.event_type(input, record);
        let (deciding, _) = self.owner.deciding(input, event_type, stamp, record);
        let key = deciding.key.to_owned();
        if event_type == Some(REPLAY)
            && let Ok(replay) = serde_json::from_slice(record.value.unwrap_or_default())
        {
            return Input::of(key, replay);
        }
        if event_type == Some(UNROUTED)
            && let Ok(parked) = serde_json::from_slice(record.value.unwrap_or_default())
        {
            return Input { key, parked };
        }
        let parked = self
            .owner
            .kept(input, place, &deciding, record, undecided());
        Input { key, parked }
    }
}
