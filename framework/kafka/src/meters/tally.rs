//! What a worker counts between two handings-over.

use kolo_core::processor::Outcome;

use super::{LatencyTally, counts};

/// What became of an input, in the words of a metric's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InputKind {
    Decided,
    Repeat,
    Barred,
    Ignored,
    Skipped,
    Void,
    Parked,
    Refused,
}

impl InputKind {
    pub(crate) const ALL: [InputKind; 8] = [
        InputKind::Decided,
        InputKind::Repeat,
        InputKind::Barred,
        InputKind::Ignored,
        InputKind::Skipped,
        InputKind::Void,
        InputKind::Parked,
        InputKind::Refused,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            InputKind::Decided => "decided",
            InputKind::Repeat => "repeat",
            InputKind::Barred => "barred",
            InputKind::Ignored => "ignored",
            InputKind::Skipped => "skipped",
            InputKind::Void => "void",
            InputKind::Parked => "parked",
            InputKind::Refused => "refused",
        }
    }
}

impl From<&Outcome> for InputKind {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Decided(_) => InputKind::Decided,
            Outcome::Repeat => InputKind::Repeat,
            Outcome::Barred => InputKind::Barred,
            Outcome::Ignored => InputKind::Ignored,
            Outcome::Skipped => InputKind::Skipped,
            Outcome::Void => InputKind::Void,
            Outcome::Parked => InputKind::Parked,
            Outcome::Unchained | Outcome::NotUnderstood => InputKind::Refused,
        }
    }
}

/// What was counted since the last handing-over.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// By [`InputKind`].
    pub(super) inputs: [u64; InputKind::ALL.len()],
    pub(super) events: u64,
    pub(super) barred: u64,
    pub(crate) answers: LatencyTally,
    pub(crate) appends: LatencyTally,
    pub(crate) replies: LatencyTally,
    pub(crate) take_overs: LatencyTally,
}

impl Tally {
    /// An input was handled.
    pub(crate) fn input(&mut self, outcome: &Outcome) {
        self.inputs[InputKind::from(outcome) as usize] += u64::from(counts());
    }

    /// A record is appended.
    pub(crate) fn append(&mut self, event_type: &str) {
        if !counts() {
            return;
        }
        if event_type == kolo_core::wire::BARRED {
            self.barred += 1;
        } else if !kolo_core::wire::is_own_record(event_type) {
            self.events += 1;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events == 0
            && self.barred == 0
            && self.appends.is_empty()
            && self.replies.is_empty()
            && self.take_overs.is_empty()
            && self.inputs.iter().all(|counted| *counted == 0)
    }
}
