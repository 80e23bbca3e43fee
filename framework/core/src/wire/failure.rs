//! Why something was parked: a stable class, the function, and a message for people.

use serde::{Deserialize, Serialize};

/// Why something was parked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of failure it is.
    pub class: FailureClass,
    /// The function that failed, and where the declaration names it; absent where no function of the user's ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// What went wrong, for people.
    pub message: String,
}

/// The kinds of failure: a stable list, for filters and alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FailureClass {
    /// The value, or a header, cannot be read.
    Decode,
    /// The key is absent, not the event's, or on the wrong partition.
    Key,
    /// The type is not told.
    Type,
    /// It stands in an inbox, and no router put it there.
    Origin,
    /// A reaction, a compensation, an effect's `then` or a deadline panicked.
    Panic,
    /// The answer is not one that may be written.
    Answer,
    /// An effect is out of options.
    Effect,
    /// Nothing is wrong with it: its key was parked when it came.
    Behind,
}

impl FailureClass {
    /// All of them.
    pub const ALL: [FailureClass; 8] = [
        FailureClass::Decode,
        FailureClass::Key,
        FailureClass::Type,
        FailureClass::Origin,
        FailureClass::Panic,
        FailureClass::Answer,
        FailureClass::Effect,
        FailureClass::Behind,
    ];

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            FailureClass::Decode => "decode",
            FailureClass::Key => "key",
            FailureClass::Type => "type",
            FailureClass::Origin => "origin",
            FailureClass::Panic => "panic",
            FailureClass::Answer => "answer",
            FailureClass::Effect => "effect",
            FailureClass::Behind => "behind",
        }
    }
}

impl std::fmt::Display for FailureClass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl Failure {
    /// What the same failure of another record has in common with this one: class, function, and the message with
    /// every number, id and quoted text left out.
    ///
    /// ```
    /// # use kolo_core::wire::{Failure, FailureClass};
    /// let failure = |message: &str| Failure { class: FailureClass::Panic, function: None, message: message.into() };
    /// let (one, other) = (failure("no line 3 in `o-17`"), failure("no line 12 in `o-4`"));
    /// assert_eq!(one.fingerprint(), other.fingerprint());
    /// assert_ne!(one.fingerprint(), failure("no customer").fingerprint());
    /// ```
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let function = self.function.as_deref().unwrap_or("-");
        format!(
            "{} {function}: {}",
            self.class,
            without_numbers(&self.message)
        )
    }
}

/// What a failure's message may take: it is for people.
const MESSAGE_LIMIT_BYTES: usize = 4096;

impl Failure {
    /// Cuts a message that is too long to be kept.
    pub(crate) fn shorten(&mut self) {
        let message = &mut self.message;
        message.truncate(message.floor_char_boundary(MESSAGE_LIMIT_BYTES));
    }
}

/// The text with `#` for each word that has a digit in it, and for whatever stands between backticks.
fn without_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, part) in text.split('`').enumerate() {
        if at % 2 == 1 {
            out.push_str("`#`");
            continue;
        }
        let is_word = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        let mut rest = part;
        while let Some(first) = rest.chars().next() {
            let end = if is_word(first) {
                rest.find(|c| !is_word(c)).unwrap_or(rest.len())
            } else {
                rest.find(is_word).unwrap_or(rest.len())
            };
            let (word, behind) = rest.split_at(end);
            let has_digit = is_word(first) && word.contains(|c: char| c.is_ascii_digit());
            out.push_str(if has_digit { "#" } else { word });
            rest = behind;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_without_their_numbers_are_those_of_one_failure() {
        let same = [
            "left: 3, right: -17 at `o-1`",
            "left: 44, right: -2 at `completely another 5`",
        ];
        assert_eq!(without_numbers(same[0]), without_numbers(same[1]));
        assert_eq!(without_numbers("id 0190-ab is gone"), "id # is gone");
        assert_eq!(without_numbers("no numbers: ünï"), "no numbers: ünï");
    }
}
