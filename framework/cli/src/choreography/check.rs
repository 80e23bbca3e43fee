//! `kolo check`: the findings, and the exit code.

use std::io::Write;

use anstyle::Style;
use kolo_avro::compat::reads;
use kolo_core::choreography::{Choreography, Finding, Report, Severity};

use crate::args::{Check, Deny};
use crate::failure::Failure;
use crate::terminal::{DIM, EVENT, KEY, WRONG, harmless, paint};

pub(super) fn check(args: &Check, choreography: &Choreography) -> Result<(), Failure> {
    let report = choreography.check_with(&reads);
    let mut out = anstream::stdout().lock();
    if args.json {
        out.write_all(report.to_json().as_bytes())?;
    } else {
        for finding in &report.findings {
            show(&mut out, finding)?;
        }
        let (services, accepted) = (
            choreography.manifests().len(),
            report.findings.len() - report.open().count(),
        );
        writeln!(
            out,
            "{}: {}, {accepted} accepted",
            count(services, "service"),
            counted(&report)
        )?;
    }
    out.flush()?;
    verdict(&report, args.deny)
}

fn verdict(report: &Report, deny: Option<Deny>) -> Result<(), Failure> {
    let denied = |severity| match (severity, deny) {
        (Severity::Error, _) => true,
        (Severity::Warning, deny) => deny.is_some(),
        (Severity::Note, deny) => deny == Some(Deny::Notes),
    };
    let mut open = report.open().map(|finding| finding.code);
    match open.find(|code| denied(code.severity())) {
        None => Ok(()),
        Some(code) => Err(Failure::run(format!(
            "{}; `kolo check --explain {code}` says what a code means",
            counted(report)
        ))),
    }
}

fn counted(report: &Report) -> String {
    format!(
        "{}, {}, {}",
        count(report.count(Severity::Error), "error"),
        count(report.count(Severity::Warning), "warning"),
        count(report.count(Severity::Note), "note")
    )
}

fn count(number: usize, what: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{number} {what}{end}")
}

/// The head of a finding in the colour of its weight, then the place and what follows. Manifests come from elsewhere: nothing
/// of them moves the cursor.
pub(crate) fn show(out: &mut impl Write, finding: &Finding) -> Result<(), Failure> {
    let style = match (&finding.accepted, finding.code.severity()) {
        (Some(_), _) => EVENT,
        (None, Severity::Error) => WRONG,
        (None, Severity::Warning) => KEY,
        (None, Severity::Note) => Style::new(),
    };
    let text = finding.to_string();
    let mut lines = text.lines().map(harmless);
    let first = lines.next().unwrap_or_default();
    let (head, message) = first.split_once(": ").unwrap_or((&first, ""));
    writeln!(out, "{}: {message}", paint(style, head))?;
    for line in lines {
        writeln!(out, "{}", paint(DIM, line))?;
    }
    writeln!(out)?;
    Ok(())
}
