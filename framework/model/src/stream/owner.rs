//! The owner's steps: take over, restore, decide, watch the acknowledgements.

use super::Stream;
use super::action::Action;
use super::aggregate::{decide, evolve};
use super::environment;
use super::invariants;
use super::reader::valid;
use super::rules::{Effects, OlderVersion, Positions, TornAnswers, Validity};
use super::state::{
    Answer, Body, Cause, DEADLINE_ID, Delivery, Event, Ignored, Memory, Owner, Phase, Record, Sent,
    State, small,
};
use crate::explore::Steps;

pub(super) fn steps(model: &Stream, state: &State, owner: usize, steps: &mut Steps<Stream>) {
    match state.owners[owner].phase {
        Phase::Fencing => acknowledge(model, state, owner, steps),
        Phase::Fenced => restore_next(model, state, owner, steps),
        Phase::Working => {
            acknowledge(model, state, owner, steps);
            read(model, state, owner, steps);
            mark(model, state, owner, steps);
            watch_deadline(model, state, owner, steps);
            send_commit(model, state, owner, steps);
        }
        Phase::Ended => take_over_again(model, state, owner, steps),
        Phase::Gone => {}
    }
}

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
fn take_over_again(model: &Stream, state: &State, before: usize, steps: &mut Steps<Stream>) {
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

/// The oldest record in flight is reported. Reports count in the order of sending, whatever order they come in.
fn acknowledge(model: &Stream, state: &State, owner: usize, steps: &mut Steps<Stream>) {
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

/// Rule 3: after the acknowledgement, fold the valid records before the fence; rule 1: unless a newer version fenced.
fn restore_next(model: &Stream, state: &State, owner: usize, steps: &mut Steps<Stream>) {
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

impl Memory {
    /// Folds one own event: when it is decided, and again when it is restored.
    fn apply(&mut self, event: Event) {
        let Answer { cause, id, .. } = event.answer;
        self.state = evolve(self.state, id, event.index);
        self.answered |= 1 << id;
        self.history.push(event.trace());
        if let Cause::Input { log, offset } = cause {
            let recorded = &mut self.recorded[usize::from(log)];
            *recorded = (offset + 1).max(*recorded);
        }
    }
}

impl Owner {
    /// Drops the owner's state; what is under way to the log is beyond its reach.
    pub(super) fn end(&mut self, phase: Phase) {
        self.phase = phase;
        self.in_flight
            .retain(|sent| sent.delivery == Delivery::UnderWay);
        self.memory = Memory::default();
        self.epoch = 0;
        self.next_offset = 0;
        self.next_number = 0;
    }

    fn send(&mut self, nonce: usize, body: Body) {
        let record = Record {
            body,
            epoch: self.epoch,
            nonce: small(nonce),
            number: self.next_number,
        };
        self.next_number += 1;
        self.in_flight.push(Sent {
            record,
            delivery: Delivery::UnderWay,
        });
    }

    /// Sends an answer's events from `first` on, folding each.
    fn send_answer(&mut self, nonce: usize, first: u8, answer: Answer) {
        for index in first..answer.count {
            let event = Event { answer, index };
            self.memory.apply(event);
            self.send(nonce, Body::Event(event));
        }
    }
}

/// Rule 7: a torn answer is completed under the new epoch, from what its first record carries; an owner that does not
/// find it there decides again, with its own version of the declaration.
fn complete_torn(model: &Stream, owner: &mut Owner, nonce: usize) {
    if model.rules.torn == TornAnswers::CompletedFirst {
        complete_now(model, owner, nonce);
    }
}

fn complete_now(model: &Stream, owner: &mut Owner, nonce: usize) {
    let Some((first, mut answer)) = owner.memory.torn.take() else {
        return;
    };
    if !model.rules.first_carries_rest {
        answer.version = model.world.versions.of(nonce);
        answer.count = decide(&model.world, answer.version, answer.decided_on, answer.id);
    }
    owner.send_answer(nonce, first, answer);
}

/// Takes the next input of either log: skip, or decide.
fn read(model: &Stream, state: &State, owner: usize, steps: &mut Steps<Stream>) {
    if state.owners[owner].in_flight.len() >= model.world.window {
        return;
    }
    for log in 0..2 {
        let offset = state.owners[owner].memory.positions[log];
        if offset >= state.arrived[log] {
            continue;
        }
        let id = environment::input(model, state, log, offset);
        let mut next = state.clone();
        next.owners[owner].memory.positions[log] += 1;
        let events = take(model, &mut next, owner, small(log), offset, id);
        steps.progress(
            Action::Decide {
                owner,
                log,
                offset,
                id,
                events,
            },
            next,
        );
    }
}

/// Rule 5, then the decision. Returns how many events it came to, or nothing for an input that is skipped.
fn take(
    model: &Stream,
    state: &mut State,
    owner: usize,
    log: u8,
    offset: u8,
    id: u8,
) -> Option<u8> {
    let it = &mut state.owners[owner];
    let memory = &mut it.memory;
    let decided = offset < memory.recorded[usize::from(log)];
    if decided || (model.rules.skips_by_id && memory.answered & (1 << id) != 0) {
        return None;
    }
    let cause = Cause::Input { log, offset };
    if memory.torn.is_some_and(|(_, torn)| torn.cause == cause) {
        complete_now(model, it, owner);
        return Some(1);
    }
    let version = model.world.versions.of(owner);
    let decided_on = memory.state;
    let count = decide(&model.world, version, decided_on, id);
    if count == 0 {
        let ignored = Ignored {
            log,
            offset,
            history: memory.history.clone(),
        };
        if let Err(place) = state.ignored.binary_search(&ignored) {
            state.ignored.insert(place, ignored);
        }
    } else {
        answer(
            model,
            state,
            owner,
            Answer {
                cause,
                id,
                count,
                decided_on,
                version,
            },
        );
    }
    Some(count)
}

fn answer(model: &Stream, state: &mut State, owner: usize, answer: Answer) {
    let it = &mut state.owners[owner];
    let request = it.in_flight.len();
    it.send_answer(owner, 0, answer);
    let request = it.in_flight[request].record;
    if model.rules.effects == Effects::OnSend {
        state.accuse(invariants::effect_of(model, state, &request));
    }
}

/// Rule 6: when nothing is in flight and positions have moved that the stream does not know.
fn mark(model: &Stream, state: &State, owner: usize, steps: &mut Steps<Stream>) {
    let Owner {
        in_flight, memory, ..
    } = &state.owners[owner];
    if model.rules.markers && in_flight.is_empty() && memory.positions != memory.recorded {
        let mut next = state.clone();
        let positions = next.owners[owner].mark(owner);
        steps.progress(Action::Mark { owner, positions }, next);
    }
}

impl Owner {
    fn mark(&mut self, nonce: usize) -> [u8; 2] {
        let positions = self.memory.positions;
        self.memory.recorded = positions;
        self.send(nonce, Body::Marker(positions));
        positions
    }
}

/// Rule 12: sample the inputs' ends after the due time, read up to them, fire.
fn watch_deadline(model: &Stream, state: &State, owner: usize, steps: &mut Steps<Stream>) {
    let Owner {
        in_flight, memory, ..
    } = &state.owners[owner];
    if state.due.is_none()
        || memory.answered & (1 << DEADLINE_ID) != 0
        || in_flight.len() >= model.world.window
    {
        return;
    }
    if model.rules.deadline_behind_backlog {
        let Some(watermark) = memory.watermark else {
            let mut next = state.clone();
            next.owners[owner].memory.watermark = Some(state.arrived);
            steps.progress(
                Action::Sample {
                    owner,
                    watermark: state.arrived,
                },
                next,
            );
            return;
        };
        if memory
            .positions
            .iter()
            .zip(watermark)
            .any(|(&position, end)| position < end)
        {
            return;
        }
    }
    let mut next = state.clone();
    let it = &mut next.owners[owner];
    if model.rules.marker_before_deadline && it.memory.positions != it.memory.recorded {
        it.mark(owner);
    }
    let version = model.world.versions.of(owner);
    let decided_on = it.memory.state;
    let events = decide(&model.world, version, decided_on, DEADLINE_ID);
    let cause = Cause::Deadline;
    answer(
        model,
        &mut next,
        owner,
        Answer {
            cause,
            id: DEADLINE_ID,
            count: events,
            decided_on,
            version,
        },
    );
    steps.progress(Action::Fire { owner, events }, next);
}

/// Where rule 4 is left out: the group's offsets are committed, before or after the answers are acknowledged.
fn send_commit(model: &Stream, state: &State, owner: usize, steps: &mut Steps<Stream>) {
    let Owner {
        in_flight,
        memory,
        commit,
        ..
    } = &state.owners[owner];
    if !environment::commits(model) || commit.is_some() {
        return;
    }
    let mut offsets = memory.positions;
    if model.rules.positions == Positions::CommittedAfterAck {
        for sent in in_flight {
            if let Body::Event(Event {
                answer:
                    Answer {
                        cause: Cause::Input { log, offset },
                        ..
                    },
                ..
            }) = sent.record.body
            {
                let position = &mut offsets[usize::from(log)];
                *position = offset.min(*position);
            }
        }
    }
    let moved = offsets
        .iter()
        .zip(memory.committed)
        .all(|(&now, before)| now >= before);
    if moved && offsets != memory.committed {
        let mut next = state.clone();
        next.owners[owner].memory.committed = offsets;
        next.owners[owner].commit = Some(offsets);
        steps.progress(Action::SendCommit { owner, offsets }, next);
    }
}

/// Whether `record` may request an effect: the first event of an answer stands for all of them.
pub(super) const fn is_request(record: &Record) -> bool {
    matches!(record.body, Body::Event(Event { index: 0, .. }))
}
