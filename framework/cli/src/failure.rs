//! How a command fails, and the exit code of each way.

use std::io;
use std::process::ExitCode;

/// Why a command ended without doing what it was asked for. Each message is one paragraph: what, where, what to do next.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something went wrong while it ran: exit code 1.
    Run(String),
    /// It was asked for something impossible, and nothing was sent: exit code 2, as for a wrong usage.
    Input(String),
    /// Whoever read the output has closed it, as `head` does: that is no failure, exit code 0.
    OutputClosed,
}

impl Failure {
    pub(crate) fn run(message: impl Into<String>) -> Self {
        Failure::Run(message.into())
    }

    pub(crate) fn input(message: impl Into<String>) -> Self {
        Failure::Input(message.into())
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Failure::Run(_) => ExitCode::from(1),
            Failure::Input(_) => ExitCode::from(2),
            Failure::OutputClosed => ExitCode::SUCCESS,
        }
    }

    pub(crate) fn message(&self) -> Option<&str> {
        match self {
            Failure::Run(message) | Failure::Input(message) => Some(message),
            Failure::OutputClosed => None,
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
