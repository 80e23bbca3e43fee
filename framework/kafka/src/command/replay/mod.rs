//! `replay`: what was recorded, decided again by this binary.
//!
//! | command | file |
//! |---|---|
//! | `plan` | `plan.rs`: what today's code says otherwise |
//! | `apply` | `apply.rs`: answers that are missing are given, by the owners of their keys |
//! | `ahead` | `ahead/`: what will be decided next, and whether others have seen it decided otherwise |
//!
//! The first two compare (`compare.rs`), from the topics alone and with no service up. A plan writes nothing; applying it
//! sends each input to its owner in a control record, which recognises what it has answered.

mod ahead;
mod apply;
mod args;
mod compare;
mod layout;
mod plan;

use std::collections::HashSet;

use kolo_core::Service;
use parking_lot::Mutex;

use crate::config::Config;

use super::failure::Failure;

pub(super) use args::Action;

pub(super) fn run(service: &Service, config: &Config, action: Action) -> Result<(), Failure> {
    tell_each_panic_once();
    match action {
        Action::Plan(args) => plan::run(service, config, &args),
        Action::Ahead(args) => ahead::run(service, config, &args),
        Action::Apply(args) => apply::run(service, config, &args),
    }
}

/// Decisions that panic are findings. Each place is told of once, and not thousands of times.
fn tell_each_panic_once() {
    let told = Mutex::new(HashSet::new());
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string);
        if told.lock().insert(place) {
            before(panic);
        }
    }));
}
