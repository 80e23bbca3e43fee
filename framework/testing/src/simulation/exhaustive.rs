//! Every schedule: for small worlds, all orders of steps and faults, each state once.

use hashbrown::HashSet;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::builder::Simulation;
use super::fact::Saga;
use super::failure::Failure;
use super::faults::Faults;
use super::oracle;
use super::plan::Plan;
use super::script::Script;
use super::seen::Seen;
use super::step::Step;
use super::violation::Violation;
use super::world::World;

/// What was visited without a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Visited {
    /// How many states.
    pub states: u64,
    /// How many schedules led to rest.
    pub schedules: u64,
    /// Of how many steps the longest was.
    pub longest: usize,
    /// How long it took.
    pub took: Duration,
}

impl Simulation {
    /// Visits every state that so many sagas can come to with up to so many faults, in all orders of what can happen, and
    /// lets each schedule come to rest. A marker counts as a fault. Of [`faults`](Simulation::faults) no more of one
    /// kind happen than are told there.
    ///
    /// What nobody else can notice happens at once: that an owner reads an acknowledgement, or restores.
    ///
    /// # Errors
    /// The first schedule in which something was seen that may never be, shrunk.
    pub fn exhaustive(&self, sagas: u8, faults: u32) -> Result<Visited, Box<Failure>> {
        self.ready();
        let mut search = Search {
            plan: &self.plan,
            sagas: (0..sagas.into()).collect(),
            seen: HashSet::new(),
            open: vec![(None, faults, self.plan.faults)],
            visited: Visited {
                states: 0,
                schedules: 0,
                longest: 0,
                took: Duration::ZERO,
            },
        };
        let begun = Instant::now();
        while let Some((path, faults, left)) = search.open.pop() {
            if let Err((violation, steps)) = search.follow(path, faults, left) {
                let script = Script {
                    seed: 0,
                    sagas: search.sagas,
                    steps,
                };
                return Err(self.failure(script, violation, None));
            }
        }
        search.visited.took = begun.elapsed();
        Ok(search.visited)
    }
}

/// A schedule, from its last step back.
struct Path {
    step: Step,
    before: Option<Rc<Path>>,
}

fn steps(path: Option<&Rc<Path>>) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut at = path;
    while let Some(path) = at {
        steps.push(path.step);
        at = path.before.as_ref();
    }
    steps.reverse();
    steps
}

struct Search<'p> {
    plan: &'p Plan,
    sagas: Vec<u64>,
    seen: HashSet<u64>,
    /// Schedules to be gone on with, how many faults are left, and of which kinds.
    open: Vec<(Option<Rc<Path>>, u32, Faults)>,
    visited: Visited,
}

impl Search<'_> {
    /// Goes on with a schedule until a state was seen, or nothing is left to do; the other ways are noted.
    fn follow(
        &mut self,
        mut path: Option<Rc<Path>>,
        mut faults: u32,
        mut left: Faults,
    ) -> Result<(), (Violation, Vec<Step>)> {
        let sagas = self.sagas.iter();
        let sagas = sagas.map(|&number| Saga::drawn(&*self.plan.sagas, 0, number));
        let mut world = World::new(self.plan, sagas.collect());
        world.log.takes_digests();
        let mut length = 0;
        for step in steps(path.as_ref()) {
            length += 1;
            world
                .apply(step)
                .map_err(|violation| (violation, steps(path.as_ref())))?;
        }
        let mut possible = Vec::new();
        let mut others = Vec::new();
        loop {
            if !self.seen.insert(world.digest(&left, faults)) {
                return Ok(());
            }
            self.visited.states += 1;
            self.visited.longest = self.visited.longest.max(length);
            world.steps(&mut possible);
            let is_quiet = possible.is_empty();
            if let Some(at) = possible.iter().position(|step| step.is_unnoticed()) {
                possible.swap(0, at);
                possible.truncate(1);
            } else {
                world.disturbances(&left, &mut others);
                others.retain(|step| matches!(step, Step::Commit(_)) || faults > 0);
                possible.append(&mut others);
            }
            let mut possible = possible.drain(..);
            let Some(first) = possible.next() else {
                self.visited.schedules += 1;
                return rest(&mut world).map_err(|violation| (violation, steps(path.as_ref())));
            };
            for step in possible {
                let (mut faults, mut left) = (faults, left);
                spend(step, &mut faults, &mut left);
                let before = path.clone();
                self.open
                    .push((Some(Rc::new(Path { step, before })), faults, left));
            }
            if is_quiet {
                // Nothing has to happen any more: it comes to rest here too.
                self.open.push((path.clone(), 0, Faults::NONE));
            }
            spend(first, &mut faults, &mut left);
            let before = path.take();
            path = Some(Rc::new(Path {
                step: first,
                before,
            }));
            length += 1;
            world
                .apply(first)
                .map_err(|violation| (violation, steps(path.as_ref())))?;
        }
    }
}

fn rest(world: &mut World<'_>) -> Result<(), Violation> {
    world.settle(true)?;
    oracle::at_rest(&Seen::of(world))
}

fn spend(step: Step, faults: &mut u32, left: &mut Faults) {
    left.spend(step);
    if step.is_fault() || matches!(step, Step::Mark(_) | Step::Wait) {
        *faults = faults.saturating_sub(1);
    }
}

impl Step {
    /// Whether nobody but who does it can tell whether it has happened: it may happen at once.
    fn is_unnoticed(self) -> bool {
        matches!(
            self,
            Step::Report(_)
                | Step::CopyReport(_)
                | Step::Restore(_)
                | Step::ReadGap(_)
                | Step::Forward(_)
        )
    }
}
