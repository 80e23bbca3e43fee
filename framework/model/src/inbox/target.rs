//! The target's steps: read the inbox, skip or decide, mark, append; restart from the stream alone.

use super::Inbox;
use super::action::Action;
use super::rules::Reading;
use super::state::{Copied, Entry, Original, Positions, State, Target, small};
use crate::explore::{Steps, mix};

pub(super) fn steps(model: &Inbox, state: &State, steps: &mut Steps<Inbox>) {
    read(model, state, steps);
    mark(model, state, steps);
    append(state, steps);
    restart(model, state, steps);
}

/// Whether the aggregate answers a copy of `original` with an event, in `state`; drawn from the seed.
fn decides(model: &Inbox, state: u8, original: Original) -> bool {
    let question =
        u64::from(state) * 64 + u64::from(original.origin) * 16 + u64::from(original.offset) + 5;
    mix(model.world.seed.wrapping_mul(977).wrapping_add(question)) % 2 == 1
}

const fn evolve(state: u8, original: Original) -> u8 {
    (2 * state + 3 * original.origin + original.offset + 1) % 5
}

impl Target {
    fn answer(&mut self, to: Original) {
        self.state = evolve(self.state, to);
        self.history.push(to);
        let recorded = &mut self.recorded[usize::from(to.origin)];
        *recorded = (to.offset + 1).max(*recorded);
    }

    fn decided(&mut self, original: Original) {
        let decided = &mut self.positions.decided[usize::from(original.origin)];
        *decided = (original.offset + 1).max(*decided);
    }

    fn send_marker(&mut self) {
        self.recorded = self.positions.decided;
        self.marked = self.positions.read;
        self.in_flight.push(Entry::Marker(self.positions));
    }
}

fn read(model: &Inbox, state: &State, steps: &mut Steps<Inbox>) {
    let at = state.target.positions.read;
    let Some(&Copied { original, previous }) = state.inbox.get(usize::from(at)) else {
        return;
    };
    if state.target.in_flight.len() >= model.world.window {
        return;
    }
    let rules = model.rules;
    let mut next = state.clone();
    let target = &mut next.target;
    let decided = target.positions.decided[usize::from(original.origin)];
    let is_decided = original.offset < decided;
    let is_gap = rules.chained && previous.is_some_and(|previous| previous >= decided);
    let is_answered = target.history.contains(&original);
    let what = if (rules.skips_by_position && is_decided) || (rules.skips_by_id && is_answered) {
        "skipped"
    } else if is_gap {
        "passed over, its predecessor is missing"
    } else if decides(model, target.state, original) {
        if rules.marker_before_answer && target.positions.decided != target.recorded {
            // This copy is not answered until its answer is in the log.
            target.positions.read += u8::from(!rules.marker_excludes_current);
            target.send_marker();
            target.positions.read = at;
        }
        target.in_flight.push(Entry::Answer {
            to: original,
            copy_at: at,
        });
        target.answer(original);
        target.decided(original);
        "answered"
    } else {
        let ignored = (original, target.history.clone());
        if rules.remembers_ignored {
            target.decided(original);
        }
        if let Err(place) = next.ignored.binary_search(&ignored) {
            next.ignored.insert(place, ignored);
        }
        "ignored"
    };
    next.target.positions.read += 1;
    steps.progress(Action::Decide { at, original, what }, next);
}

fn mark(model: &Inbox, state: &State, steps: &mut Steps<Inbox>) {
    let target = &state.target;
    if model.rules.markers && target.in_flight.is_empty() && target.marked != target.positions.read
    {
        let mut next = state.clone();
        next.target.send_marker();
        steps.progress(Action::Mark, next);
    }
}

fn append(state: &State, steps: &mut Steps<Inbox>) {
    if let Some(&entry) = state.target.in_flight.first() {
        let mut next = state.clone();
        next.target.in_flight.remove(0);
        next.stream.push(entry);
        steps.progress(Action::Append { entry }, next);
    }
}

/// Fault: the target loses its memory and what it had in flight, and restores from its stream.
fn restart(model: &Inbox, state: &State, steps: &mut Steps<Inbox>) {
    if state.target_crashes == 0 {
        return;
    }
    let mut next = state.clone();
    next.target_crashes -= 1;
    next.target = restore(model, &state.stream);
    let positions = next.target.positions;
    steps.fault(Action::Restart { positions }, next);
}

fn restore(model: &Inbox, stream: &[Entry]) -> Target {
    let mut target = Target::default();
    for &entry in stream {
        match entry {
            Entry::Answer { to, copy_at } => {
                target.answer(to);
                target.decided(to);
                if model.rules.reading == Reading::FromMarkersAndAnswers {
                    target.positions.read = (copy_at + 1).max(target.positions.read);
                }
            }
            Entry::Marker(Positions { read, decided }) => {
                target.positions.read = read.max(target.positions.read);
                target.marked = read;
                for (known, marked) in target.positions.decided.iter_mut().zip(decided) {
                    *known = marked.max(*known);
                }
            }
        }
    }
    target.recorded = target.positions.decided;
    target
}

/// The second origin: its copies arrive once each, in order, at any time.
pub(super) fn other_arrives(model: &Inbox, state: &State, steps: &mut Steps<Inbox>) {
    if state.others < model.world.records[1] {
        let original = Original {
            origin: 1,
            offset: state.others,
        };
        let at = small(state.inbox.len());
        let mut next = state.clone();
        next.others += 1;
        next.inbox.push(Copied {
            original,
            previous: None,
        });
        steps.progress(Action::Other { at, original }, next);
    }
}
