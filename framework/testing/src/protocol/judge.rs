//! Every input has its answer, or nothing was to be said to it.

use kolo_core::{Event, Path, Position, TopicId};

use super::domain::{EVERYBODY, FACTS, FIRST, Heard, SECOND, Step};

use super::fold::{Cause, Fold};
use super::history::{History, history};
use crate::record::{Stored, at};
use crate::simulation::Seen;

pub(super) fn judge(seen: &Seen<'_>) -> Result<(), String> {
    let first = history(seen, FIRST)?;
    let second = history(seen, SECOND)?;
    let versions: &[u64] = if seen.is_deployed() { &[1, 2] } else { &[1] };
    let facts = seen.partition(FACTS, 0).iter().enumerate();
    let facts =
        facts.map(|(offset, stored)| (&**stored, stored.key_text(), Position::direct(at(offset))));
    let origin = (Path::Direct, seen.topic_id(FACTS));
    decided(FIRST, &first, origin, facts, versions)?;
    let of_type = |event_type: &'static str| {
        let valid = seen.valid_of(FIRST);
        valid.filter(move |valid| valid.stored.event_type == event_type)
    };
    let steps = of_type(Step::TYPE.name).map(|valid| {
        let position = Position::direct(at(valid.offset));
        (&*valid.stored, valid.stored.key_text(), position)
    });
    let id = seen.topic_id(FIRST);
    decided(SECOND, &second, (Path::Direct, id), steps, versions)?;
    let copies = of_type(Heard::TYPE.name).flat_map(|valid| {
        let copy = |key, copy| {
            let offset = at(valid.offset);
            (&*valid.stored, key, Position { offset, copy })
        };
        [copy(valid.stored.key_text(), 0), copy(EVERYBODY, 1)]
    });
    decided(SECOND, &second, (Path::Route(1), id), copies, versions)
}

/// Each input of an origin is answered, or its id is, or nothing is decided for it on a state between the answers to its
/// neighbours.
fn decided<'a>(
    stream: &'static str,
    history: &History,
    (path, topic): (Path, TopicId),
    inputs: impl Iterator<Item = (&'a Stored, &'a str, Position)>,
    versions: &[u64],
) -> Result<(), String> {
    let answer_at = |position: Position| {
        let mut answers = history.answers.iter();
        answers.find(|answer| answer.place == Some((path, topic, position)))
    };
    let mut floor = 0;
    for (input, key, position) in inputs {
        if let Some(answer) = answer_at(position) {
            floor = floor.max(answer.from);
            continue;
        }
        let mut answers = history.answers.iter();
        if answers.any(|answer| answer.cause == input.id && answer.key == key) {
            continue;
        }
        let later = history.answers.iter().filter(|answer| {
            answer.place.is_some_and(|(its_path, its_topic, its)| {
                its_path == path && its_topic == topic && its > position
            })
        });
        let ceiling = later.map(|answer| answer.from).min();
        let ceiling = ceiling.unwrap_or(history.states.len() - 1);
        let cause = Cause::Input {
            event_type: input.event_type,
            key,
            value: input.value(),
        };
        let says_nothing = |place: &usize| {
            let fresh = Fold::new(stream);
            let state = history.states[*place].get(key).unwrap_or(&fresh);
            versions.iter().any(|&version| {
                let said = state.decide(&cause, version);
                said.is_some_and(|said| said.is_empty())
            })
        };
        floor = (floor..=ceiling).find(says_nothing).ok_or_else(|| {
            format!(
                "{stream}: an input is lost, {} at {position:?}",
                input.event_type
            )
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::domain;

    #[test]
    fn the_simulated_service_reads_and_routes_what_the_judge_believes() {
        let declared: Vec<_> = domain::service(1)
            .aggregates()
            .iter()
            .map(|participant| participant.description())
            .collect();
        assert_eq!(declared[0].direct_topics(), [domain::FACTS]);
        assert_eq!(declared[1].direct_topics(), [domain::FIRST]);
        assert_eq!(declared[1].routed_topics(), [domain::FIRST]);
        assert_eq!(declared[0].stream, domain::FIRST);
        assert_eq!(declared[1].stream, domain::SECOND);
    }
}
