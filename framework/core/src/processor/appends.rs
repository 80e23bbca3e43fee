//! Acknowledged and consecutive: which appends are sound.
//!
//! The owner knows its next offset. An acknowledgement beyond it means that somebody else wrote: the gap is read. A fence
//! in it: replaced. Void leftovers: stepped over. Only then is the append sound, and only sound appends start effects.

use std::collections::VecDeque;
use std::ops::Range;

use crate::id::EventId;

/// What the acknowledgements of one epoch have told so far.
#[derive(Debug, Default)]
pub(crate) struct Appends {
    /// The offset that the next append gets if nobody else writes.
    expected: i64,
    /// Appends without acknowledgement, or waiting behind a gap.
    open: VecDeque<Open>,
    /// How many of `open`, from its front, are acknowledged.
    acknowledged: usize,
}

#[derive(Debug)]
struct Open {
    /// The request whose effect starts when this append is sound.
    request: Option<EventId>,
    offset: Option<i64>,
}

/// Why an owner's epoch is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EpochEnd {
    /// A fence stands behind this owner's own.
    #[error("another owner has taken over: its fence stands at offset {fence}")]
    Replaced {
        /// Where.
        fence: i64,
    },
    /// The log gave an offset below one that it had given before.
    #[error(
        "the log acknowledged offset {found} where {expected} or more was due: it was truncated or recreated"
    )]
    Truncated {
        /// The least offset that was due.
        expected: i64,
        /// The offset that came.
        found: i64,
    },
    /// More acknowledgements than appends.
    #[error("an acknowledgement came for which nothing was appended")]
    Unasked,
}

impl Appends {
    pub(crate) fn start(epoch: i64) -> Self {
        Appends {
            expected: epoch + 1,
            ..Appends::default()
        }
    }

    pub(crate) fn push(&mut self, request: Option<EventId>) {
        self.open.push_back(Open {
            request,
            offset: None,
        });
    }

    /// The offset of the last record that is known to be valid; the fence at first. Nothing may be in flight.
    pub(crate) fn last(&self) -> i64 {
        self.expected - 1
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.open.len()
    }

    /// The next append in order was acknowledged at this offset.
    pub(crate) fn acknowledged(&mut self, offset: i64) -> Result<(), EpochEnd> {
        let due = self
            .acknowledged
            .checked_sub(1)
            .and_then(|last| self.open[last].offset)
            .map_or(self.expected, |o| o + 1);
        if offset < due {
            return Err(EpochEnd::Truncated {
                expected: due,
                found: offset,
            });
        }
        let open = self
            .open
            .get_mut(self.acknowledged)
            .ok_or(EpochEnd::Unasked)?;
        open.offset = Some(offset);
        self.acknowledged += 1;
        Ok(())
    }

    /// The offsets that must be read before anything more is sound.
    pub(crate) fn gap(&self) -> Option<Range<i64>> {
        let offset = self.open.front()?.offset?;
        (offset > self.expected).then_some(self.expected..offset)
    }

    /// A record of the gap was read; it is a void leftover unless it is a fence.
    pub(crate) fn read_gap(&mut self, offset: i64, fence: bool) -> Result<(), EpochEnd> {
        if offset < self.expected || self.gap().is_none_or(|gap| offset >= gap.end) {
            return Ok(());
        }
        if fence {
            return Err(EpochEnd::Replaced { fence: offset });
        }
        self.expected = offset + 1;
        Ok(())
    }

    /// Takes the next append that is sound, and the request that it held. Without `read_gaps`, a rule that a test may
    /// leave out, whatever is acknowledged counts.
    pub(crate) fn next_sound(&mut self, read_gaps: bool) -> Option<Option<EventId>> {
        let offset = self.open.front()?.offset?;
        if offset != self.expected && read_gaps {
            return None;
        }
        self.expected = offset + 1;
        self.acknowledged -= 1;
        self.open.pop_front().map(|open| open.request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(appends: &mut Appends) -> usize {
        std::iter::from_fn(|| appends.next_sound(true)).count()
    }

    #[test]
    fn nothing_behind_a_gap_is_sound_before_the_gap_is_read() {
        let mut appends = Appends::start(9);
        (0..3).for_each(|_| appends.push(None));
        appends.acknowledged(10).unwrap();
        assert_eq!((sound(&mut appends), appends.gap()), (1, None));
        appends.acknowledged(13).unwrap();
        appends.acknowledged(14).unwrap();
        assert_eq!((sound(&mut appends), appends.gap()), (0, Some(11..13)));
        appends.read_gap(11, false).unwrap();
        assert_eq!((sound(&mut appends), appends.gap()), (0, Some(12..13)));
        appends.read_gap(12, false).unwrap();
        assert_eq!((sound(&mut appends), appends.gap()), (2, None));
        assert_eq!(appends.in_flight(), 0);
    }

    #[test]
    fn a_fence_in_the_gap_ends_the_epoch() {
        let mut appends = Appends::start(0);
        appends.push(None);
        appends.acknowledged(2).unwrap();
        assert_eq!(
            appends.read_gap(1, true),
            Err(EpochEnd::Replaced { fence: 1 })
        );
    }

    #[test]
    fn an_offset_that_was_given_before_ends_the_epoch() {
        let mut appends = Appends::start(4);
        appends.push(None);
        appends.push(None);
        assert_eq!(
            appends.acknowledged(4),
            Err(EpochEnd::Truncated {
                expected: 5,
                found: 4
            })
        );
        appends.acknowledged(6).unwrap();
        assert_eq!(
            appends.acknowledged(6),
            Err(EpochEnd::Truncated {
                expected: 7,
                found: 6
            })
        );
    }
}
