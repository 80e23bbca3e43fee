//! Taking over: the fence, the restore, the answer that was torn; and taking over again.

use super::Stream;
use super::action::Action;
use super::aggregate::decide;
use super::environment;
use super::reader::valid;
use super::rules::{OlderVersion, TornAnswers, Validity};
use super::state::{
    Answer, Body, Cause, Delivery, Event, Memory, Owner, Phase, Record, Sent, State, small,
};
use crate::explore::Steps;

/// Rule 1: a new owner's first act is its fence. Returns its index.
pub(super) fn start(model: &Stream, state: &mut State) -> usize {
    let index = state.owners.len();
    let mut owner = Owner {
        phase: Phase::Fencing,
        in_flight: vec![],
        resends: vec![],
        epoch: 0,
        next_offset: 0,
        next_number: 1,
        memory: Memory::default(),
        commit: None,
    };
    if model.rules.validity == Validity::Everything {
        owner.phase = Phase::Fenced;
    } else {
        let body = Body::Fence {
            version: model.world.versions.of(index),
        };
        let record = Record {
            body,
            epoch: 0,
            nonce: small(index),
            number: 0,
        };
        owner.in_flight.push(Sent {
            record,
            delivery: Delivery::UnderWay,
        });
    }
    state.owners.push(owner);
    if !model.rules.restores_after_ack {
        restore(model, state, index, state.stream.len());
    }
    index
}

/// Rule 8: being assigned is a state; whoever still is takes over again, whoever is not stays away.
pub(super) fn take_over_again(
    model: &Stream,
    state: &State,
    before: usize,
    steps: &mut Steps<Stream>,
) {
    let is_assigned = before == state.assigned;
    if !model.rules.takes_over_again || (model.rules.confirms_membership && !is_assigned) {
        return;
    }
    let mut next = state.clone();
    next.owners[before].phase = Phase::Gone;
    let owner = environment::assign_new(model, &mut next);
    if !is_assigned {
        next.assigned = state.assigned;
    }
    steps.progress(Action::TakeOverAgain { before, owner }, next);
}

/// Rule 3: after the acknowledgement, fold the valid records before the fence; rule 1: unless a newer version fenced.
pub(super) fn restore_next(model: &Stream, state: &State, owner: usize, steps: &mut Steps<Stream>) {
    let mut next = state.clone();
    let fenced = model.rules.validity != Validity::Everything;
    let end = if fenced {
        state.owners[owner].epoch
    } else {
        small(state.stream.len())
    };
    if fenced && is_outdated(model, &state.stream[..usize::from(end)], owner) {
        next.owners[owner].end(Phase::Gone);
        steps.progress(Action::Refuse { owner }, next);
        return;
    }
    restore(model, &mut next, owner, usize::from(end));
    let it = &mut next.owners[owner];
    it.phase = Phase::Working;
    if !fenced {
        it.next_offset = end;
    }
    let positions = it.memory.positions;
    complete_torn(model, it, owner);
    steps.progress(
        Action::Restore {
            owner,
            end,
            positions,
        },
        next,
    );
}

fn is_outdated(model: &Stream, before: &[Record], owner: usize) -> bool {
    let mut versions = before.iter().filter_map(|record| match record.body {
        Body::Fence { version } => Some(version),
        Body::Event(_) | Body::Marker(_) => None,
    });
    let newest = match model.rules.older_version {
        OlderVersion::TakesOver => None,
        OlderVersion::RefusedByLastFence => versions.next_back(),
        OlderVersion::RefusedByAnyFence => versions.max(),
    };
    newest.is_some_and(|newest| newest > model.world.versions.of(owner))
}

/// Folds the valid records before `end` into the owner's memory.
fn restore(model: &Stream, state: &mut State, owner: usize, end: usize) {
    let mut memory = Memory::default();
    let mut decided_on = 0;
    let mut last = None;
    for (_, record) in valid(model.rules, &state.stream[..end]) {
        match record.body {
            Body::Fence { .. } => {}
            Body::Marker(positions) => {
                for (recorded, position) in memory.recorded.iter_mut().zip(positions) {
                    *recorded = position.max(*recorded);
                }
            }
            Body::Event(event) => {
                if event.index == 0 {
                    decided_on = memory.state;
                }
                memory.apply(event);
                last = Some(event);
            }
        }
    }
    if let Some(Event { answer, index }) = last.filter(|event| !event.is_last()) {
        memory.torn = Some((
            index + 1,
            Answer {
                decided_on,
                ..answer
            },
        ));
        if model.rules.torn == TornAnswers::CompletedWhenReadAgain {
            memory.answered &= !(1 << answer.id);
            if let Cause::Input { log, offset } = answer.cause {
                memory.recorded[usize::from(log)] = offset;
            }
        }
    }
    memory.positions = if environment::commits(model) {
        state.committed
    } else {
        memory.recorded
    };
    memory.committed = memory.positions;
    state.owners[owner].memory = memory;
}

/// Rule 7: a torn answer is completed under the new epoch, from what its first record carries; an owner that does not
/// find it there decides again, with its own version of the declaration.
pub(super) fn complete_torn(model: &Stream, owner: &mut Owner, nonce: usize) {
    if model.rules.torn == TornAnswers::CompletedFirst {
        complete_now(model, owner, nonce);
    }
}

pub(super) fn complete_now(model: &Stream, owner: &mut Owner, nonce: usize) {
    let Some((first, mut answer)) = owner.memory.torn.take() else {
        return;
    };
    if !model.rules.first_carries_rest {
        answer.version = model.world.versions.of(nonce);
        answer.count = decide(&model.world, answer.version, answer.decided_on, answer.id);
    }
    owner.send_answer(nonce, first, answer);
}
