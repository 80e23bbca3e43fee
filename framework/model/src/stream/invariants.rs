//! What may never be seen in a stream, and what must hold when nothing is left to happen.

use super::Stream;
use super::aggregate::{decide, evolve};
use super::owner::is_request;
use super::reader::{Reader, valid, valid_events};
use super::rules::Validity;
use super::state::{Answer, Body, Cause, DEADLINE_ID, Event, Phase, Record, State, small};
use crate::violation::Violation;

/// P1, P2, P4, P5, P8, P9: asked whenever a record is appended.
pub(super) fn of_the_log(model: &Stream, state: &State) -> Option<Violation> {
    readers_agree(model, &state.stream)
        .or_else(|| answers(model, &state.stream))
        .or_else(|| versions(model, &state.stream))
        .or_else(|| deadline(model, state))
}

/// P5: wherever a reader resumes, with what it kept or at a record that it knows to be valid, it sees what a reader
/// from the start sees.
fn readers_agree(model: &Stream, stream: &[Record]) -> Option<Violation> {
    let rules = model.rules;
    if rules.validity != Validity::LatestFence {
        return None;
    }
    let truth = {
        let mut reader = Reader::from_the_start(rules);
        let judge = |(offset, record)| reader.judge(small(offset), record);
        stream.iter().enumerate().map(judge).collect::<Vec<_>>()
    };
    let agrees = |mut reader: Reader, from: usize| {
        let mut rest = stream.iter().enumerate().skip(from);
        rest.all(|(offset, record)| reader.judge(small(offset), record) == truth[offset])
    };
    let mut reader = Reader::from_the_start(rules);
    for (offset, record) in stream.iter().enumerate() {
        reader.judge(small(offset), record);
        let kept = agrees(reader.restarted(), offset + 1);
        let is_known = truth[offset] || matches!(record.body, Body::Fence { .. });
        let reread = !is_known || agrees(Reader::behind(rules, small(offset), record), offset + 1);
        if !kept || !reread {
            return Some(Violation::ReadersDisagree);
        }
    }
    None
}

/// P1, P2, P4: the valid events are whole answers, each decided on the state before it, each id once, in order.
fn answers(model: &Stream, stream: &[Record]) -> Option<Violation> {
    let mut state = 0;
    let mut open: Option<Event> = None;
    let mut events = 0_u32;
    let mut ids = 0_u16;
    let mut answered = [None; 2];
    for (_, event) in valid_events(model.rules, stream) {
        let Event { answer, index } = event;
        if events & (1 << event.id()) != 0 {
            return Some(Violation::EventTwice);
        }
        events |= 1 << event.id();
        if let Some(before) = open {
            if before.answer.cause != answer.cause || before.answer.id != answer.id {
                return Some(Violation::TornInTheMiddle);
            }
            if before.answer != answer || before.index + 1 != index {
                return Some(Violation::HalvesDisagree);
            }
        } else {
            if index != 0 {
                return Some(Violation::NoFirstRecord);
            }
            if ids & (1 << answer.id) != 0 {
                return Some(Violation::AnsweredTwice);
            }
            ids |= 1 << answer.id;
            let Answer {
                decided_on,
                version,
                id,
                count,
                ..
            } = answer;
            if decided_on != state || decide(&model.world, version, state, id) != count {
                return Some(Violation::StaleDecision);
            }
            if let Cause::Input { log, offset } = answer.cause {
                let last = &mut answered[usize::from(log)];
                if last.is_some_and(|last| offset <= last) {
                    return Some(Violation::OutOfOrder);
                }
                *last = Some(offset);
            }
        }
        open = (!event.is_last()).then_some(event);
        state = evolve(state, answer.id, index);
    }
    None
}

/// P8: what an owner decides, older declarations do not decide after it. A completed answer keeps its version.
fn versions(model: &Stream, stream: &[Record]) -> Option<Violation> {
    let firsts = valid_events(model.rules, stream).filter(|(_, event)| event.index == 0);
    let versions = firsts.map(|(_, event)| event.answer.version);
    (!versions.is_sorted()).then_some(Violation::OlderVersion)
}

