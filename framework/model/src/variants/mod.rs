//! The table of variants: the protocol as stated in several worlds, and the protocol with one rule left out at a time.

mod inbox;
mod left_out;
mod stated;

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::explore::{self, Search, Walks};
use crate::inbox::Inbox;
use crate::inbox::rules as inbox_rules;
use crate::stream::Stream;
use crate::stream::rules::{Rules, Versions, World};

/// What a search of a variant must find.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// No violation, in a complete search.
    Holds,
    /// A violation, for at least one seed.
    Violated,
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// Its name on the command line.
    pub name: &'static str,
    /// The rule of `docs/protocol.md` that it is about.
    pub rule: &'static str,
    /// What its search must find.
    pub expected: Expected,
    /// The seeds that a full run searches.
    pub seeds: (u64, u64),
    model: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Stream(Stream),
    Inbox(Inbox),
}

impl Variant {
    const fn stream(
        rule: &'static str,
        name: &'static str,
        expected: Expected,
        rules: Rules,
        world: World,
    ) -> Self {
        Self {
            name,
            rule,
            expected,
            seeds: (0, 11),
            model: Kind::Stream(Stream { rules, world }),
        }
    }

    const fn inbox(
        rule: &'static str,
        name: &'static str,
        expected: Expected,
        rules: inbox_rules::Rules,
        world: inbox_rules::World,
    ) -> Self {
        Self {
            name,
            rule,
            expected,
            seeds: (0, 3),
            model: Kind::Inbox(Inbox { rules, world }),
        }
    }

    const fn seeds(mut self, first: u64, last: u64) -> Self {
        self.seeds = (first, last);
        self
    }

    /// The variant's own seeds as a range.
    #[must_use]
    pub const fn own_seeds(&self) -> RangeInclusive<u64> {
        self.seeds.0..=self.seeds.1
    }

    /// The variant with another budget of faults.
    #[must_use]
    pub const fn with_faults(mut self, faults: u8) -> Self {
        match &mut self.model {
            Kind::Stream(stream) => stream.world.faults = faults,
            Kind::Inbox(inbox) => inbox.world.router_faults = faults,
        }
        self
    }

    /// The variant in bounds that a test has time for: few seeds where it must hold, and fewer crashes.
    #[must_use]
    pub const fn quick(mut self) -> Self {
        if matches!(self.expected, Expected::Holds) && self.seeds.1 > 2 {
            self.seeds = (3, 3);
        }
        match &mut self.model {
            Kind::Stream(stream) if stream.world.unclean_election => self.seeds = (0, 0),
            Kind::Stream(stream) if matches!(stream.world.versions, Versions::Laggards) => {
                stream.world.faults = 1;
            }
            Kind::Stream(_) => {}
            Kind::Inbox(inbox) => inbox.world.target_crashes = 1,
        }
        self
    }

    /// Searches all runs with the decisions that `seed` draws.
    #[must_use]
    pub fn search(&self, seed: u64, limit_states: usize) -> Search {
        match self.model {
            Kind::Stream(mut stream) => {
                stream.world.seed = seed;
                explore::search(&stream, limit_states)
            }
            Kind::Inbox(mut inbox) => {
                inbox.world.seed = seed;
                explore::search(&inbox, limit_states)
            }
        }
    }

    /// Takes random walks with the decisions that `seed` draws.
    #[must_use]
    pub fn walk(&self, seed: u64, budget: Duration) -> Walks {
        match self.model {
            Kind::Stream(mut stream) => {
                stream.world.seed = seed;
                explore::walk(&stream, seed, budget)
            }
            Kind::Inbox(mut inbox) => {
                inbox.world.seed = seed;
                explore::walk(&inbox, seed, budget)
            }
        }
    }
}

/// Every variant, in the order of the rules.
#[must_use]
pub fn variants() -> Vec<Variant> {
    let mut all = stated::variants();
    all.extend(left_out::variants());
    all.extend(inbox::variants());
    all
}
