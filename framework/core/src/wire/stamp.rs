//! The `kolo` header: one packed line of ASCII, readable in any UI.
//!
//! `1 <correlation> <causation> <epoch>.<nonce>.<number> <source> <index>/<count>`, each field `-` where it does not apply.
//! Ids are 22 characters of base64url, the nonce 11. A source is `<origin>:<partition>:<offset>[.<copy>]` with the
//! origin's number in the writer's fence record, or in a routed copy `r<version>/<topic id>:<partition>:<offset>.<copy>[~<offset>.<copy>]`,
//! with the copy before it from the same run of the router; `@<millis>` for a deadline, and `p` for
//! what was parked.

use std::fmt::Write as _;

use uuid::Uuid;

use super::base64::{push_ascii, write_base64};
use super::parse::parse;
use crate::id::{CorrelationId, EventId, TopicId};
use crate::position::{OriginNumber, Path, Position};
use crate::time::Timestamp;

/// Who wrote a record, as far as it claims: the epoch, its nonce, and the record's number within the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Writer {
    /// Offset of the owner's fence; `None` on the fence itself, whose offset is not known before it is written.
    pub epoch: Option<i64>,
    /// Drawn afresh for each fence.
    pub nonce: u64,
    /// The fence is 0, its first record 1, and so on.
    pub number: u64,
}

/// Which input a record answers, or is a copy of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// None: kolo's own records, and the answers of effects.
    None,
    /// The deadline that an own event answers, by its due time.
    Deadline(Timestamp),
    /// Something parked, which was redriven or dropped, or failed again.
    Parked,
    /// The input that an own event answers.
    Input {
        /// The origin's number in the writer's fence record.
        origin: OriginNumber,
        /// Partition of the origin.
        partition: i32,
        /// Where there.
        position: Position,
    },
    /// The record that a router copied.
    Copy {
        /// By which version of the route.
        path: Path,
        /// The topic it was read from.
        topic: TopicId,
        /// Partition there.
        partition: i32,
        /// Offset there, and which copy.
        position: Position,
        /// The copy that the same run of the router sent to this partition before; none for the first.
        after: Option<Position>,
    },
}

/// The `kolo` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// The saga.
    pub correlation: Option<CorrelationId>,
    /// The event that caused this one.
    pub causation: Option<EventId>,
    /// The epoch it was written under; `None` on copies.
    pub writer: Option<Writer>,
    /// The input it answers.
    pub source: Source,
    /// Which event of the answer this is, from 1.
    pub index: u16,
    /// Of how many.
    pub count: u16,
}

/// A `kolo` header that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the header `kolo: {header}` cannot be read: {problem}")]
pub struct StampError {
    header: String,
    problem: &'static str,
}

fn write_id(out: &mut String, id: Option<Uuid>) {
    match id {
        Some(id) => write_base64(out, id.as_u128(), 22),
        None => out.push('-'),
    }
}

