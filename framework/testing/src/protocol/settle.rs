//! The faults cease, and everything comes to rest.

use super::action::Action;
use super::domain::{FIRST, SECOND};
use super::explore::Choices;
use super::invariants::Violation;
use super::world::{STREAMS, World};

/// How many rounds may pass before everything is at rest.
const ROUNDS: usize = 60;

/// How many steps may pass in a round before nothing is left to do.
const STEPS: usize = 20_000;

impl World {
    /// Lets everything happen that still can, without further faults.
    pub(super) fn settle(&mut self, choices: &mut Choices) -> Result<(), Violation> {
        self.end_the_dead(choices);
        for _ in 0..ROUNDS {
            self.run_out(choices)?;
            for stream in STREAMS {
                if !self.owners[self.assigned[stream]].alive() {
                    self.take_over(stream);
                }
            }
            if self.routers.last().is_none_or(|router| !router.alive) {
                self.router_start();
            }
            self.run_out(choices)?;
            // Markers show an idle owner that it was replaced.
            let before = (self.log.end(FIRST), self.log.end(SECOND), self.owners.len());
            let working: Vec<usize> = (0..self.owners.len())
                .filter(|&at| self.owners[at].works())
                .collect();
            let marking = if self.scenario.left.markers {
                &[]
            } else {
                &working[..]
            };
            for &at in marking {
                self.apply(Action::Mark(at), choices)?;
            }
            self.run_out(choices)?;
            let markers = marking.len();
            let after = self.log.end(FIRST) + self.log.end(SECOND) - before.0 - before.1;
            let all_assigned = STREAMS
                .iter()
                .all(|stream| self.owners[self.assigned[stream]].works());
            if all_assigned
                && working.len() == STREAMS.len()
                && usize::try_from(after).is_ok_and(|after| after == markers)
            {
                return Ok(());
            }
        }
        Err(Violation::NoRest)
    }

    /// What dead processes have in flight arrives, or never does.
    fn end_the_dead(&mut self, choices: &mut Choices) {
        for owner in &mut self.owners {
            if !owner.alive() && choices.pick(2) == 0 {
                owner.producer.purge();
            }
        }
    }

    /// Takes all steps that are possible without a fault.
    fn run_out(&mut self, choices: &mut Choices) -> Result<(), Violation> {
        for turn in 0..STEPS {
            let mut steps = self.steps();
            if steps.is_empty() {
                // What is committed makes room for more.
                self.apply(Action::Commit, choices)?;
                steps = self.steps();
            }
            if steps.is_empty() {
                return Ok(());
            }
            // In turn, so that nobody waits for ever.
            self.apply(steps[turn % steps.len()], choices)?;
        }
        Err(Violation::NoRest)
    }
}