/// P9: every input that was in its log when the deadline fell due is decided before the deadline: answered, repeated,
/// or ignored on a state before it and not answered after it.
fn deadline(model: &Stream, state: &State) -> Option<Violation> {
    let backlog = state.due?;
    let events = valid_events(model.rules, &state.stream)
        .map(|(_, event)| event)
        .collect::<Vec<_>>();
    let fired = events
        .iter()
        .position(|event| event.answer.id == DEADLINE_ID)?;
    let history = events.iter().map(|event| event.trace()).collect::<Vec<_>>();
    for (log, &end) in backlog.iter().enumerate() {
        for offset in 0..end {
            let id = model.world.inputs[log][usize::from(offset)];
            let answered = events.iter().position(|event| event.answer.id == id);
            let in_time = match answered {
                Some(answered) => answered < fired,
                None => ignored_on(state, log, offset, &history[..fired])
                    .next()
                    .is_some(),
            };
            if !in_time {
                return Some(Violation::EarlyDeadline);
            }
        }
    }
    None
}

/// After how many of the events in `history` the input was decided with no event; decisions on other histories, which
/// never became valid, do not count.
fn ignored_on(
    state: &State,
    log: usize,
    offset: u8,
    history: &[u8],
) -> impl Iterator<Item = usize> {
    let decisions = state
        .ignored
        .iter()
        .filter(move |it| usize::from(it.log) == log && it.offset == offset);
    decisions
        .filter(|it| history.starts_with(&it.history))
        .map(|it| it.history.len())
}

/// P6: when an effect starts, its request is valid: this record, or a copy of it that the producer sent before.
pub(super) fn effect_of(model: &Stream, state: &State, record: &Record) -> Option<Violation> {
    // With acknowledged records lost, effects are not promised to be requested by valid records.
    let is_judged = is_request(record) && !model.world.unclean_election;
    let is_valid = valid(model.rules, &state.stream).any(|(_, valid)| valid == record);
    (is_judged && !is_valid).then_some(Violation::VoidEffect)
}

/// P3, P4, P7: asked where only faults are left to happen.
pub(super) fn at_rest(model: &Stream, state: &State) -> Option<Violation> {
    if model.world.unclean_election {
        // An owner whose acknowledged fence was cut off does not notice until the next take-over.
        return None;
    }
    let events = valid_events(model.rules, &state.stream)
        .map(|(_, event)| event)
        .collect::<Vec<_>>();
    if events.last().is_some_and(|event| !event.is_last()) {
        return Some(Violation::TornAtRest);
    }
    let lost = inputs_decided(model, state, &events);
    if lost.is_some() {
        return lost;
    }
    let works = state.owners[state.assigned].phase == Phase::Working;
    (!works).then_some(Violation::NobodyWorks)
}

/// P3, P4: each input is answered, or a repeat, or was ignored on a valid state, none before its predecessor was.
fn inputs_decided(model: &Stream, state: &State, events: &[Event]) -> Option<Violation> {
    let history = events.iter().map(|event| event.trace()).collect::<Vec<_>>();
    for (log, inputs) in model.world.inputs.iter().enumerate() {
        // A topic that was deleted, or not created yet, owes nothing.
        if model.world.input_recreated && state.recreated != (log == 1) {
            continue;
        }
        let by_name = state.recreated && !model.rules.origin_by_topic_id;
        let log = if by_name { 0 } else { log };
        let mut done = 0;
        for (offset, &id) in inputs.iter().enumerate() {
            let offset = small(offset);
            let cause = Cause::Input {
                log: small(log),
                offset,
            };
            let answers = |event: &Event| event.answer.id == id && event.answer.cause == cause;
            if let Some(last) = events.iter().rposition(answers) {
                done = last + 1;
                continue;
            }
            if events.iter().any(|event| event.answer.id == id) {
                continue;
            }
            let mut ignored = ignored_on(state, log, offset, &history).peekable();
            if ignored.peek().is_none() {
                return Some(Violation::InputLost);
            }
            done = match ignored.filter(|&after| after >= done).min() {
                Some(after) => after,
                None => return Some(Violation::DecidedBehindIgnored),
            };
        }
    }
    None
}
