//! The barrier, by a fold of its own: only what was done is undone, each once, and nothing happens that is barred.

use hashbrown::{HashMap, HashSet};

use kolo_core::stream::Verdict;
use kolo_core::wire::{BARRED, Barred, Stamp};
use kolo_core::{CorrelationId, Description};

use crate::record::Stored;
use crate::simulation::cast::Member;
use crate::simulation::log::judged;
use crate::simulation::seen::Seen;
use crate::simulation::violation::{Oracle, Violation};

pub(super) fn check(seen: &Seen<'_>) -> Result<(), Violation> {
    let world = seen.world;
    for member in &world.plan.cast.members {
        if member.description.compensations.is_empty() {
            continue;
        }
        for partition in world.log.partitions(member.stream) {
            let mut barrier = Barrier::of(member);
            for (_, stored, verdict) in judged(partition) {
                if let Some(Verdict::Valid(stamp)) = verdict {
                    barrier.take(stored, &stamp)?;
                }
            }
        }
    }
    Ok(())
}

/// A saga at a key.
type Place = (Box<[u8]>, CorrelationId);

struct Barrier<'m> {
    member: &'m Member,
    /// How often each step was done and undone.
    counts: HashMap<(Place, &'static str), (u32, u32)>,
    barred: HashSet<(Place, String)>,
}

impl<'m> Barrier<'m> {
    fn of(member: &'m Member) -> Self {
        Barrier {
            member,
            counts: HashMap::new(),
            barred: HashSet::new(),
        }
    }

    fn take(&mut self, stored: &Stored, stamp: &Stamp) -> Result<(), Violation> {
        let Some(saga) = stamp.correlation else {
            return Ok(());
        };
        let place = (stored.key().into(), saga);
        if stored.event_type == BARRED {
            let barred: Result<Barred, _> = serde_json::from_slice(stored.value());
            if let Ok(barred) = barred {
                self.barred.insert((place, barred.step));
            }
            return Ok(());
        }
        let description: &Description = &self.member.description;
        for compensation in &description.compensations {
            let step = compensation.undoes.name;
            let counts = self.counts.entry((place.clone(), step)).or_default();
            if stored.event_type == step {
                counts.0 += 1;
                if self.barred.contains(&(place.clone(), step.to_owned())) {
                    return Err(self.violation(stored, "happened although it is barred"));
                }
            } else if undoes_alone(description, step, stored.event_type) {
                counts.1 += 1;
                let (done, undone) = *counts;
                if undone > done {
                    let message = format!(
                        "undoes a {step} that was done {done} times, and comes {undone} times"
                    );
                    return Err(self.violation(stored, &message));
                }
            }
        }
        Ok(())
    }

    fn violation(&self, stored: &Stored, message: &str) -> Violation {
        let (name, key) = (&self.member.name, stored.key_text());
        let message = format!("{name}, key {key}: {} {message}", stored.event_type);
        Violation::new(Oracle::Barrier, message)
    }
}

/// Whether an event comes from nothing but the compensations of one step.
fn undoes_alone(description: &Description, step: &str, event_type: &str) -> bool {
    let emits = |outgoing: &[kolo_core::Outgoing]| {
        outgoing
            .iter()
            .any(|outgoing| outgoing.event.name == event_type)
    };
    let mut of_step = description.compensations.iter();
    let of_step = of_step.any(|undo| undo.undoes.name == step && emits(&undo.emits));
    let mut others = description.compensations.iter();
    let others = others.any(|undo| undo.undoes.name != step && emits(&undo.emits));
    let reactions = description.reactions.iter().any(|on| emits(&on.emits));
    let effects = description
        .effects
        .iter()
        .any(|effect| emits(&effect.emits));
    let deadline = description
        .deadline
        .as_ref()
        .is_some_and(|deadline| emits(&deadline.emits));
    of_step && !others && !reactions && !effects && !deadline
}
