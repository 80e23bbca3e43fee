//! How types, durations and words are written for people and shells.

use std::time::Duration;

/// The last part of a type's name.
pub(crate) fn short(event: &str) -> &str {
    match event.starts_with("kolo.") {
        true => event,
        false => event.rsplit('.').next().unwrap_or(event),
    }
}

/// A duration for people: in the unit in which it has two digits or more, as far as there is one.
pub(crate) fn ago(duration: Duration) -> String {
    let (millis, seconds) = (duration.as_millis(), duration.as_secs());
    match seconds {
        0..2 => format!("{millis} ms"),
        2..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/@+,=".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) && !word.starts_with('-') {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_words_are_as_people_and_shells_take_them() {
        for (millis, text) in [
            (7, "7 ms"),
            (12_400, "12 s"),
            (180_000, "3 min"),
            (7_300_000, "2 h"),
            (300_000_000, "3 days"),
        ] {
            assert_eq!(ago(Duration::from_millis(millis)), text);
        }
        for (word, text) in [
            ("o-1", "o-1"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("-x", "'-x'"),
        ] {
            assert_eq!(quoted(word), text);
        }
    }
}
