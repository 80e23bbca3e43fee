//! What is wrong with a value's bytes, and where.

use std::borrow::Cow;
use std::fmt;

/// A value that is not what its schema says. One word wide, so that the reading of a good value pays nothing for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(Box<Detail>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Detail {
    at: usize,
    problem: Problem,
    /// Innermost field first, since it is known first.
    fields: Vec<Cow<'static, str>>,
}

impl Fault {
    #[cold]
    pub(crate) fn new(at: usize, problem: Problem) -> Self {
        Self(Box::new(Detail {
            at,
            problem,
            fields: Vec::new(),
        }))
    }

    /// Offset in the value, framing included, at which the problem shows.
    #[must_use]
    pub fn at(&self) -> usize {
        self.0.at
    }

    /// What is wrong.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.0.problem
    }

    #[cold]
    pub(crate) fn within(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.0.fields.push(field.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.fields.is_empty() {
            f.write_str("field `")?;
            for (index, field) in self.0.fields.iter().rev().enumerate() {
                if index > 0 {
                    f.write_str(".")?;
                }
                f.write_str(field)?;
            }
            f.write_str("`: ")?;
        }
        self.0.problem.fmt(f)
    }
}

impl std::error::Error for Fault {}

/// Names the field that a fault lies in; generated code calls it for every field.
///
/// # Errors
/// The fault of `read`, with the field's name.
#[inline]
pub fn in_field<T>(read: Result<T, Fault>, field: &'static str) -> Result<T, Fault> {
    match read {
        Ok(value) => Ok(value),
        Err(fault) => Err(fault.within(field)),
    }
}

/// The kinds of malformed input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The value ends in the middle of something.
    #[error("the value ends here, {missing} byte(s) too early")]
    Truncated {
        /// How many bytes more were needed at least.
        missing: usize,
    },
    /// Bytes are left after the last field.
    #[error(
        "{extra} byte(s) follow the last field; the value was written with another schema than its fingerprint says"
    )]
    Trailing {
        /// How many.
        extra: usize,
    },
    /// A variable-length integer has more bits than its type.
    #[error("an integer does not fit in {bits} bits")]
    IntegerOverflow {
        /// 32 or 64.
        bits: u32,
    },
    /// A length is negative, or longer than what is left of the value.
    #[error("a length of {length}, but {left} byte(s) are left")]
    Length {
        /// The length, as it stands there.
        length: i64,
        /// What is left of the value.
        left: usize,
    },
    /// A block of an array or map claims more items than the rest of the value can hold.
    #[error(
        "a block of {count} items of at least {min_bytes} byte(s) each, but {left} byte(s) are left"
    )]
    Count {
        /// Items, as the block says.
        count: i64,
        /// The least that one item takes.
        min_bytes: usize,
        /// What is left of the value.
        left: usize,
    },
    /// Items that take no bytes at all can be claimed for nothing, so their number has a limit.
    #[error("more than {limit} items that take no bytes")]
    ZeroWidthItems {
        /// The limit, a value.
        limit: usize,
    },
    /// A block says how long it is, and its items say otherwise.
    #[error("a block of {said} byte(s) whose items take {took}")]
    BlockSize {
        /// As the block says.
        said: usize,
        /// As its items are.
        took: usize,
    },
    /// A boolean is neither 0 nor 1.
    #[error("a boolean is 0 or 1, not {0}")]
    Boolean(u8),
    /// A string is not UTF-8.
    #[error("a string that is not UTF-8")]
    Utf8,
    /// A uuid is not written as 36 characters with hyphens.
    #[error("{text:?} is not a uuid in its hyphenated form")]
    Uuid {
        /// What stands there, shortened.
        text: String,
    },
    /// The index of a union's branch or an enum's symbol does not exist.
    #[error("index {index} of a type that has {count} choices")]
    Index {
        /// As it stands there.
        index: i64,
        /// How many branches or symbols there are.
        count: usize,
    },
    /// A decimal has more digits than its precision, or no bytes.
    #[error("a decimal of {bytes} byte(s) that is not a number of at most {precision} digits")]
    Decimal {
        /// Length of the number.
        bytes: usize,
        /// Digits that the schema allows.
        precision: u32,
    },
}
