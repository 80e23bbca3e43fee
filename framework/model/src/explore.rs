//! The explorer: complete breadth-first search and seeded random walks over any [`Model`].

use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::time::{Duration, Instant};

use crate::violation::Violation;

/// A system of actors whose every interleaving is to be tried.
pub trait Model {
    /// All that the actors, the broker and the invariants remember.
    type State: Clone + Hash;
    /// What one step does; shown in counterexamples.
    type Action: fmt::Display;

    /// The state in which every run begins.
    fn initial(&self) -> Self::State;

    /// Adds every step that some actor can take now.
    fn steps(&self, state: &Self::State, steps: &mut Steps<Self>)
    where
        Self: Sized;

    /// The property that this state breaks, if any. Asked of every state.
    fn violation(&self, state: &Self::State) -> Option<Violation>;

    /// The property that this state breaks as a place to stop. Asked where only faults are left to happen.
    fn violation_at_rest(&self, state: &Self::State) -> Option<Violation>;
}

/// The steps out of one state.
#[derive(Debug)]
pub struct Steps<M: Model> {
    steps: Vec<(M::Action, M::State)>,
    progress: usize,
}

impl<M: Model> Steps<M> {
    const fn new() -> Self {
        Self {
            steps: Vec::new(),
            progress: 0,
        }
    }

    fn of(model: &M, state: &M::State) -> Self {
        let mut steps = Self::new();
        model.steps(state, &mut steps);
        steps
    }

    /// A step that an actor takes sooner or later if nothing prevents it.
    pub fn progress(&mut self, action: M::Action, next: M::State) {
        self.progress += 1;
        self.steps.push((action, next));
    }

    /// A step that may never happen: a state from which only faults lead on is at rest.
    pub fn fault(&mut self, action: M::Action, next: M::State) {
        self.steps.push((action, next));
    }
}

/// A run that breaks a property.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// The property.
    pub violation: Violation,
    /// The steps from the initial state, one line each.
    pub steps: Vec<String>,
}

/// What a complete search found.
#[derive(Clone, Debug)]
pub struct Search {
    /// Distinct states that were reached.
    pub states: usize,
    /// States in which only faults were left to happen.
    pub at_rest: usize,
    /// Whether every reachable state was visited; false when `limit_states` or a violation stopped the search.
    pub complete: bool,
    /// The first violation; breadth first, so none is shorter.
    pub counterexample: Option<Counterexample>,
}

/// Visits every reachable state, breadth first, until one breaks a property or `limit_states` are known.
///
/// Visited states are remembered as 64-bit fingerprints: with ten million of them, the chance that a collision hid
/// even one state is about three in a million.
pub fn search<M: Model>(model: &M, limit_states: usize) -> Search {
    let initial = model.initial();
    let root = fingerprint(&initial);
    let mut parents = HashMap::from([(root, root)]);
    let mut frontier = VecDeque::from([(root, initial)]);
    let mut at_rest = 0;
    while let Some((mark, state)) = frontier.pop_front() {
        let mut violation = model.violation(&state);
        let mut steps = Steps::new();
        if violation.is_none() {
            model.steps(&state, &mut steps);
            if steps.progress == 0 {
                at_rest += 1;
                violation = model.violation_at_rest(&state);
            }
        }
        if let Some(violation) = violation {
            let steps = trace(model, &parents, mark);
            let counterexample = Some(Counterexample { violation, steps });
            return Search {
                states: parents.len(),
                at_rest,
                complete: false,
                counterexample,
            };
        }
        for (_, next) in steps.steps {
            let next_mark = fingerprint(&next);
            if let Entry::Vacant(vacant) = parents.entry(next_mark) {
                vacant.insert(mark);
                frontier.push_back((next_mark, next));
            }
        }
        if parents.len() > limit_states {
            return Search {
                states: parents.len(),
                at_rest,
                complete: false,
                counterexample: None,
            };
        }
    }
    Search {
        states: parents.len(),
        at_rest,
        complete: true,
        counterexample: None,
    }
}

/// Runs the model again along the fingerprints that lead to `mark`, to learn the actions.
fn trace<M: Model>(model: &M, parents: &HashMap<u64, u64>, mut mark: u64) -> Vec<String> {
    let mut path = vec![];
    while parents[&mark] != mark {
        path.push(mark);
        mark = parents[&mark];
    }
    let mut state = model.initial();
    let mut lines = vec![];
    for mark in path.into_iter().rev() {
        let steps = Steps::of(model, &state).steps;
        if let Some((action, next)) = steps
            .into_iter()
            .find(|(_, next)| fingerprint(next) == mark)
        {
            lines.push(action.to_string());
            state = next;
        }
    }
    lines
}

fn fingerprint(state: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

/// What random walks found.
#[derive(Clone, Debug, Default)]
pub struct Walks {
    /// Runs from the initial state to rest or to a violation.
    pub walks: usize,
    /// Steps of all runs together.
    pub steps: usize,
    /// Runs that broke a property.
    pub violating: usize,
    /// The shortest of those.
    pub counterexample: Option<Counterexample>,
}

/// Random runs of `model` until `budget` is spent; the same `seed` takes the same turns.
///
/// A walk ends where nothing is left to do; faults that were not used up may still happen at rest, so every rest on
/// the way is judged too.
pub fn walk<M: Model>(model: &M, seed: u64, budget: Duration) -> Walks {
    let started = Instant::now();
    let mut random = Random(seed);
    let mut found = Walks::default();
    while started.elapsed() < budget {
        found.walks += 1;
        let mut state = model.initial();
        let mut turns = vec![];
        let violation = loop {
            if let Some(violation) = model.violation(&state) {
                break Some(violation);
            }
            let mut steps = Steps::of(model, &state);
            if steps.progress == 0 {
                let violation = model.violation_at_rest(&state);
                if violation.is_some() || steps.steps.is_empty() {
                    break violation;
                }
            }
            let turn = random.below(steps.steps.len());
            turns.push(turn);
            state = steps.steps.swap_remove(turn).1;
        };
        found.steps += turns.len();
        let Some(violation) = violation else { continue };
        found.violating += 1;
        if found
            .counterexample
            .as_ref()
            .is_none_or(|best| turns.len() < best.steps.len())
        {
            found.counterexample = Some(Counterexample {
                violation,
                steps: retrace(model, &turns),
            });
        }
    }
    found
}

fn retrace<M: Model>(model: &M, turns: &[usize]) -> Vec<String> {
    let mut state = model.initial();
    let mut lines = vec![];
    for &turn in turns {
        let (action, next) = Steps::of(model, &state).steps.swap_remove(turn);
        lines.push(action.to_string());
        state = next;
    }
    lines
}

/// SplitMix64's output function: spreads the bits of `x` over the whole word.
pub(crate) const fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        usize::try_from(mix(self.0) % bound).unwrap_or(0)
    }
}
