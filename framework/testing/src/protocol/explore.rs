//! Runs: drawn from a seed, or taken from a script.

use std::fmt;

use super::invariants::{self, Violation};
use super::scenario::Scenario;
use super::world::World;

/// Where a run's choices come from.
#[derive(Debug, Clone)]
pub struct Choices {
    source: Source,
    taken: Vec<usize>,
}

#[derive(Debug, Clone)]
enum Source {
    Drawn(u64),
    Script(Vec<usize>),
}

impl Choices {
    /// Drawn from a seed.
    #[must_use]
    pub fn drawn(seed: u64) -> Self {
        Choices {
            source: Source::Drawn(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d),
            taken: Vec::new(),
        }
    }

    /// Taken from a script; where that ends, always the first possibility.
    #[must_use]
    pub fn scripted(script: Vec<usize>) -> Self {
        Choices {
            source: Source::Script(script),
            taken: Vec::new(),
        }
    }

    /// One of `of` possibilities, of which there is at least one.
    pub fn pick(&mut self, of: usize) -> usize {
        let at = self.taken.len();
        let picked = match &mut self.source {
            Source::Drawn(state) => {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let bits = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                usize::try_from((bits ^ (bits >> 31)) % of.max(1) as u64).unwrap_or(0)
            }
            Source::Script(script) => script
                .get(at)
                .copied()
                .unwrap_or(0)
                .min(of.saturating_sub(1)),
        };
        self.taken.push(picked);
        picked
    }
}

/// A run in which something was seen that may never be.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What was seen.
    pub violation: Violation,
    /// What happened, in order.
    pub trace: Vec<String>,
    /// The choices, for [`replay`].
    pub script: Vec<usize>,
    /// The seed that drew them, if one did.
    pub seed: Option<u64>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.violation)?;
        if let Some(seed) = self.seed {
            write!(f, " (see it again with KOLO_SEED={seed} KOLO_WALKS=1)")?;
        }
        for (at, line) in self.trace.iter().enumerate() {
            write!(f, "\n{at:4} {line}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

/// One run whose choices are drawn from `seed`.
///
/// # Errors
/// When something was seen that may never be.
pub fn walk(scenario: &Scenario, seed: u64) -> Result<(), Box<Failure>> {
    run(scenario, Choices::drawn(seed)).map_err(|failure| {
        Box::new(Failure {
            seed: Some(seed),
            ..*failure
        })
    })
}

/// One run with the choices of a script, such as [`Failure::script`].
///
/// # Errors
/// When something was seen that may never be.
pub fn replay(scenario: &Scenario, script: &[usize]) -> Result<(), Box<Failure>> {
    run(scenario, Choices::scripted(script.to_vec()))
}

/// The first failure among the runs of these seeds, if there is one.
pub fn first_failure(
    scenario: &Scenario,
    seeds: impl IntoIterator<Item = u64>,
) -> Option<Box<Failure>> {
    seeds
        .into_iter()
        .find_map(|seed| walk(scenario, seed).err())
}

fn run(scenario: &Scenario, mut choices: Choices) -> Result<(), Box<Failure>> {
    let mut world = World::new(scenario);
    let mut trace = Vec::new();
    let result = drive(&mut world, &mut choices, &mut trace);
    result.map_err(|violation| {
        trace.extend(invariants::show(&world));
        Box::new(Failure {
            violation,
            trace,
            script: choices.taken,
            seed: None,
        })
    })
}

fn drive(
    world: &mut World,
    choices: &mut Choices,
    trace: &mut Vec<String>,
) -> Result<(), Violation> {
    for _ in 0..world.scenario.actions {
        let steps = world.steps();
        let disturbances = world.disturbances();
        // Mostly things go on; else faults would use themselves up before anything is in flight.
        let disturbed = steps.is_empty() || choices.pick(8) == 0;
        let actions = if disturbed { disturbances } else { steps };
        let action = actions[choices.pick(actions.len())];
        trace.push(format!("{action:?}"));
        world.apply(action, choices)?;
    }
    trace.push("the faults cease".to_owned());
    world.settle(choices)?;
    invariants::at_rest(world)
}
