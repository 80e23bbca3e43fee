//! The working owner's steps: read, decide, mark, fire deadlines.

use super::Stream;
use super::action::Action;
use super::aggregate::{decide, evolve};
use super::rules::{Effects, Positions};
use super::state::{
    Answer, Body, Cause, DEADLINE_ID, Delivery, Event, Ignored, Memory, Owner, Phase, Record, Sent,
    State, small,
};
use super::{acknowledge, environment, invariants, takeover};
use crate::explore::Steps;

pub(super) fn steps(model: &Stream, state: &State, owner: usize, steps: &mut Steps<Stream>) {
    match state.owners[owner].phase {
        Phase::Fencing => acknowledge::acknowledge(model, state, owner, steps),
        Phase::Fenced => takeover::restore_next(model, state, owner, steps),
        Phase::Working => {
            acknowledge::acknowledge(model, state, owner, steps);
            read(model, state, owner, steps);
            mark(model, state, owner, steps);
            watch_deadline(model, state, owner, steps);
            send_commit(model, state, owner, steps);
        }
        Phase::Ended => takeover::take_over_again(model, state, owner, steps),
        Phase::Gone => {}
    }
}

impl Memory {
    /// Folds one own event: when it is decided, and again when it is restored.
    pub(super) fn apply(&mut self, event: Event) {
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
    pub(super) fn send_answer(&mut self, nonce: usize, first: u8, answer: Answer) {
        for index in first..answer.count {
            let event = Event { answer, index };
            self.memory.apply(event);
            self.send(nonce, Body::Event(event));
        }
    }
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
        takeover::complete_now(model, it, owner);
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
