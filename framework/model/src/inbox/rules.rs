//! The switches of the inbox model.

/// Which rules the routers and the target follow. [`Rules::stated`] is the protocol; a variant changes one field.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) reading: Reading,
    /// Rule 6: a marker goes before the next answer when a routed origin has positions that the stream does not know.
    pub(crate) marker_before_answer: bool,
    /// Rule 6: such a marker stands for what was read before the copy that is being answered, not for that copy.
    pub(crate) marker_excludes_current: bool,
    /// Rule 6: and now and then.
    pub(crate) markers: bool,
    /// Rule 5: a copy is skipped when its origin's position is not above the last decided one.
    pub(crate) skips_by_position: bool,
    /// Rule 5: a copy is skipped when its id was answered.
    pub(crate) skips_by_id: bool,
    /// Rule 5: a decision with no event counts as decided too, in memory.
    pub(crate) remembers_ignored: bool,
    /// Rule 10: a router commits its origin's offset when the copies are acknowledged.
    pub(crate) commits_after_ack: bool,
    /// Rule 10: a router whose append failed is thrown away whole.
    pub(crate) failure_ends_router: bool,
    /// Rule 10: a copy names the copy before it in its router's run, and the target passes over a copy whose
    /// predecessor it has not decided.
    pub(crate) chained: bool,
}

impl Rules {
    /// The protocol as `docs/protocol.md` states it.
    pub(crate) const fn stated() -> Self {
        Self {
            reading: Reading::FromMarkers,
            marker_before_answer: true,
            marker_excludes_current: true,
            markers: true,
            skips_by_position: true,
            skips_by_id: true,
            remembers_ignored: true,
            commits_after_ack: true,
            failure_ends_router: true,
            chained: true,
        }
    }
}

/// Where a restarted target begins to read its inbox.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reading {
    /// At the last marker's offset.
    FromMarkers,
    /// At the last marker's offset, or behind the last answered copy if that is later.
    FromMarkersAndAnswers,
}

/// What happens around them, and how much of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct World {
    /// Records of the first origin, which routers that may fail copy; the second origin's are copied once each.
    pub(crate) records: [u8; 2],
    /// Rebalances and crashes of routers, and what is switched on below.
    pub(crate) router_faults: u8,
    /// Fault: a router's producer gives a copy up and sends its successors.
    pub(crate) producer_drops: bool,
    /// Crashes of the target.
    pub(crate) target_crashes: u8,
    /// How many records a router or the target may have in flight.
    pub(crate) window: usize,
    /// What decisions do.
    pub(crate) seed: u64,
}

impl World {
    pub(crate) const fn small() -> Self {
        Self {
            records: [2, 1],
            router_faults: 1,
            producer_drops: false,
            target_crashes: 1,
            window: 2,
            seed: 0,
        }
    }
}
