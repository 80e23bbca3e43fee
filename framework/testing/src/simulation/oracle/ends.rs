//! Ends: every saga that began has come to one of the ends that the schemas mark.

use hashbrown::HashSet;

use kolo_core::{CorrelationId, Mark};

use crate::simulation::seen::Seen;
use crate::simulation::violation::{Oracle, Violation};

pub(super) fn check(seen: &Seen<'_>) -> Result<(), Violation> {
    let cast = &seen.world.plan.cast;
    let is_end = |mark| matches!(mark, Mark::Success | Mark::Failure);
    let own = cast.members.iter().flat_map(|member| {
        let own = member.description.own_events.iter();
        own.filter(|event| is_end(event.mark))
            .map(|event| event.name)
    });
    let ends: HashSet<&str> = own.collect();
    if ends.is_empty() {
        return Ok(());
    }
    let valid = cast
        .members
        .iter()
        .flat_map(|member| seen.valid(member.stream));
    let (mut begun, mut ended) = (HashSet::new(), HashSet::new());
    for valid in valid {
        let Some(saga) = valid.stamp.and_then(|stamp| stamp.correlation) else {
            continue;
        };
        begun.insert(saga);
        if ends.contains(valid.stored.event_type) {
            ended.insert(saga);
        }
    }
    for saga in &seen.world.sagas {
        let correlations = saga.facts.iter().filter_map(|(fact, _)| fact.saga);
        let lost: Option<CorrelationId> = correlations
            .into_iter()
            .find(|saga| begun.contains(saga) && !ended.contains(saga));
        if lost.is_some() {
            let message = format!(
                "saga {} has come to no end: no event of it is one that a schema marks as an `outcome`",
                saga.number
            );
            return Err(Violation::new(Oracle::Ends, message));
        }
    }
    Ok(())
}
