//! What may happen in a run, and which rules are left out.

use kolo_core::processor::Rules;

/// One kind of runs.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// How many different facts are published.
    pub facts: u64,
    /// How many of them are published a second time, at another offset.
    pub repeats: u64,
    /// How many actions are drawn before the faults cease.
    pub actions: usize,
    /// How many records an owner or router may have in flight.
    pub window: usize,
    /// Which faults may happen, and how often.
    pub faults: Faults,
    /// Which rules are left out.
    pub left: Left,
}

impl Default for Scenario {
    fn default() -> Self {
        Scenario {
            facts: 5,
            repeats: 1,
            actions: 160,
            window: 4,
            faults: Faults::default(),
            left: Left::default(),
        }
    }
}

/// How often each fault may happen in one run.
#[derive(Debug, Clone, Copy)]
pub struct Faults {
    /// Another owner takes over; the one before does not know.
    pub takeovers: u32,
    /// An owner dies; what it sent may still arrive.
    pub crashes: u32,
    /// What a dead process has sent never arrives.
    pub losses: u32,
    /// Another router starts; the one before does not know.
    pub routers: u32,
    /// A router dies with what it has in flight.
    pub router_crashes: u32,
    /// A producer gives a record up and sends its successors.
    pub drops: u32,
    /// The same, for routers.
    pub router_drops: u32,
    /// A record that arrived arrives once more.
    pub resends: u32,
    /// The topic of facts is deleted and created again; the facts are published there anew.
    pub recreations: u32,
    /// A newer declaration is deployed, which decides otherwise.
    pub deploys: u32,
}

impl Default for Faults {
    fn default() -> Self {
        Faults {
            takeovers: 3,
            crashes: 2,
            losses: 2,
            routers: 2,
            router_crashes: 1,
            drops: 1,
            router_drops: 0,
            resends: 1,
            recreations: 1,
            deploys: 1,
        }
    }
}

impl Faults {
    /// No fault at all.
    pub const NONE: Faults = Faults {
        takeovers: 0,
        crashes: 0,
        losses: 0,
        routers: 0,
        router_crashes: 0,
        drops: 0,
        router_drops: 0,
        resends: 0,
        recreations: 0,
        deploys: 0,
    };
}

/// Rules of `docs/protocol.md`, true where they are left out.
#[derive(Debug, Clone, Copy, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each rule is kept or left out on its own"
)]
pub struct Left {
    /// The processor's own switches, true where the rule is kept; all of them unless told.
    pub rules: Rules,
    /// Rule 2: records carry numbers, and a record that does not follow the last one is void.
    pub numbers: bool,
    /// Rule 3: an owner restores after its fence is acknowledged.
    pub restore_after_fence: bool,
    /// Rule 3: an origin is a topic by its id.
    pub topic_ids: bool,
    /// Rule 4: positions come from the stream; without it, from the offsets that a group commits when it has decided.
    pub positions_from_stream: bool,
    /// Rule 4: a router keeps the fence in force with its offset.
    pub router_cursor: bool,
    /// Rule 6: an idle owner leaves a marker now and then, and so finds out that it was replaced.
    pub markers: bool,
    /// Rule 8: an append that failed ends the epoch.
    pub failure_ends_epoch: bool,
    /// Rule 9: effects start for sound appends only.
    pub effects_when_sound: bool,
    /// Rule 10: a router forwards valid records only.
    pub router_validity: bool,
    /// Rule 10: a router commits after its copies are acknowledged.
    pub router_commits_after_ack: bool,
    /// Rule 10: a copy names the one before it, and is passed over where that one is missing.
    pub router_chain: bool,
}
