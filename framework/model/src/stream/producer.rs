//! The producers' and the broker's steps: appends that land, late or twice or never, and offset commits on their way.
//!
//! The producer is modelled with the faults that reviews of librdkafka 2.12 found in its idempotent mode: after a batch
//! that failed for good, its successors go through; and a batch that the broker has may be sent again under a new
//! producer epoch, which the broker does not recognise.

use super::Stream;
use super::action::Action;
use super::environment;
use super::invariants;
use super::state::{Delivery, Owner, State, small};
use crate::explore::Steps;

pub(super) fn steps(model: &Stream, state: &State, owner: usize, steps: &mut Steps<Stream>) {
    append(model, state, owner, steps);
    append_again(model, state, owner, steps);
    lose(state, owner, steps);
    drop_one(model, state, owner, steps);
    resend(model, state, owner, steps);
    if environment::commits(model) {
        commit(state, owner, steps);
    }
}

impl Owner {
    /// The first record that is still on its way to the log.
    fn under_way(&self) -> Option<usize> {
        self.in_flight
            .iter()
            .position(|sent| sent.delivery == Delivery::UnderWay)
    }
}

/// The next record lands. That the owner may have crashed or ended in the meantime does not stop it.
fn append(model: &Stream, state: &State, owner: usize, steps: &mut Steps<Stream>) {
    let Some(index) = state.owners[owner].under_way() else {
        return;
    };
    let late = !state.owners[owner].phase.is_live();
    let offset = small(state.stream.len());
    let mut next = state.clone();
    let sent = &mut next.owners[owner].in_flight;
    let record = sent[index].record;
    if late {
        sent.remove(index);
    } else {
        sent[index].delivery = Delivery::Appended(offset);
    }
    next.stream.push(record);
    next.accuse(invariants::of_the_log(model, &next));
    steps.progress(
        Action::Append {
            offset,
            record,
            late,
        },
        next,
    );
}

/// A copy lands. Where the original is not acknowledged yet, its acknowledgement may name either offset.
fn append_again(model: &Stream, state: &State, owner: usize, steps: &mut Steps<Stream>) {
    if state.owners[owner].resends.is_empty() {
        return;
    }
    let offset = small(state.stream.len());
    let mut next = state.clone();
    let record = next.owners[owner].resends.remove(0);
    next.stream.push(record);
    next.accuse(invariants::of_the_log(model, &next));
    let original = next.owners[owner]
        .in_flight
        .iter()
        .position(|sent| sent.record == record && matches!(sent.delivery, Delivery::Appended(_)));
    if let Some(index) = original {
        let mut next = next.clone();
        next.owners[owner].in_flight[index].delivery = Delivery::Appended(offset);
        steps.progress(
            Action::AppendAgain {
                offset,
                record,
                acknowledged: true,
            },
            next,
        );
    }
    steps.progress(
        Action::AppendAgain {
            offset,
            record,
            acknowledged: false,
        },
        next,
    );
}

/// What an owner that is no more had under way may as well never land; from some record on, or all of it.
fn lose(state: &State, owner: usize, steps: &mut Steps<Stream>) {
    let it = &state.owners[owner];
    let has_some = !it.in_flight.is_empty() || !it.resends.is_empty();
    if has_some && !it.phase.is_live() {
        let mut next = state.clone();
        next.owners[owner].in_flight.clear();
        next.owners[owner].resends.clear();
        steps.progress(Action::Lose { owner }, next);
    }
}

/// Fault: one record fails for good and the records behind it are sent all the same.
fn drop_one(model: &Stream, state: &State, owner: usize, steps: &mut Steps<Stream>) {
    if !model.world.producer_drops || state.faults == 0 {
        return;
    }
    let Some(index) = state.owners[owner].under_way() else {
        return;
    };
    let mut next = state.clone();
    next.faults -= 1;
    let it = &mut next.owners[owner];
    let record = it.in_flight[index].record;
    if it.phase.is_live() {
        it.in_flight[index].delivery = Delivery::Failed;
    } else {
        it.in_flight.remove(index);
    }
    steps.fault(Action::Drop { owner, record }, next);
}

/// Fault: records that are in the log but not acknowledged yet will be sent again, one of them or a run up to the end.
fn resend(model: &Stream, state: &State, owner: usize, steps: &mut Steps<Stream>) {
    if !model.world.producer_resends || state.faults == 0 {
        return;
    }
    let appended = state.owners[owner]
        .in_flight
        .iter()
        .filter(|sent| matches!(sent.delivery, Delivery::Appended(_)));
    let appended = appended.map(|sent| sent.record).collect::<Vec<_>>();
    for (index, &first) in appended.iter().enumerate() {
        let rest = appended.len() - index;
        for records in if rest > 1 { vec![1, rest] } else { vec![1] } {
            let mut next = state.clone();
            next.faults -= 1;
            next.owners[owner]
                .resends
                .extend_from_slice(&appended[index..index + records]);
            steps.fault(
                Action::Resend {
                    owner,
                    first,
                    records,
                },
                next,
            );
        }
    }
}

/// An offset commit arrives; nothing holds a zombie's late one back.
fn commit(state: &State, owner: usize, steps: &mut Steps<Stream>) {
    let Some(offsets) = state.owners[owner].commit else {
        return;
    };
    let mut next = state.clone();
    next.owners[owner].commit = None;
    if !state.owners[owner].phase.is_live() {
        steps.progress(Action::LoseCommit { owner }, next.clone());
    }
    next.committed = offsets;
    steps.progress(Action::Commit { owner, offsets }, next);
}
