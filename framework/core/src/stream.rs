//! The stream reader: which records of a fenced stream are valid.
//!
//! A record is valid iff epoch and nonce equal those of the latest fence before it and its number is the last valid
//! number plus one. All else is void, for every reader: the restoring owner, routers, other services, tools.

use serde::{Deserialize, Serialize};

use crate::wire::{FENCE, Headers, Stamp, StampError, Writer};

/// The fence in force and the last valid number under it: what a reader keeps beside its offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cursor {
    /// Offset of the latest fence.
    pub epoch: i64,
    /// Its nonce.
    pub nonce: u64,
    /// The number of the last valid record since; the fence itself is 0.
    pub number: u64,
}

/// What a record is to a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A new owner's fence: its epoch starts here.
    Fence(Writer),
    /// A valid record of a fenced stream.
    Valid(Stamp),
    /// A record of a topic without fences, where everything is valid. A routed copy has a stamp, a foreign record none.
    Unfenced(Option<Stamp>),
    /// A leftover that counts for nobody.
    Void(Void),
}

/// Why a record is void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Void {
    /// Its epoch or nonce is not that of the latest fence: a replaced owner wrote it.
    Replaced,
    /// Its number does not follow the last valid one: it was resent, or follows a hole.
    OutOfTurn,
    /// It has no stamp, in a fenced stream.
    Foreign,
}

/// Reads one partition of a topic, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamReader(State);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No fence so far.
    Unfenced,
    /// The next stamped record is known to be valid: the reader resumes at it.
    AtValid,
    Fenced(Cursor),
}

impl StreamReader {
    /// A reader that starts at the beginning of the partition.
    #[must_use]
    pub const fn from_start() -> Self {
        StreamReader(State::Unfenced)
    }

    /// A reader that resumes *at* a record that it knows to be valid, whose epoch then tells the fence in force.
    #[must_use]
    pub const fn at_valid() -> Self {
        StreamReader(State::AtValid)
    }

    /// A reader that resumes after the place where it kept `cursor`.
    #[must_use]
    pub const fn resume(cursor: Option<Cursor>) -> Self {
        match cursor {
            Some(cursor) => StreamReader(State::Fenced(cursor)),
            None => StreamReader(State::Unfenced),
        }
    }

    /// What to keep beside the offset; `None` for a topic in which no fence was seen.
    #[must_use]
    pub const fn cursor(&self) -> Option<Cursor> {
        match self.0 {
            State::Fenced(cursor) => Some(cursor),
            State::Unfenced | State::AtValid => None,
        }
    }

    /// Whether a fence was seen before the next record.
    #[must_use]
    pub const fn is_fenced(&self) -> bool {
        matches!(self.0, State::Fenced(_))
    }

    /// Judges the next record.
    ///
    /// # Errors
    /// When it has a `kolo` header that cannot be read.
    pub fn read(&mut self, offset: i64, headers: &Headers<'_>) -> Result<Verdict, StampError> {
        let stamp = headers.stamp.map(Stamp::read).transpose()?;
        let Some(stamp) = stamp else {
            return Ok(match self.0 {
                State::Fenced(_) => Verdict::Void(Void::Foreign),
                State::Unfenced | State::AtValid => Verdict::Unfenced(None),
            });
        };
        let Some(writer) = stamp.writer else {
            return Ok(match self.0 {
                State::Fenced(_) => Verdict::Void(Void::Foreign),
                State::Unfenced | State::AtValid => Verdict::Unfenced(Some(stamp)),
            });
        };
        let Some(epoch) = writer.epoch else {
            if headers.event_type == Some(FENCE) {
                self.0 = State::Fenced(Cursor {
                    epoch: offset,
                    nonce: writer.nonce,
                    number: 0,
                });
                return Ok(Verdict::Fence(writer));
            }
            return Ok(Verdict::Void(Void::Foreign));
        };
        let found = Cursor {
            epoch,
            nonce: writer.nonce,
            number: writer.number,
        };
        Ok(match &mut self.0 {
            State::AtValid => {
                self.0 = State::Fenced(found);
                Verdict::Valid(stamp)
            }
            State::Unfenced => Verdict::Void(Void::Replaced),
            State::Fenced(cursor) if cursor.epoch != epoch || cursor.nonce != writer.nonce => {
                Verdict::Void(Void::Replaced)
            }
            State::Fenced(cursor) if follows(cursor, writer.number) => {
                cursor.number = writer.number;
                Verdict::Valid(stamp)
            }
            State::Fenced(_) => Verdict::Void(Void::OutOfTurn),
        })
    }
}

