//! The terminal: colours, notes beside the output, and Ctrl-C.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anstyle::{AnsiColor, Style};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::failure::Failure;

/// For what is there for the sake of completeness.
pub(crate) const DIM: Style = Style::new().dimmed();
/// For the name of an event.
pub(crate) const EVENT: Style = AnsiColor::Green.on_default().bold();
/// For places: topic, partition, offset.
pub(crate) const PLACE: Style = AnsiColor::Cyan.on_default();
/// For keys.
pub(crate) const KEY: Style = AnsiColor::Yellow.on_default();
/// For what is wrong.
pub(crate) const WRONG: Style = AnsiColor::Red.on_default().bold();

/// `text` in a style; the stream that it is written to drops the style where it is no terminal.
pub(crate) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Text from a record, made harmless: what would move the cursor of a terminal is shown as an escape.
pub(crate) fn harmless(text: &str) -> String {
    if !text.chars().any(char::is_control) {
        return text.to_owned();
    }
    text.chars()
        .flat_map(|char| {
            let escape = char.is_control().then(|| char.escape_unicode());
            let plain = (!char.is_control()).then_some(char);
            escape.into_iter().flatten().chain(plain)
        })
        .collect()
}

/// Writes one line beside the output. A closed stderr cannot be told to anybody.
pub(crate) fn say(line: &str) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// A remark that does not change the exit code.
pub(crate) fn note(line: &str) {
    say(&format!("{} {line}", paint(DIM, "note:")));
}

/// Whether notes and progress reach a person.
pub(crate) fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

const ENDING: [i32; 2] = [SIGINT, SIGTERM];

/// Set by the first Ctrl-C or SIGTERM; the second ends the process at once.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    pub(crate) fn listen() -> Result<Self, Failure> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in ENDING {
            // In this order: the handler that ends the process acts only if the flag had been set before.
            signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&flag))
                .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&flag)))
                .map_err(|error| unheard(&error))?;
        }
        Ok(Interrupt(flag))
    }

    pub(crate) fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Does nothing until the first of them comes.
    pub(crate) fn wait(&self) -> Result<(), Failure> {
        let mut signals = Signals::new(ENDING).map_err(|error| unheard(&error))?;
        // Looked at only now, when nothing can come unseen any more.
        if !self.came() {
            signals.forever().next();
        }
        Ok(())
    }
}

fn unheard(error: &std::io::Error) -> Failure {
    Failure::run(format!("no handler for Ctrl-C can be set: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_the_cursor_is_shown_and_not_done() {
        assert_eq!(harmless("tea\u{1b}[2J"), "tea\\u{1b}[2J");
        assert_eq!(harmless("čaj"), "čaj");
    }
}
