//! Decisions: what was recorded is decided again, with every rule in force, on the state as of then.

use kolo_core::processor::replay::{Compared, Finding, ReplayFilter, ReplayInputs, Unreadable};
use kolo_core::wire::Record;

use crate::simulation::broken::Broken;
use crate::simulation::cast::Topic;
use crate::simulation::log::Log;
use crate::simulation::owner::setup;
use crate::simulation::seen::Seen;
use crate::simulation::violation::{Oracle, Violation};

pub(super) fn check(seen: &Seen<'_>) -> Result<(), Violation> {
    let plan = seen.world.plan;
    for member in 0..plan.cast.members.len() {
        let is_mixed = seen.world.is_deployed && plan.cast.members[member].next.is_some();
        if is_mixed && !plan.decides_alike {
            continue;
        }
        for partition in 0..plan.cast.partitions {
            let found = compared(seen, member, partition)?;
            if let Some(violation) = found.iter().find_map(|one| judge(seen, member, one)) {
                return Err(violation);
            }
        }
    }
    Ok(())
}

fn judge(seen: &Seen<'_>, member: usize, compared: &Compared) -> Option<Violation> {
    let (oracle, what) = match compared.finding {
        Finding::Same | Finding::Reply => return None,
        // Where a topic was created anew, its old records are gone.
        Finding::Gone if seen.world.is_recreated => return None,
        Finding::Missing => (
            Oracle::Inputs,
            "has no answer, and today's decision gives one",
        ),
        Finding::Gone => (Oracle::Inputs, "was answered and is nowhere to be found"),
        Finding::Different => (
            Oracle::Decisions,
            "was answered otherwise than it is decided",
        ),
        Finding::Extra => (
            Oracle::Decisions,
            "was answered, and nothing is decided for it",
        ),
        _ => (Oracle::Decisions, "cannot be decided"),
    };
    let name = &seen.world.plan.cast.members[member].name;
    let (on, key) = (&compared.on, &compared.key);
    let recorded: Vec<_> = compared.recorded.iter().map(|said| &*said.text).collect();
    let today: Vec<_> = compared.today.iter().map(|said| &*said.text).collect();
    let message = format!(
        "{name}, key {key}: {on} {what}; recorded: [{}], decided again: [{}]",
        recorded.join(", "),
        today.join(", ")
    );
    Some(Violation::new(oracle, message))
}

fn compared(seen: &Seen<'_>, member: usize, partition: usize) -> Result<Vec<Compared>, Violation> {
    let world = seen.world;
    let cast = &world.plan.cast;
    let one = &cast.members[member];
    let setup = setup(cast, &world.log, member, partition, 0, &Broken::default());
    let participant = one.version(world.is_deployed);
    let mut replay = participant.replay(setup, ReplayFilter::default());
    let mut inputs = Inputs {
        log: &world.log,
        topics: &one.inputs,
        partition,
        next: vec![0; one.inputs.len()],
    };
    let mut found = Vec::new();
    let mut tell = |compared: Compared| {
        if !matches!(compared.finding, Finding::Same) {
            found.push(compared);
        }
    };
    loop {
        let records = world.log.partition(one.stream, partition).iter();
        for (offset, stored) in records.enumerate() {
            let taken = replay.take(&stored.record(offset), &mut inputs, &mut tell);
            taken.map_err(|error| Violation::new(Oracle::Decisions, error.to_string()))?;
        }
        if !replay.look_again(&mut tell) {
            return Ok(found);
        }
    }
}

struct Inputs<'a> {
    log: &'a Log,
    topics: &'a [Topic],
    partition: usize,
    next: Vec<usize>,
}

impl ReplayInputs for Inputs<'_> {
    fn each(
        &mut self,
        input: usize,
        take: &mut dyn FnMut(&Record<'_>) -> bool,
    ) -> Result<(), Unreadable> {
        let records = self.log.partition(self.topics[input], self.partition);
        while let Some(stored) = records.get(self.next[input]) {
            if !take(&stored.record(self.next[input])) {
                break;
            }
            self.next[input] += 1;
        }
        Ok(())
    }
}