fn follows(cursor: &Cursor, number: u64) -> bool {
    number == cursor.number + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(epoch: Option<i64>, nonce: u64, number: u64) -> String {
        Stamp::own(Writer {
            epoch,
            nonce,
            number,
        })
        .to_string()
    }

    fn read(
        reader: &mut StreamReader,
        offset: i64,
        epoch: Option<i64>,
        nonce: u64,
        number: u64,
    ) -> Verdict {
        let text = stamp(epoch, nonce, number);
        let event_type = Some(if epoch.is_none() { FENCE } else { "shop.E" });
        reader
            .read(
                offset,
                &Headers {
                    stamp: Some(&text),
                    event_type,
                    ..Headers::default()
                },
            )
            .unwrap()
    }

    fn void(why: Void) -> Verdict {
        Verdict::Void(why)
    }

    #[test]
    fn only_what_follows_the_latest_fence_in_its_turn_is_valid() {
        let mut reader = StreamReader::from_start();
        assert_eq!(
            read(&mut reader, 0, Some(0), 1, 1),
            void(Void::Replaced),
            "nothing is valid before the first fence"
        );
        assert!(matches!(
            read(&mut reader, 1, None, 7, 0),
            Verdict::Fence(_)
        ));
        assert!(matches!(
            read(&mut reader, 2, Some(1), 7, 1),
            Verdict::Valid(_)
        ));
        assert_eq!(
            read(&mut reader, 3, Some(1), 7, 1),
            void(Void::OutOfTurn),
            "a resent record"
        );
        assert_eq!(
            read(&mut reader, 4, Some(1), 7, 3),
            void(Void::OutOfTurn),
            "a successor of a hole"
        );
        assert_eq!(
            read(&mut reader, 5, Some(1), 8, 2),
            void(Void::Replaced),
            "the same epoch under another nonce"
        );
        assert!(matches!(
            read(&mut reader, 6, None, 9, 0),
            Verdict::Fence(_)
        ));
        assert_eq!(
            read(&mut reader, 7, Some(1), 7, 2),
            void(Void::Replaced),
            "a late record of the replaced owner"
        );
        assert!(matches!(
            read(&mut reader, 8, Some(6), 9, 1),
            Verdict::Valid(_)
        ));
        assert_eq!(reader.read(9, &Headers::default()), Ok(void(Void::Foreign)));
        assert_eq!(
            reader.cursor(),
            Some(Cursor {
                epoch: 6,
                nonce: 9,
                number: 1
            })
        );
    }

    #[test]
    fn a_reader_in_mid_stream_agrees_with_one_from_the_start() {
        let records = [
            (None, 7, 0),
            (Some(0), 7, 1),
            (Some(0), 7, 1),
            (None, 8, 0),
            (Some(0), 7, 2),
            (Some(3), 8, 1),
            (Some(3), 8, 2),
        ];
        let mut reader = StreamReader::from_start();
        let mut resumed: Vec<StreamReader> = Vec::new();
        for (offset, &(epoch, nonce, number)) in (0..).zip(&records) {
            let kept = StreamReader::resume(reader.cursor());
            let verdict = read(&mut reader, offset, epoch, nonce, number);
            resumed.push(kept);
            if matches!(verdict, Verdict::Valid(_)) {
                resumed.push(StreamReader::at_valid());
            }
            for other in &mut resumed {
                assert_eq!(
                    read(other, offset, epoch, nonce, number),
                    verdict,
                    "at {offset}"
                );
            }
        }
    }

    #[test]
    fn in_a_topic_without_fences_everything_is_valid() {
        let mut reader = StreamReader::from_start();
        assert_eq!(
            reader.read(0, &Headers::default()),
            Ok(Verdict::Unfenced(None))
        );
        assert_eq!(reader.cursor(), None);
    }
}
