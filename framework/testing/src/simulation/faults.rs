//! Faults: how often each may happen in one run.

/// How often each fault may happen in one run, at most. A run draws how much of it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Faults {
    /// A fact is published a second time, under its id and at another offset.
    pub repeats: u32,
    /// Another owner takes a partition over; the one before does not know.
    pub takeovers: u32,
    /// An owner dies; what it sent may still arrive, or never.
    pub crashes: u32,
    /// A producer gives a record up and sends its successors.
    pub drops: u32,
    /// A record that arrived arrives once more, unasked.
    pub resends: u32,
    /// A port does what it is asked for, and its reply is lost.
    pub lost_replies: u32,
    /// A port replies twice.
    pub second_replies: u32,
    /// Another router starts; the one before does not know.
    pub routers: u32,
    /// A router dies with what it has in flight.
    pub router_crashes: u32,
    /// A router's producer gives a copy up and sends its successors.
    pub router_drops: u32,
    /// A topic of facts is deleted and created again; its facts are published anew.
    pub recreations: u32,
    /// Newer declarations are deployed.
    pub deploys: u32,
    /// Time passes up to the earliest deadline while other things are under way.
    pub waits: u32,
}

impl Default for Faults {
    fn default() -> Self {
        Faults::USUAL
    }
}

impl Faults {
    /// What may happen unless told.
    pub const USUAL: Faults = Faults {
        repeats: 1,
        takeovers: 3,
        crashes: 2,
        drops: 1,
        resends: 1,
        lost_replies: 1,
        second_replies: 1,
        routers: 2,
        router_crashes: 1,
        router_drops: 1,
        recreations: 0,
        deploys: 1,
        waits: 1,
    };

    /// No fault at all.
    pub const NONE: Faults = Faults {
        repeats: 0,
        takeovers: 0,
        crashes: 0,
        drops: 0,
        resends: 0,
        lost_replies: 0,
        second_replies: 0,
        routers: 0,
        router_crashes: 0,
        router_drops: 0,
        recreations: 0,
        deploys: 0,
        waits: 0,
    };

    /// Each of them, for one that changes all.
    pub(crate) fn each(&mut self) -> [&mut u32; 13] {
        [
            &mut self.repeats,
            &mut self.takeovers,
            &mut self.crashes,
            &mut self.drops,
            &mut self.resends,
            &mut self.lost_replies,
            &mut self.second_replies,
            &mut self.routers,
            &mut self.router_crashes,
            &mut self.router_drops,
            &mut self.recreations,
            &mut self.deploys,
            &mut self.waits,
        ]
    }
}
