//! Restored: each owner knows what another one would restore from its stream.

use kolo_core::Timestamp;
use kolo_core::processor::{Outbox, Processor};

use crate::simulation::broken::Broken;
use crate::simulation::owner::{Owner, setup};
use crate::simulation::seen::Seen;
use crate::simulation::violation::{Oracle, Violation};

pub(super) fn check(seen: &Seen<'_>) -> Result<(), Violation> {
    let working = seen.world.owners.iter().filter_map(|owners| owners.last());
    for owner in working.filter(|owner| owner.works()) {
        let other = restored(seen, owner)?;
        compare(seen, owner, other.as_ref())?;
    }
    Ok(())
}

/// Another owner, who has read the stream as it stands.
fn restored(seen: &Seen<'_>, owner: &Owner) -> Result<Box<dyn Processor>, Violation> {
    let world = seen.world;
    let cast = &world.plan.cast;
    let member = &cast.members[owner.member];
    let nonce = u64::MAX;
    let setup = setup(
        cast,
        &world.log,
        owner.member,
        owner.partition,
        nonce,
        &Broken::default(),
    );
    let mut other = member.version(world.is_deployed).processor(setup);
    let records = world.log.partition(member.stream, owner.partition);
    other.fenced(owner.stream_end(&world.log));
    let surprise =
        |problem: String| Violation::new(Oracle::Restore, format!("{}: {problem}", member.name));
    for (offset, stored) in records.iter().enumerate() {
        let restored = other.restore(&stored.record(offset));
        restored.map_err(|problem| surprise(problem.to_string()))?;
    }
    let started = other.start(Timestamp::default(), &mut Outbox::default());
    started.map_err(|problem| surprise(problem.to_string()))?;
    Ok(other)
}

fn compare(seen: &Seen<'_>, owner: &Owner, other: &dyn Processor) -> Result<(), Violation> {
    let member = &seen.world.plan.cast.members[owner.member];
    let differ = |what: &str| {
        let message = format!(
            "{}/{}: {what} is another one to the owner than to who restores",
            member.name, owner.partition
        );
        Violation::new(Oracle::Restore, message)
    };
    if owner.processor.keys() != other.keys() {
        return Err(differ("how many keys there are"));
    }
    if member.description.snapshots.is_none() {
        return Ok(());
    }
    let mut keys = Vec::new();
    other.each_key(&mut |key| keys.push(key.to_owned()));
    let (mut here, mut there) = (Vec::new(), Vec::new());
    for key in keys {
        here.clear();
        there.clear();
        let written = (
            owner.processor.write_key(&key, &mut here),
            other.write_key(&key, &mut there),
        );
        if !matches!(written, (Ok(true), Ok(true))) {
            return Err(differ(&format!("key `{key}`")));
        }
        // The bytes are the same for all that is the same, but for the order of hash maps in a state.
        if here != there {
            let (here, there) = (owner.processor.inspect(&key), other.inspect(&key));
            let (Some(here), Some(there)) = (here, there) else {
                return Err(differ(&format!("key `{key}`")));
            };
            if let Some(what) = here.differences(&there).first() {
                return Err(differ(&format!("the {what} of key `{key}`")));
            }
        }
    }
    Ok(())
}
