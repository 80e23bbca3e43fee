//! Compatibility levels and modes, by Confluent's names.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a new version of a subject has to be compatible with, and in which direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Level {
    None,
    /// It reads what the latest version wrote.
    #[default]
    Backward,
    BackwardTransitive,
    /// What it writes is read by the latest version.
    Forward,
    ForwardTransitive,
    Full,
    FullTransitive,
}

impl Level {
    const ALL: [Level; 7] = [
        Level::None,
        Level::Backward,
        Level::BackwardTransitive,
        Level::Forward,
        Level::ForwardTransitive,
        Level::Full,
        Level::FullTransitive,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Level::None => "NONE",
            Level::Backward => "BACKWARD",
            Level::BackwardTransitive => "BACKWARD_TRANSITIVE",
            Level::Forward => "FORWARD",
            Level::ForwardTransitive => "FORWARD_TRANSITIVE",
            Level::Full => "FULL",
            Level::FullTransitive => "FULL_TRANSITIVE",
        }
    }

    /// Whether the new schema has to read what earlier ones wrote.
    pub(crate) fn backward(self) -> bool {
        matches!(
            self,
            Level::Backward | Level::BackwardTransitive | Level::Full | Level::FullTransitive
        )
    }

    /// Whether earlier schemas have to read what the new one writes.
    pub(crate) fn forward(self) -> bool {
        matches!(
            self,
            Level::Forward | Level::ForwardTransitive | Level::Full | Level::FullTransitive
        )
    }

    /// Whether all earlier versions count, and not the latest alone.
    pub(crate) fn is_transitive(self) -> bool {
        matches!(
            self,
            Level::BackwardTransitive | Level::ForwardTransitive | Level::FullTransitive
        )
    }
}

impl FromStr for Level {
    type Err = ();

    /// As with Confluent's, whichever case the letters are in.
    fn from_str(name: &str) -> Result<Self, ()> {
        let found = Level::ALL
            .into_iter()
            .find(|level| level.name().eq_ignore_ascii_case(name));
        found.ok_or(())
    }
}

/// Whether a subject can be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Mode {
    #[default]
    #[serde(rename = "READWRITE")]
    ReadWrite,
    #[serde(rename = "READONLY")]
    ReadOnly,
    /// Globally: no subject can be written to, whatever it says itself.
    #[serde(rename = "READONLY_OVERRIDE")]
    ReadOnlyOverride,
    /// Of a log that another registry wrote. Here it is as `ReadWrite`.
    Import,
}

impl Mode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Mode::ReadWrite => "READWRITE",
            Mode::ReadOnly => "READONLY",
            Mode::ReadOnlyOverride => "READONLY_OVERRIDE",
            Mode::Import => "IMPORT",
        }
    }

    /// Of those that can be set here.
    pub(crate) fn named(name: &str) -> Option<Mode> {
        [Mode::ReadWrite, Mode::ReadOnly, Mode::ReadOnlyOverride]
            .into_iter()
            .find(|mode| mode.name().eq_ignore_ascii_case(name))
    }
}
