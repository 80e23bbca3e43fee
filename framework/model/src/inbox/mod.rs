//! The inbox model: routers copy an origin's records into an inbox, at least once; a target answers each once, in order.
//!
//! The first origin is copied by routers that are replaced, crash, and send and commit late. The second one's copies
//! arrive once each at any time; they are there to change the target's state between the others.
//!
//! # Layout
//! - `rules`: the protocol's rules as switches, and the world around them
//! - `state`: one moment of the system
//! - `router`, `target`: the actors' steps
//! - `invariants`: what may never be seen

mod action;
mod invariants;
mod router;
pub(crate) mod rules;
mod state;
mod target;

use self::action::Action;
use self::rules::{Rules, World};
use self::state::{State, Target};
use crate::explore::{Model, Steps};
use crate::violation::Violation;

/// An inbox and its target under `rules`, in a `world`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inbox {
    pub(crate) rules: Rules,
    pub(crate) world: World,
}

impl Model for Inbox {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let mut state = State {
            inbox: vec![],
            others: 0,
            routers: vec![],
            committed: 0,
            router_faults: self.world.router_faults,
            target_crashes: self.world.target_crashes,
            stream: vec![],
            target: Target::default(),
            ignored: vec![],
        };
        router::start(&mut state);
        state
    }

    fn steps(&self, state: &State, steps: &mut Steps<Self>) {
        router::steps(self, state, steps);
        target::other_arrives(self, state, steps);
        target::steps(self, state, steps);
    }

    fn violation(&self, state: &State) -> Option<Violation> {
        invariants::of_the_stream(state)
    }

    fn violation_at_rest(&self, state: &State) -> Option<Violation> {
        invariants::at_rest(self, state)
    }
}
