//! Rule 2: what is valid, judged record by record, from the beginning or from somewhere in mid-stream.

use super::rules::{ReadersKeep, Rules, Validity};
use super::state::{Body, Event, Record, small};

/// A reader's knowledge of the fence in force.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader {
    rules: Rules,
    fence: InForce,
    /// The last valid number; `None` where the reader did not keep it and takes the next record's.
    number: Option<u8>,
    /// Offsets of all fences so far, as a set of bits.
    fences: u64,
}

#[derive(Clone, Copy, Debug)]
enum InForce {
    /// No fence yet: nothing is valid.
    Nothing,
    /// There may have been one, but the reader did not keep it: it believes the next record.
    Forgotten,
    Fence {
        epoch: u8,
        nonce: u8,
    },
}

impl Reader {
    pub(crate) const fn from_the_start(rules: Rules) -> Self {
        Self {
            rules,
            fence: InForce::Nothing,
            number: Some(0),
            fences: 0,
        }
    }

    /// A reader that resumes just behind `record`, which it knows to be valid and whose header it reads again.
    pub(crate) const fn behind(rules: Rules, offset: u8, record: &Record) -> Self {
        let epoch = if matches!(record.body, Body::Fence { .. }) {
            offset
        } else {
            record.epoch
        };
        let fence = InForce::Fence {
            epoch,
            nonce: record.nonce,
        };
        Self {
            rules,
            fence,
            number: Some(record.number),
            fences: 1 << epoch,
        }
    }

    /// What is left of this reader after a restart, when it kept only what the rules say.
    pub(crate) const fn restarted(mut self) -> Self {
        match self.rules.readers_keep {
            ReadersKeep::EpochNonceNumber => {}
            ReadersKeep::EpochNonce => self.number = None,
            ReadersKeep::OffsetOnly => {
                self.fence = InForce::Forgotten;
                self.number = None;
            }
        }
        self
    }

    /// Whether `record` is a valid event or marker. Fences are what validity is measured by; the answer for one is no.
    pub(crate) fn judge(&mut self, offset: u8, record: &Record) -> bool {
        if let Body::Fence { .. } = record.body {
            self.fence = InForce::Fence {
                epoch: offset,
                nonce: record.nonce,
            };
            self.number = Some(0);
            self.fences |= 1 << offset;
            return false;
        }
        match self.rules.validity {
            Validity::Everything => true,
            Validity::AnyFence => self.fences & (1 << record.epoch) != 0,
            Validity::LatestFence => self.follows(record),
        }
    }

    fn follows(&mut self, record: &Record) -> bool {
        let known = match self.fence {
            InForce::Nothing => false,
            InForce::Forgotten => {
                self.fence = InForce::Fence {
                    epoch: record.epoch,
                    nonce: record.nonce,
                };
                true
            }
            InForce::Fence { epoch, nonce } => {
                epoch == record.epoch && (nonce == record.nonce || !self.rules.nonce)
            }
        };
        let valid = known
            && (!self.rules.numbers || self.number.is_none_or(|last| record.number == last + 1));
        if valid {
            self.number = Some(record.number);
        }
        valid
    }
}

/// The valid records of `stream`, with their offsets, as a reader from the start sees them.
pub(crate) fn valid(rules: Rules, stream: &[Record]) -> impl Iterator<Item = (u8, &Record)> {
    let mut reader = Reader::from_the_start(rules);
    stream
        .iter()
        .enumerate()
        .filter_map(move |(offset, record)| {
            let offset = small(offset);
            reader.judge(offset, record).then_some((offset, record))
        })
}

/// The valid events of `stream` in order.
pub(crate) fn valid_events(rules: Rules, stream: &[Record]) -> impl Iterator<Item = (u8, Event)> {
    valid(rules, stream).filter_map(|(offset, record)| match record.body {
        Body::Event(event) => Some((offset, event)),
        Body::Fence { .. } | Body::Marker(_) => None,
    })
}
