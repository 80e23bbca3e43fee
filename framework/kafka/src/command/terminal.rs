//! What people read: times, text that cannot move a cursor, arguments to type, progress.

use std::io::{BufRead, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::SignedDuration;
use kolo_core::Timestamp;

/// Writes one line beside the output. A closed stderr cannot be told to anybody.
pub(super) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A remark that does not change the exit code.
pub(super) fn note(line: &str) {
    say(&format!("note: {line}"));
}

/// Asks on the terminal; anything but yes is no.
pub(super) fn confirms(question: &str) -> bool {
    let mut stderr = std::io::stderr();
    let _ = write!(stderr, "{question} [y/N] ");
    let _ = stderr.flush();
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.is_ok() && ["y", "yes"].contains(&answer.trim().to_lowercase().as_str())
}

/// Text from a record, made harmless: what would move the cursor of a terminal is shown as an escape.
pub(super) fn harmless(text: &str) -> String {
    if !text.chars().any(char::is_control) {
        return text.to_owned();
    }
    let shown = |char: char| {
        let escape = char.is_control().then(|| char.escape_unicode());
        let plain = (!char.is_control()).then_some(char);
        escape.into_iter().flatten().chain(plain)
    };
    text.chars().flat_map(shown).collect()
}

/// A key as it is shown; records without one have the empty one.
pub(super) fn key_shown(key: &str) -> String {
    if key.is_empty() {
        "(no key)".to_owned()
    } else {
        harmless(key)
    }
}

/// A key as it is typed: in quotes where a shell needs them.
pub(crate) fn key_argument(key: &str) -> String {
    let plain = |char: char| char.is_alphanumeric() || "-_./:@+,=%".contains(char);
    match key {
        "" => "--no-key".to_owned(),
        key if key.starts_with('-') => format!("-- '{}'", key.replace('\'', "'\\''")),
        key if key.chars().all(plain) => key.to_owned(),
        key => format!("'{}'", key.replace('\'', "'\\''")),
    }
}

/// `1 record`, `3 records`.
pub(super) fn count(number: usize, what: &str) -> String {
    if number == 1 {
        format!("1 {what}")
    } else {
        format!("{number} {what}s")
    }
}

/// The time as RFC 3339; what no calendar knows as milliseconds.
pub(super) fn time(at: Timestamp) -> String {
    let known = jiff::Timestamp::from_millisecond(at.as_millis());
    known.map_or_else(|_| at.to_string(), |time| time.to_string())
}

/// A time as it is typed: RFC 3339, or how long ago.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let ago = text.strip_suffix("ago").unwrap_or(text).trim();
    let now = jiff::Timestamp::now();
    let back = |back: SignedDuration| now.checked_sub(back.abs()).ok();
    let time = text.parse().ok();
    let time = time.or_else(|| ago.parse().ok().and_then(back));
    time.map(|time: jiff::Timestamp| Timestamp::from_millis(time.as_millisecond()))
}

/// How long ago, in its largest unit.
pub(super) fn age(since: Duration) -> String {
    let seconds = since.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// How many columns a line may have; `None` where it is no terminal that is written to.
pub(super) fn columns() -> Option<usize> {
    let (_, columns) = console::Term::stdout().size_checked()?;
    Some(usize::from(columns).max(40))
}

/// One line of the text, cut to so many columns.
pub(super) fn cut(text: &str, columns: Option<usize>) -> String {
    let text = harmless(text);
    match columns {
        Some(columns) => console::truncate_str(&text, columns, "…").into_owned(),
        None => text,
    }
}

/// From so many records on, reading takes a while.
pub(super) const MANY: u64 = 20_000;

/// Progress on a terminal; nothing elsewhere, nor for less than `from`, which is done at once.
pub(super) fn progress(total: u64, from: u64, what: &'static str) -> ProgressBar {
    if total < from || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total);
    let template = format!("{{bar:30}} {{pos}}/{{len}} {what}, {{eta}} left");
    match ProgressStyle::with_template(&template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Bytes as hex, in groups of two for the eye.
pub(super) fn hex(bytes: &[u8]) -> String {
    let pairs = bytes.iter().map(|byte| format!("{byte:02X}"));
    pairs.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_typed_as_a_shell_takes_them() {
        for (key, typed) in [
            ("order-1", "order-1"),
            ("", "--no-key"),
            ("two words", "'two words'"),
            ("it's", "'it'\\''s'"),
            ("-7", "-- '-7'"),
        ] {
            assert_eq!(key_argument(key), typed);
        }
    }

    #[test]
    fn what_moves_the_cursor_is_shown_and_not_done() {
        assert_eq!(harmless("tea\u{1b}[2J"), "tea\\u{1b}[2J");
        assert_eq!(cut("12345", Some(4)), "123…");
        assert_eq!(hex(b"\xc3\x01"), "C3 01");
    }

    #[test]
    fn ages_have_one_unit() {
        let shown = [119, 120, 7_199, 7_200, 172_800].map(|s| age(Duration::from_secs(s)));
        assert_eq!(shown, ["119 s", "2 min", "119 min", "2 h", "2 d"]);
    }
}
