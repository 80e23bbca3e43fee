//! What `verify` says of each snapshot.

use std::fmt::Write as _;

use kolo_core::processor::Inspected;
use serde_json::{Value, json};

use crate::snapshots::{Folder, Kept};
use crate::worker::record::now;

use super::super::failure::Failure;
use super::super::terminal::{columns, count, cut, harmless, key_shown};
use super::compare::{Difference, Differs, Verdict};
use super::json::state;
use super::text::{barrier, one_line, pending};
use super::verify::Looked;

/// The files of a folder.
pub(super) fn files(folder: &Folder) -> Result<Vec<Kept>, Failure> {
    folder
        .files()
        .map_err(|error| Failure::run(format!("{} cannot be read: {error}", place(folder))))
}

/// Where a folder is, whatever directory the reader is in.
pub(super) fn place(folder: &Folder) -> String {
    let path = folder.path();
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute.display().to_string()
}

/// One snapshot, for people.
pub(super) fn text(looked: &Looked) -> String {
    let mut text = format!(
        "{}, {}[{}]: ",
        looked.aggregate, looked.stream, looked.partition
    );
    let _ = match &looked.verdict {
        Verdict::Same(snapshot) => writeln!(
            text,
            "same, {} up to offset {}",
            count(snapshot.keys, "key"),
            snapshot.last
        ),
        Verdict::Ignored(problem) => writeln!(
            text,
            "not compared, and ignored by an owner, who reads the whole stream: {problem}"
        ),
        Verdict::Empty => writeln!(text, "nothing was completed in it"),
        Verdict::Unusable(problem) => writeln!(
            text,
            "cannot be used, and an owner reads the whole stream: {}",
            harmless(problem)
        ),
        Verdict::Unfolded(problem) => {
            writeln!(text, "the stream cannot be folded: {}", harmless(problem))
        }
        Verdict::Differs(differs) => {
            let _ = writeln!(
                text,
                "{} of {} differ up to offset {}",
                differs.keys,
                count(differs.snapshot.keys, "key"),
                differs.snapshot.last
            );
            if differs.positions {
                let _ = writeln!(text, "  how far its inputs were decided differs");
            }
            differs
                .first
                .iter()
                .for_each(|one| difference(&mut text, one));
            let more = differs.keys - differs.first.len();
            if more > 0 {
                let _ = writeln!(text, "  and {}", count(more, "more key"));
            }
            Ok(())
        }
    };
    text
}

fn difference(text: &mut String, one: &Difference) {
    let columns = columns();
    let mut line = |line: String| {
        let _ = writeln!(text, "{}", cut(&line, columns));
    };
    let names = ["in the snapshot", "by the stream"];
    for what in &one.what {
        line(format!("  {}: {what}", key_shown(&one.key)));
        for (name, form) in names.iter().zip(&one.forms) {
            let form = form
                .as_ref()
                .map_or("it is not there".into(), |known| aspect(known, what));
            line(format!("    {name:<15}  {form}"));
        }
    }
}

/// In one line, what a key has in one respect.
fn aspect(known: &Inspected, what: &str) -> String {
    match what {
        "key" => "it is there".into(),
        "state" => match known.state.as_ref().map(|state| &state.json) {
            Some(Ok(json)) => one_line(json),
            Some(Err(problem)) => format!("cannot be written as JSON: {problem}"),
            None => "none".into(),
        },
        "barrier" => barrier(&known.barrier).join("; "),
        "deadline" => format!("{:?}", known.deadline),
        "pending requests" => pending(&known.pending, now()).join("; "),
        "parked records" => count(known.parked.len(), "record"),
        _ => {
            let [direct, copies] = &known.answered;
            format!(
                "{} and {} remembered",
                direct.len(),
                count(copies.len(), "copy")
            )
        }
    }
}

/// One snapshot, for programs.
pub(super) fn json(looked: &Looked) -> Value {
    let mut value = json!({
        "aggregate": looked.aggregate,
        "topic": looked.stream,
        "partition": looked.partition,
    });
    let snapshot = match &looked.verdict {
        Verdict::Same(snapshot) | Verdict::Differs(Differs { snapshot, .. }) => Some(snapshot),
        _ => None,
    };
    let (outcome, problem) = match &looked.verdict {
        Verdict::Same(_) => ("same", None),
        Verdict::Differs(_) => ("differs", None),
        Verdict::Ignored(problem) => ("ignored", Some(problem.to_string())),
        Verdict::Unusable(problem) => ("unusable", Some(problem.clone())),
        Verdict::Unfolded(problem) => ("unfolded", Some(problem.clone())),
        Verdict::Empty => ("empty", None),
    };
    value["outcome"] = json!(outcome);
    value["problem"] = json!(problem);
    value["keys"] = json!(snapshot.map(|snapshot| snapshot.keys));
    value["offset"] = json!(snapshot.map(|snapshot| snapshot.last));
    if let Verdict::Differs(differs) = &looked.verdict {
        value["differ"] = json!(differs.keys);
        value["positions_differ"] = json!(differs.positions);
        let first = differs.first.iter().map(|one| {
            let [kept, whole] = one.forms.each_ref().map(|form| {
                let known = form.as_ref();
                state(known.and_then(|known| known.state.as_ref()))
            });
            json!({ "key": one.key, "in": one.what, "snapshot": kept, "stream": whole })
        });
        value["first"] = first.collect();
    }
    value
}

/// What to do about what was found.
pub(super) fn advice(service: &str, all: &[Looked]) -> String {
    let has = |is: fn(&Verdict) -> bool| all.iter().any(|looked| is(&looked.verdict));
    let mut advice = Vec::new();
    if has(|verdict| matches!(verdict, Verdict::Differs(_))) {
        advice.push(format!(
            "these snapshots hold something else than this build folds from the stream, and a start would believe them. If `evolve` or a deadline's `due` was changed, raise the version in `.snapshots(…)`, and all instances read their streams once; for this machine alone, stop the service, type `{service} state rebuild`, and start it"
        ));
    }
    if has(|verdict| matches!(verdict, Verdict::Unusable(_))) {
        advice.push(format!(
            "what cannot be used costs the next start a restore, and nothing else; `{service} state rebuild` deletes it"
        ));
    }
    if has(|verdict| matches!(verdict, Verdict::Unfolded(_))) {
        advice.push(
            "what cannot be folded cannot be restored either: this build starts only for as long as its snapshots last"
                .into(),
        );
    }
    advice.join(". ")
}
