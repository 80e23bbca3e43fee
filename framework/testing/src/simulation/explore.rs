//! Many runs: by seeds, for a time, as a test.

use std::time::{Duration, Instant};

use super::builder::Simulation;
use super::failure::{Failure, Found};
use super::run::{calm, drawn, scripted};
use super::script::Script;
use super::shrink::{Shrunk, shrink};
use super::violation::Violation;

/// How many runs a check makes unless it is told a time.
const RUNS: u64 = 200;

/// What was explored without a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explored {
    /// How many runs.
    pub runs: u64,
    /// How many steps were drawn in all of them.
    pub steps: u64,
    /// How long it took.
    pub took: Duration,
}

impl Simulation {
    /// The test: runs that failed once, and 200 new ones; or as many as fit into `KOLO_SIMULATION_SECONDS`. New ones are
    /// drawn afresh each time, from `KOLO_SEED` on where that is set. With `KOLO_SIMULATION` it makes the run that stands
    /// there, and tells it.
    ///
    /// # Panics
    /// When something is seen that may never be, with a story of it; when a port is not bound, or a run that is kept
    /// cannot be read.
    #[track_caller]
    pub fn check(&self) {
        self.ready();
        if let Some(script) = setting("KOLO_SIMULATION") {
            let script = script.parse::<Script>();
            let script =
                script.unwrap_or_else(|problem| fail(&format!("KOLO_SIMULATION: {problem}")));
            return self.tell(&script);
        }
        for (line, script) in &self.regressions {
            let script = script.as_ref();
            let script = script
                .unwrap_or_else(|problem| fail(&format!("regression in line {line}: {problem}")));
            let ran = scripted(&self.plan, script, false);
            if let Some(violation) = ran.violation {
                let failure = self.failure(ran.script, violation, None);
                fail(&format!("the run of line {line} fails again: {failure}"));
            }
        }
        let seed = match setting("KOLO_SEED") {
            Some(seed) => seed
                .parse()
                .unwrap_or_else(|_| fail(&format!("KOLO_SEED: `{seed}` is not a number"))),
            None => fresh(),
        };
        let explored = match setting("KOLO_SIMULATION_SECONDS") {
            Some(seconds) => {
                let number = seconds.parse().unwrap_or_else(|_| {
                    fail(&format!(
                        "KOLO_SIMULATION_SECONDS: `{seconds}` is not a number"
                    ))
                });
                self.explore_for(Duration::from_secs(number), seed)
            }
            None => self.explore(seed..seed.saturating_add(RUNS)),
        };
        match explored {
            Ok(explored) => say(&explored, seed),
            Err(failure) => fail(&failure.to_string()),
        }
    }

    /// Makes the runs of these seeds.
    ///
    /// # Errors
    /// The first run in which something was seen that may never be, shrunk.
    pub fn explore(&self, seeds: impl IntoIterator<Item = u64>) -> Result<Explored, Box<Failure>> {
        self.ready();
        let begun = Instant::now();
        let (mut runs, mut steps) = (0, 0);
        for seed in seeds {
            runs += 1;
            steps += self.run(seed, runs)?;
        }
        Ok(Explored {
            runs,
            steps,
            took: begun.elapsed(),
        })
    }

    /// Makes the runs of as many seeds as there is time for, from this one on.
    ///
    /// # Errors
    /// The first run in which something was seen that may never be, shrunk.
    pub fn explore_for(&self, time: Duration, from: u64) -> Result<Explored, Box<Failure>> {
        let begun = Instant::now();
        let in_time = (from..).take_while(|_| begun.elapsed() < time);
        self.explore(in_time)
    }

    /// The first run of these seeds in which something is seen that `wanted` asks for, shrunk; whatever else is seen on the
    /// way is passed over.
    pub fn seek(
        &self,
        seeds: impl IntoIterator<Item = u64>,
        wanted: impl Fn(&Violation) -> bool,
    ) -> Option<Box<Failure>> {
        self.ready();
        (1..).zip(seeds).find_map(|(runs, seed)| {
            let ran = drawn(&self.plan, seed);
            let violation = ran.violation.filter(&wanted)?;
            Some(self.found(ran.script, violation, seed, runs))
        })
    }

    /// Makes the run of a script, as [`Failure::script`] gives it.
    ///
    /// # Errors
    /// When it is no script; and inside, when something was seen that may never be, as it stands in the script.
    pub fn replay(&self, script: &str) -> Result<Result<(), Box<Failure>>, String> {
        let script: Script = script.parse()?;
        let ran = scripted(&self.plan, &script, true);
        Ok(match ran.violation {
            None => Ok(()),
            Some(violation) => Err(Box::new(Failure {
                violation,
                script: ran.script,
                story: ran.story.unwrap_or_default(),
                found: None,
            })),
        })
    }

    /// Lets so many sagas run at once and without faults. Gives how many records there are in the end.
    ///
    /// # Errors
    /// What was seen that may never be.
    pub fn calm(&self, sagas: u64, seed: u64) -> Result<usize, Violation> {
        self.ready();
        calm(&self.plan, seed, sagas)
    }

    fn run(&self, seed: u64, runs: u64) -> Result<u64, Box<Failure>> {
        let ran = drawn(&self.plan, seed);
        let steps = ran.script.steps.len();
        match ran.violation {
            None => Ok(steps as u64),
            Some(violation) => Err(self.found(ran.script, violation, seed, runs)),
        }
    }

    fn found(&self, script: Script, violation: Violation, seed: u64, runs: u64) -> Box<Failure> {
        let found = Found {
            seed,
            runs,
            sagas: script.sagas.len(),
            steps: script.steps.len(),
        };
        self.failure(script, violation, Some(found))
    }

    pub(super) fn failure(
        &self,
        script: Script,
        violation: Violation,
        found: Option<Found>,
    ) -> Box<Failure> {
        let Shrunk { script, violation } = shrink(&self.plan, script, violation);
        let story = scripted(&self.plan, &script, true).story;
        Box::new(Failure {
            violation,
            script,
            story: story.unwrap_or_default(),
            found,
        })
    }

    #[expect(clippy::print_stdout, reason = "this is what was asked for")]
    #[track_caller]
    fn tell(&self, script: &Script) {
        let ran = scripted(&self.plan, script, true);
        let story = ran.story.unwrap_or_default();
        for (at, step) in (1..).zip(&story.steps) {
            println!("{at:4}  {step}");
        }
        println!("\n{}\n{}", story.sagas, story.topics);
        if let Some(violation) = ran.violation {
            fail(&violation.to_string());
        }
    }

    /// Every port that is called has a reply.
    #[track_caller]
    pub(super) fn ready(&self) {
        for member in &self.plan.cast.members {
            for effect in &member.description.effects {
                if !self.plan.ports.has(effect.port) {
                    let port = effect.port_name.rsplit("::").next().unwrap_or_default();
                    let name = &member.name;
                    fail(&format!(
                        "{name} calls the port `{port}`, which replies nothing here: add `.port::<{port}>(|request| …)`"
                    ));
                }
            }
        }
    }
}

fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A seed that nobody has had.
fn fresh() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id()) >> 1
}

#[expect(clippy::print_stdout, reason = "a test tells what it has looked at")]
fn say(explored: &Explored, seed: u64) {
    let Explored { runs, steps, took } = explored;
    let seconds = took.as_secs_f64();
    println!("{runs} runs of {steps} steps from seed {seed} on, in {seconds:.1} s");
}

#[track_caller]
#[expect(clippy::panic, reason = "this is how a test fails")]
fn fail(message: &str) -> ! {
    panic!("{message}")
}
