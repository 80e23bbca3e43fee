//! What may never be seen: the properties that both models are searched for.

/// A property that a state broke, with the number under which `docs/protocol.md` argues for it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// An answer lacks its end and another answer follows it.
    #[error("P1: a torn answer is followed by another answer")]
    TornInTheMiddle,
    /// The second half of an answer is not the half that the first one promised.
    #[error("P1: the halves of an answer disagree")]
    HalvesDisagree,
    /// An answer begins with an index other than 0.
    #[error("P1: an answer starts in the middle")]
    NoFirstRecord,
    /// An answer does not follow from the valid records before it.
    #[error("P1: an answer was not decided on the valid state before it")]
    StaleDecision,
    /// An event id occurs twice among the valid records.
    #[error("P2: an event id occurs twice among the valid records")]
    EventTwice,
    /// An input id has two answers among the valid records.
    #[error("P2: an input id is answered twice")]
    AnsweredTwice,
    /// At rest, nobody decided an input on a state that the stream holds.
    #[error("P3: an input is lost: nobody decided it on a valid state")]
    InputLost,
    /// Two answers to one origin stand in the wrong order.
    #[error("P4: the answers to one origin are out of its order")]
    OutOfOrder,
    /// An input was decided after a later one of its origin had been decided with no event.
    #[error("P4: an input was decided after a later one of its origin had been ignored")]
    DecidedBehindIgnored,
    /// A reader that starts in mid-stream does not see the valid records that a full reader sees.
    #[error("P5: a reader that resumes in mid-stream disagrees about what is valid")]
    ReadersDisagree,
    /// An effect began although its request is not a valid record.
    #[error("P6: an effect started for a request that is not valid")]
    VoidEffect,
    /// At rest, the last answer is torn.
    #[error("P7: at rest an answer is still torn")]
    TornAtRest,
    /// At rest, the process to which the partition is assigned does not work.
    #[error("P7: at rest the assigned owner does not work")]
    NobodyWorks,
    /// More take-overs than the faults explain.
    #[error("P7: owners replace one another without end")]
    ReplacedWithoutEnd,
    /// An older declaration decided after a newer one had.
    #[error("P8: an older version decided after a newer one")]
    OlderVersion,
    /// A deadline overtook an input that was in its log when the deadline fell due.
    #[error("P9: a deadline is ahead of an input that was in the log when it fell due")]
    EarlyDeadline,
}
