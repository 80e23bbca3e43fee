//! The environment's steps: the group that assigns, crashes, arriving inputs, time, and disasters.

use super::Stream;
use super::action::Action;
use super::rules::Positions;
use super::state::{Body, Phase, State, small};
use super::takeover;
use crate::explore::Steps;
use crate::violation::Violation;

pub(super) fn initial(model: &Stream) -> State {
    let lengths = model.world.inputs.map(|log| small(log.len()));
    let mut state = State {
        stream: vec![],
        owners: vec![],
        assigned: 0,
        faults: model.world.faults,
        arrived: if model.world.deadline {
            [0; 2]
        } else {
            lengths
        },
        due: None,
        recreated: false,
        truncated: false,
        committed: [0; 2],
        ignored: vec![],
        violation: None,
    };
    if model.world.input_recreated {
        state.arrived[1] = 0;
    }
    takeover::start(model, &mut state);
    state
}

pub(super) fn steps(model: &Stream, state: &State, steps: &mut Steps<Stream>) {
    assign(model, state, steps);
    crash(state, steps);
    arrive(model, state, steps);
    recreate(model, state, steps);
    truncate(model, state, steps);
}

/// The group gives the partition to a new process: after the assigned one is gone, or, by fault, while it lives on.
fn assign(model: &Stream, state: &State, steps: &mut Steps<Stream>) {
    let from = state.assigned;
    if state.owners[from].phase == Phase::Gone {
        let mut next = state.clone();
        let owner = assign_new(model, &mut next);
        steps.progress(Action::Assign { owner }, next);
    } else if state.faults > 0 {
        let mut next = state.clone();
        next.faults -= 1;
        let to = assign_new(model, &mut next);
        steps.fault(Action::Rebalance { from, to }, next);
    }
}

/// Starts an owner and assigns the partition to it.
pub(super) fn assign_new(model: &Stream, state: &mut State) -> usize {
    if state.owners.len() == model.world.most_owners() {
        state.accuse(Some(Violation::ReplacedWithoutEnd));
    }
    state.assigned = takeover::start(model, state);
    state.assigned
}

fn crash(state: &State, steps: &mut Steps<Stream>) {
    if state.faults == 0 {
        return;
    }
    for owner in 0..state.owners.len() {
        if state.owners[owner].phase.is_live() {
            let mut next = state.clone();
            next.faults -= 1;
            next.owners[owner].end(Phase::Gone);
            steps.fault(Action::Crash { owner }, next);
        }
    }
}

/// Only where there is a deadline do inputs arrive one by one; elsewhere all are there from the start, since an owner
/// that has not read an input yet does not know whether it is there.
fn arrive(model: &Stream, state: &State, steps: &mut Steps<Stream>) {
    if !model.world.deadline {
        return;
    }
    for log in 0..2 {
        if let Some(&id) = model.world.inputs[log].get(usize::from(state.arrived[log])) {
            let mut next = state.clone();
            next.arrived[log] += 1;
            steps.progress(Action::Arrive { log, id }, next);
        }
    }
    if state.due.is_none() {
        let mut next = state.clone();
        next.due = Some(state.arrived);
        steps.progress(Action::FallDue, next);
    }
}

fn recreate(model: &Stream, state: &State, steps: &mut Steps<Stream>) {
    if !model.world.input_recreated || state.recreated {
        return;
    }
    let mut next = state.clone();
    next.recreated = true;
    let length = small(model.world.inputs[1].len());
    if model.rules.origin_by_topic_id {
        next.arrived = [0, length];
    } else {
        // Under its name, the log begins again: clients reset to its beginning.
        next.arrived = [length, 0];
        next.committed[0] = 0;
        for owner in next
            .owners
            .iter_mut()
            .filter(|owner| owner.phase == Phase::Working)
        {
            owner.memory.positions[0] = 0;
        }
    }
    steps.progress(Action::Recreate, next);
}

fn truncate(model: &Stream, state: &State, steps: &mut Steps<Stream>) {
    let Some(&record) = state.stream.last() else {
        return;
    };
    let is_fence = matches!(record.body, Body::Fence { .. });
    if model.world.unclean_election && is_fence && !state.truncated && state.faults > 0 {
        let mut next = state.clone();
        next.faults -= 1;
        next.truncated = true;
        next.stream.pop();
        steps.fault(Action::Truncate { record }, next);
    }
}

/// The id of the input at `offset` of `log`.
pub(super) fn input(model: &Stream, state: &State, log: usize, offset: u8) -> u8 {
    let replaced = state.recreated && !model.rules.origin_by_topic_id;
    model.world.inputs[if replaced { 1 } else { log }][usize::from(offset)]
}

/// Whether inputs carry group offsets in this variant at all.
pub(super) const fn commits(model: &Stream) -> bool {
    !matches!(model.rules.positions, Positions::Stream)
}
