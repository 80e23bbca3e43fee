//! What the checks find, and how it reads.

use std::fmt;

use serde::Serialize;

use super::codes::{Code, Severity};
use super::manifest::{Accepted, Declared};

/// One finding about a choreography.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its kind.
    pub code: Code,
    /// The aggregate that it is about, as `service.aggregate`; that one may accept it.
    pub aggregate: Option<String>,
    /// What is found, with the names of events and aggregates.
    pub message: String,
    /// The function that it is about, and where it is declared.
    pub place: Option<Declared>,
    /// What to do.
    pub next: String,
    /// Why it is as it should be, if its aggregate accepts it.
    pub accepted: Option<String>,
}

/// All findings, the heaviest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The findings, the accepted ones among them.
    pub findings: Vec<Finding>,
}

impl Report {
    /// The findings that nobody has accepted.
    pub fn open(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.accepted.is_none())
    }

    /// How many findings that nobody has accepted weigh so much.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.open()
            .filter(|finding| finding.code.severity() == severity)
            .count()
    }

    /// Whether nothing but notes and accepted findings is there.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.open()
            .all(|finding| finding.code.severity() == Severity::Note)
    }

    /// The findings as a JSON array.
    #[must_use]
    pub fn to_json(&self) -> String {
        let rows: Vec<Row<'_>> = self.findings.iter().map(Row::from).collect();
        // Texts and numbers: nothing in a row can fail to be written.
        let mut text = serde_json::to_string_pretty(&rows).unwrap_or_default();
        text.push('\n');
        text
    }
}

#[derive(Serialize)]
struct Row<'a> {
    code: &'static str,
    severity: Severity,
    aggregate: Option<&'a str>,
    message: &'a str,
    place: Option<&'a Declared>,
    next: &'a str,
    accepted: Option<&'a str>,
}

impl<'a> From<&'a Finding> for Row<'a> {
    fn from(finding: &'a Finding) -> Self {
        Row {
            code: finding.code.slug(),
            severity: finding.code.severity(),
            aggregate: finding.aggregate.as_deref(),
            message: &finding.message,
            place: finding.place.as_ref(),
            next: &finding.next,
            accepted: finding.accepted.as_deref(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.accepted {
            Some(_) => write!(f, "accepted[{}]: {}", self.code, self.message)?,
            None => write!(
                f,
                "{}[{}]: {}",
                self.code.severity(),
                self.code,
                self.message
            )?,
        }
        if let Some(place) = &self.place {
            write!(f, "\n  at {} ({}:{})", place.name, place.file, place.line)?;
        }
        match &self.accepted {
            Some(reason) => write!(f, "\n  because {reason}"),
            None => write!(f, "\n  next: {}", self.next),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}\n")?;
        }
        let count = |severity| self.count(severity);
        let accepted = self.findings.len() - self.open().count();
        write!(
            f,
            "{} errors, {} warnings, {} notes, {accepted} accepted",
            count(Severity::Error),
            count(Severity::Warning),
            count(Severity::Note)
        )
    }
}

/// Marks what is accepted, adds what is accepted and not found, and sorts.
pub(super) fn settle<'a>(
    mut findings: Vec<Finding>,
    accepting: impl Iterator<Item = (String, &'a Accepted)>,
) -> Report {
    for (aggregate, accepted) in accepting {
        if !accept(&mut findings, &aggregate, accepted) {
            findings.push(Finding {
                code: Code::AcceptsNothing,
                message: format!(
                    "`{aggregate}` accepts `{}`, which is not found",
                    accepted.code
                ),
                aggregate: Some(aggregate),
                place: Some(Declared {
                    name: ".accepts".into(),
                    file: accepted.file.clone(),
                    line: accepted.line,
                }),
                next: format!("delete `.accepts(\"{}\", …)`", accepted.code),
                accepted: None,
            });
        }
    }
    sort(&mut findings);
    Report { findings }
}

/// Marks the findings about an aggregate that it accepts; whether there is any.
pub(super) fn accept(findings: &mut [Finding], aggregate: &str, accepted: &Accepted) -> bool {
    let mut used = false;
    for finding in findings {
        if finding.code.slug() == accepted.code && finding.aggregate.as_deref() == Some(aggregate) {
            finding.accepted = Some(accepted.reason.clone());
            used = true;
        }
    }
    used
}

/// Open ones first, the heaviest first, each once.
pub(super) fn sort(findings: &mut Vec<Finding>) {
    findings.sort_by(|one, other| order(one).cmp(&order(other)));
    findings.dedup();
}

/// Open ones first, then by weight, kind and aggregate.
fn order(finding: &Finding) -> (bool, Severity, Code, &Option<String>, &str) {
    (
        finding.accepted.is_some(),
        finding.code.severity(),
        finding.code,
        &finding.aggregate,
        &finding.message,
    )
}
