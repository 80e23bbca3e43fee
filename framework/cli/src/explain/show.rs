//! A saga for people: the verdict, the tree, what is open, and what was read.

use std::io::Write;

use kolo_core::saga::{Branch, Told};
use kolo_core::wire::BARRED;

use super::Answer;
use crate::evidence::{Wait, ago, quoted, short, waits_for};
use crate::failure::Failure;
use crate::tail::time;
use crate::terminal::{DIM, EVENT, KEY, PLACE, WRONG, harmless, paint};

/// Columns for an event's name with its place in the tree.
const NAME_WIDTH: usize = 34;
/// Columns for who wrote it.
const WRITER_WIDTH: usize = 22;

impl Answer<'_> {
    pub(super) fn show(&self, out: &mut impl Write) -> Result<(), Failure> {
        let style = if self.waits.iter().any(Wait::is_stuck) {
            WRONG
        } else {
            EVENT
        };
        writeln!(
            out,
            "{}: {}",
            paint(style, self.status.word()),
            harmless(&self.sentence())
        )?;
        for (next, advice) in self.next() {
            let advice = paint(DIM, format!("# {advice}"));
            writeln!(out, "next: {}    {advice}", paint(KEY, harmless(&next)))?;
        }
        writeln!(out)?;
        for branch in self.saga.tree() {
            self.branch(out, branch)?;
        }
        self.open(out)?;
        writeln!(
            out,
            "\n{}",
            paint(DIM, format!("saga {}; {}", self.correlation, self.scanned))
        )?;
        for line in self.scanned.caveats() {
            writeln!(out, "{}", paint(DIM, harmless(&line)))?;
        }
        Ok(())
    }

    fn branch(&self, out: &mut impl Write, branch: Branch<'_>) -> Result<(), Failure> {
        let record = branch.record;
        let name = format!("{}{}", "  ".repeat(branch.depth), short(&record.event));
        let writer = record.by.as_deref().unwrap_or("from outside");
        let when = match (branch.after, record.causation) {
            (Some(after), _) => format!("+{}", ago(after)),
            (None, Some(_)) => "its cause is not here".to_owned(),
            (None, None) => time(Some(record.at.as_millis())),
        };
        let place = format!("{}[{}]@{}", record.topic, record.partition, record.offset);
        let style = if record.event == BARRED { DIM } else { EVENT };
        writeln!(
            out,
            "{} {} {when:>8}  {}{}",
            paint(style, format!("{:NAME_WIDTH$}", harmless(&name))),
            format_args!("{:WRITER_WIDTH$}", harmless(writer)),
            paint(PLACE, harmless(&place)),
            self.remark(record),
        )?;
        let indent = "  ".repeat(branch.depth + 1);
        for wait in self.waits.iter().filter(|wait| wait.event.id == record.id) {
            let style = if wait.is_stuck() { WRONG } else { KEY };
            let text = harmless(&waits_for(wait, self.now));
            writeln!(out, "{indent}{} {text}", paint(style, "…"))?;
        }
        Ok(())
    }

    /// What else is to be said about a record.
    fn remark(&self, record: &Told) -> String {
        let mut remarks = Vec::new();
        if record.of_deadline {
            remarks.push("its deadline was due".to_owned());
        }
        if let Some(step) = self.saga.undone(record, self.manifests) {
            remarks.push(format!(
                "undoes {} of {}[{}]@{}",
                short(&step.event),
                step.topic,
                step.partition,
                step.offset
            ));
        }
        if record.event == BARRED {
            remarks.push("a step that comes later is refused".to_owned());
        }
        match remarks.is_empty() {
            true => String::new(),
            false => format!("  {}", paint(KEY, harmless(&remarks.join("; ")))),
        }
    }

    fn open(&self, out: &mut impl Write) -> Result<(), Failure> {
        for deadline in &self.deadlines {
            writeln!(
                out,
                "\n{} has a deadline: `{}` answers it with {}. When it is due is known to the service's state: `{} state show {}`.",
                harmless(&deadline.by),
                harmless(deadline.function),
                harmless(&deadline.emits.join(" or ")),
                harmless(deadline.by.split('.').next().unwrap_or_default()),
                harmless(&quoted(deadline.key)),
            )?;
        }
        Ok(())
    }
}
