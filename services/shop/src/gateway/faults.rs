//! The faults that the sandbox injects, drawn by a seeded generator.

use serde::{Deserialize, Serialize};

/// What goes wrong, and how often. A whole set replaces the one before; what is left out does not happen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Each answer takes this long, in milliseconds.
    pub latency_ms: u64,
    /// This share of the calls is answered by status 500 and does nothing.
    pub error_rate: f64,
    /// This share of the calls does what it was asked to do, and is never answered.
    pub timeout_after_charge_rate: f64,
    /// From now on connections are refused, for this long in milliseconds; open ones are cut.
    pub refuse_ms: u64,
    /// Starts the generator anew, so that what follows can be repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

impl Faults {
    /// What is wrong with the set, if anything is.
    ///
    /// # Errors
    /// When a rate is not between 0 and 1.
    pub fn check(&self) -> Result<(), String> {
        for (name, rate) in [
            ("error_rate", self.error_rate),
            ("timeout_after_charge_rate", self.timeout_after_charge_rate),
        ] {
            if !(0.0..=1.0).contains(&rate) {
                return Err(format!(
                    "{name} is {rate}; it is a share, from 0 (never) to 1 (always)"
                ));
            }
        }
        Ok(())
    }
}

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is done and answered.
    Answered,
    /// Status 500; nothing is done.
    Failed,
    /// It is done and never answered.
    Unanswered,
}

/// The faults in force, and the generator behind them.
#[derive(Debug)]
pub(super) struct Dice {
    faults: Faults,
    random: fastrand::Rng,
}

impl Dice {
    pub(super) fn new(faults: Faults) -> Self {
        Dice {
            faults,
            random: fastrand::Rng::with_seed(faults.seed.unwrap_or(0)),
        }
    }

    pub(super) fn faults(&self) -> Faults {
        self.faults
    }

    pub(super) fn set(&mut self, faults: Faults) {
        self.faults = faults;
        if let Some(seed) = faults.seed {
            self.random.seed(seed);
        }
    }

    /// Every call draws once, so that the same seed and order of calls give the same fates.
    pub(super) fn throw(&mut self) -> Fate {
        let drawn = self.random.f64();
        if drawn < self.faults.error_rate {
            Fate::Failed
        } else if drawn < self.faults.error_rate + self.faults.timeout_after_charge_rate {
            Fate::Unanswered
        } else {
            Fate::Answered
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_fates_at_the_rates_that_were_set() {
        let faults = Faults {
            error_rate: 0.2,
            timeout_after_charge_rate: 0.1,
            seed: Some(7),
            ..Faults::default()
        };
        let mut dice = Dice::new(faults);
        let fates: Vec<Fate> = (0..10_000).map(|_| dice.throw()).collect();
        dice.set(faults);
        assert!(fates.iter().all(|&fate| fate == dice.throw()));
        let count = |wanted| fates.iter().filter(|&&fate| fate == wanted).count();
        assert!(
            (1_850..2_150).contains(&count(Fate::Failed)),
            "{}",
            count(Fate::Failed)
        );
        assert!(
            (880..1_120).contains(&count(Fate::Unanswered)),
            "{}",
            count(Fate::Unanswered)
        );
    }

    #[test]
    fn a_rate_that_is_no_share_is_refused_by_name() {
        let error = Faults {
            error_rate: 5.0,
            ..Faults::default()
        }
        .check()
        .unwrap_err();
        assert!(error.starts_with("error_rate is 5;"), "{error}");
        assert!(
            Faults {
                timeout_after_charge_rate: f64::NAN,
                ..Faults::default()
            }
            .check()
            .is_err()
        );
    }
}
