//! What was seen that may never be.

use std::fmt;

/// Something that may never be, by the oracle that saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// Which oracle or invariant.
    pub oracle: Oracle,
    /// What it saw, for people.
    pub message: String,
}

/// Who looks for what may never be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Oracle {
    /// A processor said something that nobody expects of correct services: something is parked, a stream cannot be restored.
    Surprise,
    /// When nothing happens any more, each partition has one owner that works.
    Rest,
    /// No id stands twice among valid records.
    Ids,
    /// Answers are whole, and in the order of their inputs.
    Answers,
    /// No input is answered twice.
    Once,
    /// Deciding again what was recorded gives the same.
    Decisions,
    /// No input is left without its answer.
    Inputs,
    /// Every valid request is answered, and no port is called for any other.
    Requests,
    /// What was undone was done, once; what is barred does not happen.
    Barrier,
    /// An owner knows what another one would restore.
    Restore,
    /// Every saga comes to an end.
    Ends,
    /// A deadline is answered behind all that stood in the inputs when it passed.
    Deadlines,
    /// An invariant of the test.
    Invariant(String),
}

impl fmt::Display for Oracle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Oracle::Surprise => "surprise",
            Oracle::Rest => "rest",
            Oracle::Ids => "ids",
            Oracle::Answers => "answers",
            Oracle::Once => "once",
            Oracle::Decisions => "decisions",
            Oracle::Inputs => "inputs",
            Oracle::Requests => "requests",
            Oracle::Barrier => "barrier",
            Oracle::Restore => "restore",
            Oracle::Ends => "ends",
            Oracle::Deadlines => "deadlines",
            Oracle::Invariant(name) => name,
        };
        f.write_str(name)
    }
}

impl Violation {
    pub(crate) fn new(oracle: Oracle, message: impl Into<String>) -> Self {
        Violation {
            oracle,
            message: message.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.oracle, self.message)
    }
}

impl std::error::Error for Violation {}
