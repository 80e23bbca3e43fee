//! Shrinking: from a run that shows what may never be to a small one that shows the same.

use std::time::{Duration, Instant};

use super::plan::Plan;
use super::run::scripted;
use super::script::Script;
use super::violation::Violation;

/// How long it may take.
const TIME: Duration = Duration::from_secs(20);

/// What is left of a run.
pub(crate) struct Shrunk {
    pub(crate) script: Script,
    pub(crate) violation: Violation,
}

/// Takes sagas and steps out as long as the same oracle still sees something.
pub(crate) fn shrink(plan: &Plan, script: Script, violation: Violation) -> Shrunk {
    let mut shrinking = Shrinking {
        plan,
        best: Shrunk { script, violation },
        until: Instant::now() + TIME,
    };
    loop {
        let before = (
            shrinking.best.script.sagas.len(),
            shrinking.best.script.steps.len(),
        );
        shrinking.sagas();
        shrinking.faults();
        shrinking.steps();
        let after = (
            shrinking.best.script.sagas.len(),
            shrinking.best.script.steps.len(),
        );
        if after == before || shrinking.is_over() {
            return shrinking.best;
        }
    }
}

struct Shrinking<'p> {
    plan: &'p Plan,
    best: Shrunk,
    until: Instant,
}

impl Shrinking<'_> {
    fn is_over(&self) -> bool {
        Instant::now() > self.until
    }

    /// Whether this run shows the same; then it is the best so far.
    fn still(&mut self, script: &Script) -> bool {
        if self.is_over() {
            return false;
        }
        let ran = scripted(self.plan, script, false);
        match ran.violation {
            Some(violation) if violation.oracle == self.best.violation.oracle => {
                self.best = Shrunk {
                    script: ran.script,
                    violation,
                };
                true
            }
            _ => false,
        }
    }

    fn sagas(&mut self) {
        let mut at = self.best.script.sagas.len();
        while at > 0 {
            at -= 1;
            if at >= self.best.script.sagas.len() {
                continue;
            }
            let script = self.best.script.without_saga(at);
            self.still(&script);
        }
    }

    /// Each fault by itself, since a whole piece with one in it seldom goes.
    fn faults(&mut self) {
        let mut at = self.best.script.steps.len();
        while at > 0 {
            at -= 1;
            let steps = &self.best.script.steps;
            if steps.get(at).is_some_and(|step| step.is_fault()) {
                let mut script = self.best.script.clone();
                script.steps.remove(at);
                self.still(&script);
            }
        }
    }

    /// Pieces of steps, from halves down to single ones.
    fn steps(&mut self) {
        let mut size = self.best.script.steps.len().div_ceil(2);
        while size > 0 {
            let mut end = self.best.script.steps.len();
            while end > 0 {
                let start = end.saturating_sub(size);
                let mut script = self.best.script.clone();
                if end <= script.steps.len() {
                    script.steps.drain(start..end);
                    self.still(&script);
                }
                end = start.min(self.best.script.steps.len());
            }
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
    }
}

impl Script {
    /// The same with one saga less; those behind it are counted from where it was.
    fn without_saga(&self, at: usize) -> Script {
        use super::step::Step;
        let gone = u8::try_from(at).unwrap_or(u8::MAX);
        let mut script = self.clone();
        script.sagas.remove(at);
        let renamed = self.steps.iter().filter_map(|&step| match step {
            Step::Publish(saga) | Step::Repeat(saga) if saga == gone => None,
            Step::Publish(saga) if saga > gone => Some(Step::Publish(saga - 1)),
            Step::Repeat(saga) if saga > gone => Some(Step::Repeat(saga - 1)),
            other => Some(other),
        });
        script.steps = renamed.collect();
        script
    }
}
