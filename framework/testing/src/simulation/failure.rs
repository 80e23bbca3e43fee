//! A failed run: what was seen, the fewest steps that show it, and how to see it again.

use std::fmt;

use super::run::Story;
use super::script::Script;
use super::violation::Violation;

/// A run in which something was seen that may never be, shrunk.
#[derive(Debug, Clone)]
pub struct Failure {
    pub(crate) violation: Violation,
    pub(crate) script: Script,
    pub(crate) story: Story,
    /// The seed that drew it, after how many runs, and of how many sagas and steps it was.
    pub(crate) found: Option<Found>,
}

/// How a failure was found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) seed: u64,
    pub(crate) runs: u64,
    pub(crate) sagas: usize,
    pub(crate) steps: usize,
}

impl Failure {
    /// What was seen.
    #[must_use]
    pub fn violation(&self) -> &Violation {
        &self.violation
    }

    /// The run as one line, for [`regressions`](super::Simulation::regressions).
    #[must_use]
    pub fn script(&self) -> String {
        self.script.to_string()
    }

    /// How many sagas and steps are left of it.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.script.sagas.len(), self.script.steps.len())
    }

    /// After how many runs it was found.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.found.map_or(1, |found| found.runs)
    }

    /// All topics as they stood in the end.
    #[must_use]
    pub fn topics(&self) -> &str {
        &self.story.topics
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.violation)?;
        let (sagas, steps) = self.size();
        if let Some(found) = self.found {
            writeln!(
                f,
                "seen in run {} (seed {}), of {} sagas and {} steps; shrunk to {sagas} and {steps}:",
                found.runs, found.seed, found.sagas, found.steps
            )?;
        }
        writeln!(f)?;
        for (at, step) in (1..).zip(&self.story.steps) {
            writeln!(f, "{at:4}  {step}")?;
        }
        writeln!(
            f,
            "      then no more faults, and everything comes to rest\n"
        )?;
        writeln!(f, "{}", self.story.sagas)?;
        let package = std::env::var("CARGO_PKG_NAME");
        let package = package.map_or_else(|_| String::new(), |name| format!(" -p {name}"));
        let thread = std::thread::current();
        let test = thread.name().filter(|name| *name != "main");
        writeln!(f, "to see it again, with all topics:")?;
        write!(
            f,
            "  KOLO_SIMULATION='{}' cargo test{package} {} -- --nocapture",
            self.script,
            test.unwrap_or_default()
        )
    }
}

impl std::error::Error for Failure {}
