//! What was read for an answer, and how it was bound.

use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kolo_core::Timestamp;
use serde_json::{Value, json};

use super::plan::Plan;
use super::read::Found;
use crate::index::{Current, Which};
use crate::tail::From;

#[derive(Debug)]
pub(crate) struct Scanned {
    pub(crate) topics: usize,
    /// Records that were read now.
    pub(crate) records: u64,
    /// Records of which nobody can tell whether they are valid.
    pub(crate) unknown: u64,
    pub(crate) took: Duration,
    /// How it was bound, for the end of a sentence.
    bound: String,
    index: Option<Indexed>,
    /// Events from outside whose saga could not be read.
    unreadable: Vec<String>,
}

/// The index that had the rest.
#[derive(Debug)]
struct Indexed {
    path: PathBuf,
    /// All that it has read.
    records: u64,
    which: Which,
}

impl Scanned {
    /// What an index holds that was read on, and of which it was asked for these sagas.
    pub(crate) fn in_index(current: &Current<'_, '_>, plan: &Plan, which: Which) -> Self {
        Scanned {
            topics: plan.topics.len(),
            records: current.read,
            unknown: current.unknown(),
            took: current.found.took,
            bound: String::new(),
            index: Some(Indexed {
                path: current.path().to_owned(),
                records: current.all(),
                which,
            }),
            unreadable: plan.unreadable.clone(),
        }
    }

    pub(crate) fn of(found: &Found<'_>, plan: &Plan, from: From) -> Self {
        let bound = match from {
            From::Time(since) => format!(", from {since:.3} on"),
            From::Last(count) => format!(", the last {count} of each partition"),
            _ => String::new(),
        };
        Scanned {
            topics: plan.topics.len(),
            records: found.records(),
            unknown: found.unknown(),
            took: found.took,
            bound,
            index: None,
            unreadable: plan.unreadable.clone(),
        }
    }

    pub(crate) fn and(self, again: &Found<'_>) -> Self {
        Scanned {
            records: self.records + again.records(),
            took: self.took + again.took,
            ..self
        }
    }

    /// What may be missing in the answer, and why.
    pub(crate) fn caveats(&self) -> Vec<String> {
        let mut caveats = Vec::new();
        if self.unknown > 0 {
            caveats.push(format!(
                "{} records could not be judged, since the fence before them is gone: they are left out",
                self.unknown
            ));
        }
        if self
            .index
            .as_ref()
            .is_some_and(|index| index.which == Which::Open)
        {
            caveats.push("sagas that were over when they were listed before are not counted: --status all counts all".into());
        }
        if !self.unreadable.is_empty() {
            caveats.push(format!(
                "only the value of {} tells its saga, and there is no schema to read it: name the folder with --schemas DIR",
                self.unreadable.join(", ")
            ));
        }
        caveats
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "topics": self.topics,
            "records": self.records,
            "unjudged": self.unknown,
            "seconds": self.took.as_secs_f64(),
            "index": self.index.as_ref().map(|index| json!({
                "directory": index.path,
                "records": index.records,
            })),
        })
    }
}

impl fmt::Display for Scanned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.took.as_secs_f64();
        match &self.index {
            Some(index) => write!(
                f,
                "{} has read {} records of {} topics, of which {} now in {seconds:.1} s",
                index.path.display(),
                index.records,
                self.topics,
                self.records,
            ),
            None => write!(
                f,
                "read {} records of {} topics in {seconds:.1} s{}",
                self.records, self.topics, self.bound
            ),
        }
    }
}

/// What the clock says.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
