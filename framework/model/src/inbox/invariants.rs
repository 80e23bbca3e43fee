//! What may never be seen in the target's stream, and what must hold when nothing is left to happen.

use super::Inbox;
use super::state::{Entry, Original, State};
use crate::violation::Violation;

fn answers(state: &State) -> impl Iterator<Item = Original> {
    state.stream.iter().filter_map(|entry| match *entry {
        Entry::Answer { to, .. } => Some(to),
        Entry::Marker(_) => None,
    })
}

/// P2, P4: no original is answered twice, and the answers to one origin stand in its order.
pub(super) fn of_the_stream(state: &State) -> Option<Violation> {
    let mut next = [0; 2];
    let mut seen = vec![];
    for original in answers(state) {
        if seen.contains(&original) {
            return Some(Violation::AnsweredTwice);
        }
        seen.push(original);
        let next = &mut next[usize::from(original.origin)];
        if original.offset < *next {
            return Some(Violation::OutOfOrder);
        }
        *next = original.offset + 1;
    }
    None
}

/// P3, P4: each original is answered, or was ignored on a state that the stream holds, none before its predecessor.
pub(super) fn at_rest(model: &Inbox, state: &State) -> Option<Violation> {
    let answers = answers(state).collect::<Vec<_>>();
    for (origin, &records) in (0..).zip(&model.world.records) {
        let mut done = 0;
        for offset in 0..records {
            let original = Original { origin, offset };
            if let Some(answered) = answers.iter().position(|&it| it == original) {
                if answered < done {
                    return Some(Violation::DecidedBehindIgnored);
                }
                done = answered + 1;
                continue;
            }
            let decisions = state
                .ignored
                .iter()
                .filter(|(it, after)| *it == original && answers.starts_with(after));
            let mut after = decisions.map(|(_, after)| after.len()).peekable();
            if after.peek().is_none() {
                return Some(Violation::InputLost);
            }
            done = match after.filter(|&after| after >= done).min() {
                Some(after) => after,
                None => return Some(Violation::DecidedBehindIgnored),
            };
        }
    }
    None
}
