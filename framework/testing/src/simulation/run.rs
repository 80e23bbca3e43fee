//! One run: steps drawn from a seed or taken from a script, and then calm.

use super::draw::Draw;
use super::fact::Saga;
use super::oracle;
use super::plan::Plan;
use super::script::Script;
use super::seen::Seen;
use super::step::Step;
use super::story;
use super::violation::Violation;
use super::world::World;

/// What became of one run.
pub(crate) struct Ran {
    pub(crate) script: Script,
    pub(crate) violation: Option<Violation>,
    /// What happened, in words; only told where it is asked for.
    pub(crate) story: Option<Story>,
}

/// A run in words.
#[derive(Debug, Clone, Default)]
pub(crate) struct Story {
    pub(crate) steps: Vec<String>,
    pub(crate) sagas: String,
    pub(crate) topics: String,
}

/// How often something else happens than what goes on by itself: else faults would use themselves up before anything is
/// in flight.
const DISTURBED_ONCE_IN: [usize; 4] = [4, 8, 16, 40];

/// How often somebody does all that they can, and not one step.
const RUNS_ONCE_IN: [usize; 4] = [2, 4, 20, 1_000];

/// A run that a seed draws.
pub(crate) fn drawn(plan: &Plan, seed: u64) -> Ran {
    let mut draw = Draw::new(seed);
    let sagas = 1 + draw.below(usize::try_from(plan.at_once).unwrap_or(1)) as u64;
    let sagas: Vec<u64> = (0..sagas).collect();
    let mut faults = plan.faults;
    // Some runs have much of few faults, others a little of many: what one fault needs, another may prevent.
    for left in faults.each() {
        *left = u32::try_from(draw.below(*left as usize + 1)).unwrap_or(0);
    }
    let once_in = draw.one(&DISTURBED_ONCE_IN).copied().unwrap_or(8);
    let runs_in = draw.one(&RUNS_ONCE_IN).copied().unwrap_or(4);
    let length = plan.steps / 4 + draw.below(plan.steps * 3 / 4 + 1);
    let mut world = world(plan, seed, &sagas);
    let mut script = Script {
        seed,
        sagas,
        steps: Vec::with_capacity(length),
    };
    let (mut possible, mut others) = (Vec::new(), Vec::new());
    let mut drive = || -> Result<(), Violation> {
        for _ in 0..length {
            // Steps show what happens in between, runs come far.
            if draw.once_in(runs_in) {
                world.runs(&mut possible);
            } else {
                world.steps(&mut possible);
            }
            if possible.is_empty() || draw.once_in(once_in) {
                world.disturbances(&faults, &mut others);
                if !others.is_empty() {
                    std::mem::swap(&mut possible, &mut others);
                }
            }
            let Some(&step) = draw.one(&possible) else {
                break;
            };
            script.steps.push(step);
            world.apply(step)?;
            faults.spend(step);
        }
        world.settle(true)?;
        oracle::at_rest(&Seen::of(&world))
    };
    let violation = drive().err();
    Ran {
        script,
        violation,
        story: None,
    }
}

/// A run as a script says. Its script is what of it did something.
pub(crate) fn scripted(plan: &Plan, script: &Script, tells: bool) -> Ran {
    let mut world = world(plan, script.seed, &script.sagas);
    let mut done = Vec::new();
    let mut drive = || -> Result<(), Violation> {
        for &step in &script.steps {
            done.push(step);
            if !world.apply(step)? {
                done.pop();
            }
        }
        world.settle(true)?;
        oracle::at_rest(&Seen::of(&world))
    };
    let violation = drive().err();
    let story = tells.then(|| tell(plan, &world, &done));
    Ran {
        script: Script {
            steps: done,
            ..script.clone()
        },
        violation,
        story,
    }
}

fn world<'p>(plan: &'p Plan, seed: u64, sagas: &[u64]) -> World<'p> {
    let sagas = sagas
        .iter()
        .map(|&number| Saga::drawn(&*plan.sagas, seed, number));
    World::new(plan, sagas.collect())
}

fn tell(plan: &Plan, world: &World<'_>, steps: &[Step]) -> Story {
    let seen = Seen::of(world);
    Story {
        steps: steps.iter().map(|&step| story::step(plan, step)).collect(),
        sagas: story::sagas(&seen),
        topics: story::topics(&seen),
    }
}

/// A run without faults, for as many sagas; gives how many records there are in the end.
pub(crate) fn calm(plan: &Plan, seed: u64, sagas: u64) -> Result<usize, Violation> {
    let numbers: Vec<u64> = (0..sagas).collect();
    let mut world = world(plan, seed, &numbers);
    world.settle(true)?;
    oracle::at_rest(&Seen::of(&world))?;
    let topics = 0..plan.cast.topics.len();
    let partitions = topics.flat_map(|topic| world.log.partitions(topic));
    Ok(partitions.map(Vec::len).sum())
}
