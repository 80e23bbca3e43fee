//! How a command fails, and the exit code of each way.

use std::io;

use crate::topics::TopicError;

/// Why a command ended without doing what it was asked for. Each message is one paragraph: what, where, what to do next.
#[derive(Debug)]
pub(super) enum Failure {
    /// Something went wrong while it ran: exit code 1.
    Run(String),
    /// It was asked for something impossible, and nothing was sent: exit code 2, as for a wrong usage.
    Input(String),
    /// What it was asked for is not so yet, which its output says: exit code 1.
    NotDone,
    /// What was compared is not the same, which its output says: exit code 3.
    Differs,
    /// Whoever read the output has closed it, as `head` does: that is no failure, exit code 0.
    OutputClosed,
}

impl Failure {
    pub(super) fn run(message: impl Into<String>) -> Self {
        Failure::Run(message.into())
    }

    pub(super) fn input(message: impl Into<String>) -> Self {
        Failure::Input(message.into())
    }

    pub(super) const fn exit_code(&self) -> u8 {
        match self {
            Failure::Run(_) | Failure::NotDone => 1,
            Failure::Input(_) => 2,
            Failure::Differs => 3,
            Failure::OutputClosed => 0,
        }
    }

    pub(super) fn message(&self) -> Option<&str> {
        match self {
            Failure::Run(message) | Failure::Input(message) => Some(message),
            Failure::NotDone | Failure::Differs | Failure::OutputClosed => None,
        }
    }
}

/// Failures to write the output; other IO errors are given a message where they arise.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Failure::OutputClosed
        } else {
            Failure::Run(format!("the output cannot be written: {error}"))
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        io::Error::from(error).into()
    }
}

impl From<TopicError> for Failure {
    fn from(error: TopicError) -> Self {
        Failure::run(error.to_string())
    }
}
