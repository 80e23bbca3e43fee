//! Requests: each valid one is answered, and no port was called for another.

use hashbrown::HashSet;

use kolo_core::EventId;
use kolo_core::wire::Source;

use crate::simulation::seen::Seen;
use crate::simulation::violation::{Oracle, Violation};

pub(super) fn check(seen: &Seen<'_>) -> Result<(), Violation> {
    let mut requests: HashSet<EventId> = HashSet::new();
    for member in &seen.world.plan.cast.members {
        let effects = &member.description.effects;
        if effects.is_empty() {
            continue;
        }
        let valid = seen.valid(member.stream);
        let answered: HashSet<EventId> = valid
            .iter()
            .filter_map(|valid| valid.stamp)
            .filter(|stamp| stamp.source == Source::None)
            .filter_map(|stamp| stamp.causation)
            .collect();
        for valid in valid {
            let stored = &valid.stored;
            let is_request = effects
                .iter()
                .any(|effect| effect.request.name == stored.event_type);
            if !is_request {
                continue;
            }
            requests.insert(stored.id);
            if !answered.contains(&stored.id) {
                let message = format!(
                    "{}, key {}: a {} was never answered",
                    member.name,
                    stored.key_text(),
                    stored.event_type
                );
                return Err(Violation::new(Oracle::Requests, message));
            }
        }
    }
    let asked = seen.world.ledger.asked.iter();
    let mut void = asked.filter(|(id, _)| !requests.contains(*id));
    match void.next() {
        None => Ok(()),
        Some((_, asked)) => Err(Violation::new(
            Oracle::Requests,
            format!(
                "a port was called for key {} and a request that is not valid",
                asked.call.key
            ),
        )),
    }
}
