//! The stream model: one partition of a stream, its successive owners, two input logs, and what can go wrong.
//!
//! # Layout
//! - `rules`: the protocol's rules as switches, and the world around them
//! - `state`: records, owners, one moment of the system
//! - `aggregate`: decide and evolve
//! - `reader`: which records are valid (rule 2)
//! - `environment`, `producer`, `takeover`, `acknowledge`, `owner`: the actors' steps
//! - `invariants`: what may never be seen

mod acknowledge;
mod action;
mod aggregate;
mod environment;
mod invariants;
mod owner;
mod producer;
mod reader;
pub(crate) mod rules;
mod state;
mod takeover;

use self::action::Action;
use self::rules::{Rules, World};
use self::state::State;
use crate::explore::{Model, Steps};
use crate::violation::Violation;

/// One partition under `rules`, in a `world`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream {
    pub(crate) rules: Rules,
    pub(crate) world: World,
}

impl Model for Stream {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        environment::initial(self)
    }

    fn steps(&self, state: &State, steps: &mut Steps<Self>) {
        environment::steps(self, state, steps);
        for owner in 0..state.owners.len() {
            producer::steps(self, state, owner, steps);
            owner::steps(self, state, owner, steps);
        }
    }

    fn violation(&self, state: &State) -> Option<Violation> {
        state.violation
    }

    fn violation_at_rest(&self, state: &State) -> Option<Violation> {
        invariants::at_rest(self, state)
    }
}