/// Writes a number that is never negative; by hand, since formatting machinery is slow and this is the hot path.
fn write_number(out: &mut String, number: impl TryInto<u64>) {
    let mut number = number.try_into().unwrap_or(0);
    let mut text = [0u8; 20];
    let mut at = text.len();
    loop {
        at -= 1;
        text[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    push_ascii(out, &text[at..]);
}

impl Stamp {
    /// The stamp of one of kolo's own records, which answers nothing.
    #[must_use]
    pub fn own(writer: Writer) -> Self {
        Stamp {
            correlation: None,
            causation: None,
            writer: Some(writer),
            source: Source::None,
            index: 1,
            count: 1,
        }
    }

    /// Appends the header's text to `out`.
    pub fn write(&self, out: &mut String) {
        out.push_str("1 ");
        write_id(out, self.correlation.map(|id| id.0));
        out.push(' ');
        write_id(out, self.causation.map(|id| id.0));
        out.push(' ');
        match &self.writer {
            None => out.push('-'),
            Some(writer) => {
                match writer.epoch {
                    Some(epoch) => write_number(out, epoch),
                    None => out.push('-'),
                }
                out.push('.');
                write_base64(out, u128::from(writer.nonce), 11);
                out.push('.');
                write_number(out, writer.number);
            }
        }
        out.push(' ');
        match &self.source {
            Source::None => out.push('-'),
            Source::Parked => out.push('p'),
            Source::Deadline(due) => {
                let _ = write!(out, "@{}", due.as_millis());
            }
            Source::Input {
                origin,
                partition,
                position,
            } => {
                write_number(out, *origin);
                write_place(out, *partition, *position);
                if position.copy > 0 {
                    out.push('.');
                    write_number(out, position.copy);
                }
            }
            Source::Copy {
                path,
                topic,
                partition,
                position,
                after,
            } => {
                let version = match path {
                    Path::Direct => 0,
                    Path::Route(version) => *version,
                };
                out.push('r');
                write_number(out, version);
                out.push('/');
                write_base64(out, topic.0.as_u128(), 22);
                write_place(out, *partition, *position);
                out.push('.');
                write_number(out, position.copy);
                if let Some(after) = after {
                    out.push('~');
                    write_number(out, after.offset);
                    out.push('.');
                    write_number(out, after.copy);
                }
            }
        }
        out.push(' ');
        write_number(out, self.index);
        out.push('/');
        write_number(out, self.count);
    }

    /// Reads the header's text.
    ///
    /// # Errors
    /// When it is not a `kolo` header of version 1.
    pub fn read(header: &str) -> Result<Stamp, StampError> {
        parse(header).map_err(|problem| StampError {
            header: header.to_owned(),
            problem,
        })
    }
}

fn write_place(out: &mut String, partition: i32, position: Position) {
    out.push(':');
    write_number(out, partition);
    out.push(':');
    write_number(out, position.offset);
}

impl std::fmt::Display for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::new();
        self.write(&mut text);
        f.write_str(&text)
    }
}

impl std::fmt::Display for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(epoch) = self.epoch {
            write!(f, "{epoch}")?;
        }
        f.write_char('.')?;
        write!(f, "{:016x}.{}", self.nonce, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(seed: u128) -> Uuid {
        Uuid::from_u128(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C834))
    }

    #[test]
    fn what_is_written_is_read_again() {
        let writers = [
            None,
            Some(Writer {
                epoch: None,
                nonce: u64::MAX,
                number: 0,
            }),
            Some(Writer {
                epoch: Some(0),
                nonce: 0,
                number: 7,
            }),
        ];
        let sources = [
            Source::None,
            Source::Parked,
            Source::Deadline(Timestamp::from_millis(1_700_000_000_000)),
            Source::Deadline(Timestamp::from_millis(-1)),
            Source::Input {
                origin: 3,
                partition: 5,
                position: Position::direct(i64::MAX),
            },
            Source::Input {
                origin: 0,
                partition: 0,
                position: Position {
                    offset: 0,
                    copy: 12,
                },
            },
            Source::Copy {
                path: Path::Direct,
                topic: TopicId(id(9)),
                partition: 0,
                position: Position::direct(3),
                after: None,
            },
            Source::Copy {
                path: Path::Route(1),
                topic: TopicId(id(9)),
                partition: 63,
                position: Position { offset: 8, copy: 0 },
                after: Some(Position { offset: 7, copy: 3 }),
            },
        ];
        for writer in writers {
            for source in sources {
                for ids in [None, Some(id(1)), Some(Uuid::nil()), Some(Uuid::max())] {
                    let stamp = Stamp {
                        correlation: ids.map(CorrelationId),
                        causation: ids.map(EventId),
                        writer,
                        source,
                        index: 2,
                        count: 3,
                    };
                    let text = stamp.to_string();
                    assert!(text.is_ascii());
                    assert_eq!(Stamp::read(&text), Ok(stamp), "{text}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_header_is_refused_with_its_text_and_the_reason() {
        let good = Stamp::own(Writer {
            epoch: Some(4),
            nonce: 5,
            number: 6,
        })
        .to_string();
        assert_eq!(good, "1 - - 4.AAAAAAAAAAF.6 - 1/1");
        for at in 0..good.len() {
            assert!(
                Stamp::read(&good[..at]).is_err(),
                "a header cut off at {at} is not read"
            );
        }
        for bad in [
            "",
            "2 - - - - 1/1",
            "1 - - - - 0/1",
            "1 - - - - 2/1",
            "1 x - - - 1/1",
            "1 - - 4.x.6 - 1/1",
            "1 - - - 1:2 1/1",
        ] {
            let error = Stamp::read(bad).expect_err(bad).to_string();
            assert!(error.contains(bad), "{error}");
        }
    }
}
