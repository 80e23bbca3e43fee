//! What commands print, shown in a page of the documentation and held against it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

const BEGIN: &str = "<!-- transcript: begin -->\n";
const END: &str = "<!-- transcript: end -->";

/// Commands with what they printed, as they stand in a page.
#[derive(Debug, Default)]
pub struct Transcript(String);

impl Transcript {
    /// A heading, and a paragraph below it.
    pub fn explain(&mut self, heading: &str, text: &str) {
        self.0 += &format!("\n### {heading}\n\n{text}\n");
    }

    /// Commands and what each printed.
    pub fn show(&mut self, commands: &[(String, String)]) {
        let told = commands
            .iter()
            .map(|(command, printed)| format!("$ {command}\n{}\n", printed.trim_end()));
        let told: Vec<String> = told.collect();
        self.0 += &format!("\n```text\n{}```\n", told.join("\n"));
    }

    /// Holds it against the page, in which numbers may differ, and the order of lines; with `KOLO_WRITE_DOCS`, it is put there.
    ///
    /// # Errors
    /// When the page shows something else, or has no place for it.
    pub fn hold_against(&self, page: &str) -> anyhow::Result<()> {
        let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../docs")
            .join(page);
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let (before, rest) = text.split_once(BEGIN).context("the page has no place")?;
        let (shown, after) = rest.split_once(END).context("the place has no end")?;
        if std::env::var_os("KOLO_WRITE_DOCS").is_some() {
            fs::write(&path, format!("{before}{BEGIN}{}\n{END}{after}", self.0))?;
            return Ok(());
        }
        let (shown, printed) = (essence(shown), essence(&self.0));
        let only = |some: &[String], others: &[String]| {
            let some = some.iter().filter(|line| !others.contains(line));
            some.cloned().collect::<Vec<_>>().join("\n")
        };
        ensure!(
            shown == printed,
            "docs/{page} is not what is printed; KOLO_WRITE_DOCS=1 scripts/faults waiting writes it anew.\n--- only there\n{}\n--- only printed\n{}",
            only(&shown, &printed),
            only(&printed, &shown)
        );
        Ok(())
    }
}

/// The lines, sorted, without what differs from run to run: numbers, their units of time, and the width of columns. What two events
/// of one cause are told in is their times' order.
fn essence(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(line).collect();
    lines.sort();
    lines.retain(|line| !line.is_empty());
    lines
}

fn line(text: &str) -> String {
    let words = text.split_whitespace().map(|word| {
        // Which of the orders are listed first, and what a saga's id is, is no matter here.
        let is_id = word.len() >= 36 && word.matches('-').count() == 4;
        let mut essence = String::new();
        for letter in word.chars() {
            let is_digit = letter.is_ascii_digit() || is_id && letter.is_ascii_hexdigit();
            let letter = if is_digit { '0' } else { letter };
            let repeats = letter == '0' && essence.ends_with(['0', '.']);
            if !repeats {
                essence.push(letter);
            }
        }
        essence
    });
    let mut line: Vec<String> = Vec::new();
    for word in words {
        let bare = word.trim_end_matches([',', ':', ';', ')']);
        let is_unit = ["ms", "s", "min", "h"].contains(&bare);
        let of_number = line.last().is_some_and(|last| last.ends_with('0'));
        if is_unit && of_number {
            line.push(word.replacen(bare, "time", 1));
        } else {
            line.push(word);
        }
    }
    let mut line = line.join(" ");
    // Of a call that is due already nothing is said; and one is no more than many.
    for (varies, always) in [
        (", next in 0 time", ""),
        ("0 call has", "0 calls have"),
        ("0 records", "0 record"),
    ] {
        line = line.replace(varies, always);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_run_to_run_is_no_difference() {
        assert_eq!(
            line("waits  since 12 s: 4 records on inventory[3]@117"),
            line("waits since 340 ms: 15 records   on inventory[0]@2")
        );
        assert_eq!(line("took 1.52 s"), line("took 0.3 s"));
        assert_eq!(
            line("3 calls have failed, next in 4 s: no"),
            line("1 call has failed: no")
        );
        assert_eq!(
            line("it is 1 record behind"),
            line("it is 12 records behind")
        );
        assert_ne!(line("waits since 12 s"), line("waits since 12 years"));
        assert_eq!(essence("one 1\n\ntwo 2\n"), essence("two 7\none 9"));
        assert_ne!(essence("one 1\none 2\n"), essence("one 1"));
    }
}
