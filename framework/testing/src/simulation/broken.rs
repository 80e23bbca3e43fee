//! Rules of `docs/protocol.md` that are left out on purpose, to show that the simulation then finds what they are for.

use kolo_core::processor::Rules;

/// What is left out, true where it is; nothing unless told.
#[derive(Debug, Clone, Copy, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each rule is kept or left out on its own"
)]
pub struct Broken {
    /// The processor's own switches, true where the rule is *kept*.
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
    /// A deadline is answered behind all that was published before it.
    pub deadline_behind_backlog: bool,
}
