//! The list for people: a line a saga, then how many there are, and what each group of them waits for.

use std::io::Write;

use super::causes::groups;
use super::row::Row;
use super::{List, Status};
use crate::evidence::ago;
use crate::failure::Failure;
use crate::terminal::{DIM, EVENT, KEY, WRONG, harmless, paint};

/// Columns for a saga's name at most: an id has as many.
const NAME_WIDTH: usize = 36;

impl List {
    pub(super) fn show(&self, out: &mut impl Write) -> Result<(), Failure> {
        let shown = &self.rows[..self.lines];
        let name = shown.iter().map(|row| row.name.chars().count()).max();
        let width = name.unwrap_or(0).clamp("saga".len(), NAME_WIDTH);
        if !shown.is_empty() {
            let head = format!(
                "{:width$}  {:12} {:>8} {:>8}  waits for",
                "saga", "status", "began", "waits"
            );
            writeln!(out, "{}", paint(DIM, head))?;
        }
        for row in shown {
            self.row(out, row, width)?;
        }
        let hidden = self.rows.len() - shown.len();
        if hidden > 0 {
            let more = format!("… and {hidden} more: --limit says how many are listed");
            writeln!(out, "{}", paint(DIM, more))?;
        }
        if !shown.is_empty() {
            writeln!(out)?;
        }
        writeln!(out, "{}", self.counted())?;
        for group in groups(&self.rows) {
            let text = format!("{} {}", group.sagas, group.text());
            let waited = ago(self.now.since(group.oldest));
            let oldest = paint(DIM, format!("; the oldest since {waited}"));
            writeln!(out, "  {}{oldest}", harmless(&text))?;
            if let Some(next) = group.next() {
                writeln!(out, "    next: {}", paint(KEY, harmless(&next)))?;
            }
        }
        writeln!(out, "\n{}", paint(DIM, &self.scanned))?;
        for line in self.scanned.caveats() {
            writeln!(out, "{}", paint(DIM, harmless(&line)))?;
        }
        Ok(())
    }

    fn row(&self, out: &mut impl Write, row: &Row, width: usize) -> Result<(), Failure> {
        let style = match row.status {
            Status::Stuck => WRONG,
            status if status.is_over() => DIM,
            _ => EVENT,
        };
        let waits = match row.status.is_over() {
            true => "-".to_owned(),
            false => ago(self.now.since(row.since)),
        };
        writeln!(
            out,
            "{}  {} {:>8} {waits:>8}  {}",
            paint(KEY, format!("{:width$}", harmless(&row.name))),
            paint(style, format!("{:12}", row.status.word())),
            ago(self.now.since(row.begun)),
            harmless(&row.text),
        )?;
        Ok(())
    }

    /// "10012 sagas: 4988 stuck, 5024 completed"
    fn counted(&self) -> String {
        let all: usize = self.counts.values().sum();
        let by_status = self.counts.iter();
        let by_status: Vec<String> = by_status
            .map(|(status, count)| format!("{count} {}", status.word()))
            .collect();
        match all {
            0 => "there is no saga".to_owned(),
            1 => format!("1 saga: {}", by_status.join(", ")),
            _ => format!("{all} sagas: {}", by_status.join(", ")),
        }
    }
}
