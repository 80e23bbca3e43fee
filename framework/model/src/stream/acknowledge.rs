//! The owner's reports: what an acknowledgement, or a failure, tells about who writes the stream (rules 8 and 9).

use super::Stream;
use super::action::Action;
use super::invariants;
use super::rules::{Effects, Validity};
use super::state::{Body, Delivery, Phase, Record, Sent, State};
use super::takeover::complete_torn;
use crate::explore::Steps;

/// The oldest record in flight is reported. Reports count in the order of sending, whatever order they come in.
pub(super) fn acknowledge(model: &Stream, state: &State, owner: usize, steps: &mut Steps<Stream>) {
    let Some(&Sent { record, delivery }) = state.owners[owner].in_flight.first() else {
        return;
    };
    match delivery {
        Delivery::UnderWay => {}
        Delivery::Failed => learn_of_failure(model, state, owner, steps),
        Delivery::Appended(offset) if matches!(record.body, Body::Fence { .. }) => {
            let mut next = state.clone();
            let it = &mut next.owners[owner];
            it.in_flight.remove(0);
            it.epoch = offset;
            it.next_offset = offset + 1;
            it.phase = Phase::Fenced;
            if !model.rules.restores_after_ack {
                it.phase = Phase::Working;
                complete_torn(model, it, owner);
            }
            steps.progress(
                Action::Fenced {
                    owner,
                    epoch: offset,
                },
                next,
            );
        }
        Delivery::Appended(offset) => judge_append(model, state, owner, offset, steps),
    }
}

/// Rule 8: a failed append ends the epoch, whatever else the producer still sends.
fn learn_of_failure(model: &Stream, state: &State, owner: usize, steps: &mut Steps<Stream>) {
    let ends = model.rules.failure_ends_epoch || state.owners[owner].phase == Phase::Fencing;
    let mut next = state.clone();
    next.owners[owner].in_flight.remove(0);
    if ends {
        next.owners[owner].end(Phase::Ended);
    }
    steps.progress(Action::Failure { owner, ends }, next);
}

/// Rule 9: an acknowledged append is sound if it is consecutive, or if what is between holds no fence.
fn judge_append(
    model: &Stream,
    state: &State,
    owner: usize,
    offset: u8,
    steps: &mut Steps<Stream>,
) {
    let mut next = state.clone();
    let it = &mut next.owners[owner];
    let Sent { record, .. } = it.in_flight.remove(0);
    let watches = model.rules.reads_the_gap && model.rules.validity != Validity::Everything;
    let replaced = watches && !nobody_between(&state.stream, it.next_offset, offset);
    it.next_offset = offset + 1;
    let starts = match model.rules.effects {
        Effects::SoundAppends => !replaced,
        Effects::AnyAcknowledgement => true,
        Effects::OnSend => false,
    };
    if replaced {
        it.end(Phase::Ended);
    }
    if starts {
        next.accuse(invariants::effect_of(model, &next, &record));
    }
    let action = if replaced {
        Action::Replaced { owner, offset }
    } else {
        Action::Sound { owner, offset }
    };
    steps.progress(action, next);
}

/// Whether nobody fenced between the expected and the acknowledged offset. An acknowledgement *below* the expected
/// offset, which a producer that sends again can cause, tells nothing and counts as a replacement.
fn nobody_between(stream: &[Record], expected: u8, acknowledged: u8) -> bool {
    let end = usize::from(acknowledged).min(stream.len());
    let gap = stream.get(usize::from(expected)..end);
    gap.is_some_and(|gap| {
        !gap.iter()
            .any(|record| matches!(record.body, Body::Fence { .. }))
    })
}
