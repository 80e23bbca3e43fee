//! The switches: the rules of the protocol, each of which can be left out, and the world that tries to break them.

/// Which rules the actors follow. [`Rules::stated`] is the protocol; a variant changes one field.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) validity: Validity,
    /// Rule 2: a fence is known by its nonce too, not by its offset alone.
    pub(crate) nonce: bool,
    /// Rule 2: a record is valid only with the number after the last valid one of its epoch.
    pub(crate) numbers: bool,
    /// Rule 1: what a new owner compares its declaration's version with.
    pub(crate) older_version: OlderVersion,
    /// Rule 3: the owner folds the stream only when its fence is acknowledged.
    pub(crate) restores_after_ack: bool,
    /// Rule 3: an origin is a topic's id, not its name.
    pub(crate) origin_by_topic_id: bool,
    pub(crate) positions: Positions,
    pub(crate) readers_keep: ReadersKeep,
    /// Rule 5: an input whose id was answered is skipped, wherever it stands.
    pub(crate) skips_by_id: bool,
    /// Rule 6: positions of inputs that were decided with no event are made durable now and then.
    pub(crate) markers: bool,
    pub(crate) torn: TornAnswers,
    /// Rule 7: the first record of an answer carries the rest.
    pub(crate) first_carries_rest: bool,
    /// Rule 8: an append that failed for good ends the owner's epoch.
    pub(crate) failure_ends_epoch: bool,
    /// Rule 8: an owner whose epoch ended while it is still assigned takes over again.
    pub(crate) takes_over_again: bool,
    /// Rule 8: it does so only after the group confirmed that it is assigned.
    pub(crate) confirms_membership: bool,
    /// Rule 9: an acknowledgement beyond the expected offset makes the owner read what is between.
    pub(crate) reads_the_gap: bool,
    pub(crate) effects: Effects,
    /// Rule 12: a deadline waits until every input is read to a watermark sampled after the due time.
    pub(crate) deadline_behind_backlog: bool,
    /// Rule 12: a marker makes ignored positions durable before a deadline's answer.
    pub(crate) marker_before_deadline: bool,
}

impl Rules {
    /// The protocol as `docs/protocol.md` states it.
    pub(crate) const fn stated() -> Self {
        Self {
            validity: Validity::LatestFence,
            nonce: true,
            numbers: true,
            older_version: OlderVersion::RefusedByAnyFence,
            restores_after_ack: true,
            origin_by_topic_id: true,
            positions: Positions::Stream,
            readers_keep: ReadersKeep::EpochNonceNumber,
            skips_by_id: true,
            markers: true,
            torn: TornAnswers::CompletedFirst,
            first_carries_rest: true,
            failure_ends_epoch: true,
            takes_over_again: true,
            confirms_membership: true,
            reads_the_gap: true,
            effects: Effects::SoundAppends,
            deadline_behind_backlog: true,
            marker_before_deadline: true,
        }
    }
}

/// Rule 2: which records count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Validity {
    /// Those of the latest fence before them.
    LatestFence,
    /// Those of any fence before them: a replaced owner stays valid.
    AnyFence,
    /// All; owners write no fence.
    Everything,
}

/// Rule 1: when an owner with an older declaration steps back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum OlderVersion {
    TakesOver,
    /// When the fence just before its own is of a newer version.
    RefusedByLastFence,
    /// When any fence before its own is of a newer version.
    RefusedByAnyFence,
}

/// Rule 4: where an owner's positions come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Positions {
    Stream,
    /// The group's committed offsets; an owner commits what is decided and acknowledged.
    CommittedAfterAck,
    /// The group's committed offsets; an owner commits what it decided.
    CommittedBeforeAck,
}

/// Rule 4: what a reader keeps with its offset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ReadersKeep {
    EpochNonceNumber,
    EpochNonce,
    OffsetOnly,
}

/// Rule 7: what the next owner does with an answer that a crash tore.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TornAnswers {
    CompletedFirst,
    CompletedWhenReadAgain,
    Ignored,
}

/// Rule 9: when an effect starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Effects {
    SoundAppends,
    AnyAcknowledgement,
    OnSend,
}

/// What happens around the owners, and how much of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct World {
    /// The ids on the two input logs, in order; an id on both, or twice, is a repeat.
    pub(crate) inputs: [&'static [u8]; 2],
    /// How many faults may happen in one run: rebalances, crashes, and what is switched on below.
    pub(crate) faults: u8,
    /// How many records an owner may have in flight before it stops deciding.
    pub(crate) window: usize,
    pub(crate) versions: Versions,
    /// Fault: the producer gives a record up and sends its successors.
    pub(crate) producer_drops: bool,
    /// Fault: the producer sends records again that the broker has, under a new producer epoch.
    pub(crate) producer_resends: bool,
    /// Fault, once: an unclean election cuts the last record off, where it is a fence.
    pub(crate) unclean_election: bool,
    /// The first input topic is deleted and created again with the second one's inputs.
    pub(crate) input_recreated: bool,
    /// Inputs arrive one by one, and a deadline falls due at some moment.
    pub(crate) deadline: bool,
    /// What decisions do: which inputs are answered with 0, 1 or 2 events in which state.
    pub(crate) seed: u64,
}

impl World {
    pub(crate) const fn with(inputs: [&'static [u8]; 2]) -> Self {
        Self {
            inputs,
            faults: 1,
            window: 2,
            versions: Versions::Same,
            producer_drops: false,
            producer_resends: false,
            unclean_election: false,
            input_recreated: false,
            deadline: false,
            seed: 0,
        }
    }

    /// More owners than the faults explain: each fault brings one owner, and one more where a fence of the
    /// replaced one lands late; laggards bring one each.
    pub(crate) const fn most_owners(&self) -> usize {
        let laggards = if matches!(self.versions, Versions::Laggards) {
            2
        } else {
            0
        };
        2 + 2 * self.faults as usize + laggards
    }
}

/// The declaration's versions over the owners, in the order in which they start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Versions {
    Same,
    /// All owners but the first are of a newer version, which decides otherwise.
    Deploy,
    /// The second and the third owner are of an older version than the rest.
    Laggards,
}

impl Versions {
    pub(crate) const fn of(self, owner: usize) -> u8 {
        match self {
            Self::Same => 0,
            Self::Deploy => (owner > 0) as u8,
            Self::Laggards => (owner == 0 || owner > 2) as u8,
        }
    }
}
