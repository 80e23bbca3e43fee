//! The difference: what was expected beside what was found, and the first thing that differs line by line.

use std::fmt::{Debug, Write as _};

use kolo_core::{OwnEvents, revealed};
use similar::{ChangeTag, TextDiff};

/// In what these events differ, for people; `None` if in nothing.
pub(super) fn difference<O: OwnEvents>(expected: &[O], found: &[O]) -> Option<String> {
    let rows = expected.len().max(found.len());
    let first = (0..rows).find(|&at| expected.get(at) != found.get(at))?;
    let name = |event: Option<&O>| event.map_or("-", |event| event.event_type().short_name());
    let names = expected.iter().map(|event| name(Some(event)).len());
    let width = names.chain(["expected".len()]).max().unwrap_or_default();

    let mut text = String::from("other events than expected\n\n");
    let _ = writeln!(text, "       {:width$}   found", "expected");
    for at in 0..rows {
        let mark = if at == first { '>' } else { ' ' };
        let (left, right) = (name(expected.get(at)), name(found.get(at)));
        let _ = writeln!(text, "  {mark} {:2} {left:width$}   {right}", at + 1);
    }
    let at = first + 1;
    match (expected.get(first), found.get(first)) {
        (Some(wanted), Some(found)) => {
            let _ = writeln!(text, "\nevent {at}, - as expected, + as found:");
            text.push_str(&lines(&shown(wanted), &shown(found)));
        }
        (Some(wanted), None) => {
            let _ = writeln!(text, "\nevent {at} is missing:");
            text.push_str(&lines(&shown(wanted), ""));
        }
        (None, Some(found)) => {
            let _ = writeln!(text, "\nevent {at} was not expected:");
            text.push_str(&lines("", &shown(found)));
        }
        (None, None) => {}
    }
    Some(text)
}

/// In what two lists differ, line by line, for people.
pub(crate) fn compared<T: Debug>(expected: &[T], found: &[T]) -> String {
    let text = |list: &[T]| {
        let each = list.iter().map(|one| format!("{one:#?}\n"));
        revealed(|| each.collect::<String>())
    };
    let difference = lines(&text(expected), &text(found));
    format!("- as expected, + as found:\n{difference}")
}

fn lines(expected: &str, found: &str) -> String {
    let diff = TextDiff::from_lines(expected, found);
    let mut text = String::new();
    for change in diff.iter_all_changes() {
        let mark = match change.tag() {
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
            ChangeTag::Equal => ' ',
        };
        let _ = writeln!(text, "  {mark} {}", change.value().trim_end());
    }
    text
}

/// An event on lines of its own, without the variant around it.
fn shown<O: OwnEvents>(event: &O) -> String {
    let text = revealed(|| format!("{event:#?}\n"));
    let name = event.event_type().short_name();
    let inner = text
        .strip_prefix(&format!("{name}(\n"))
        .and_then(|inner| inner.strip_suffix(",\n)\n"));
    let Some(inner) = inner else { return text };
    let inner = inner
        .lines()
        .map(|line| line.strip_prefix("    ").unwrap_or(line));
    inner.fold(String::new(), |text, line| text + line + "\n")
}
