//! What is known of a key, in lines.

use std::fmt::Write as _;

use kolo_core::Timestamp;
use kolo_core::processor::{Inspected, InspectedRequest, InspectedSaga, InspectedState};

use super::super::terminal::{age, count, harmless, key_argument, key_shown, time};
use super::at::At;
use super::history::{History, Told};

/// How wide the names of what is known are.
const WIDTH: usize = 9;
/// Up to how many characters a state stands in one line.
const ONE_LINE: usize = 80;

/// All of a key, for people. `service` is what is typed to run this binary.
pub(super) fn of(history: &History, service: &str, key: &str, at: At, now: Timestamp) -> String {
    let description = &history.aggregate.description;
    let mut text = format!(
        "{}, key {}: {} in {}[{}]",
        history.aggregate.name,
        key_shown(key),
        count(history.events.len(), "record"),
        description.stream,
        history.partition
    );
    let _ = match (at, history.later) {
        (At::Now, _) => writeln!(text, ", as it is now"),
        (At::Offset(_), None) => writeln!(text, ", as it was {at}"),
        (At::Time(_), None) => writeln!(text, ", as it was {at}, and is now"),
        (_, Some((offset, _))) => writeln!(text, ", as it was {at}, before offset {offset}"),
    };
    text.push('\n');
    history
        .events
        .iter()
        .for_each(|told| event(&mut text, told));
    if let Some(known) = &history.known {
        inspected(&mut text, known, now);
        if !known.parked.is_empty() {
            let only = format!("{service} parked show {}", key_argument(key));
            let _ = writeln!(text, "{:<WIDTH$} `{only}` shows what is parked now", "");
        }
    }
    text
}

fn event(text: &mut String, told: &Told) {
    let name = told.event_type.rsplit('.').next().unwrap_or_default();
    let name = if told.event_type.starts_with("kolo.") {
        &told.event_type
    } else {
        name
    };
    let (at, name) = (time(told.at), harmless(name));
    let _ = writeln!(text, "{:>WIDTH$} {at} {name}", told.offset);
    let _ = writeln!(text, "{:<WIDTH$} {}", "", harmless(&told.text));
    let cause = told.causation.map_or_else(String::new, |id| {
        format!(", caused by {id} ({})", told.answers)
    });
    let _ = writeln!(
        text,
        "{:<WIDTH$} id {}, saga {}{cause}\n",
        "", told.id, told.correlation
    );
}

fn inspected(text: &mut String, known: &Inspected, now: Timestamp) {
    let mut part = |name: &str, lines: Vec<String>| {
        for (at, line) in lines.into_iter().enumerate() {
            let name = if at == 0 { name } else { "" };
            let _ = writeln!(text, "{name:<WIDTH$} {}", harmless(&line));
        }
    };
    if let Some((found, count)) = known.torn {
        part(
            "answer",
            vec![format!(
                "{found} of {count} records of its last answer stand here; the others are written next"
            )],
        );
    }
    part("state", state(known.state.as_ref()));
    part("barrier", barrier(&known.barrier));
    part("deadline", vec![deadline(known, now)]);
    part("pending", pending(&known.pending, now));
    part("parked", vec![parked(known, now)]);
}

/// A state in lines.
pub(super) fn state(state: Option<&InspectedState>) -> Vec<String> {
    let Some(state) = state else {
        return vec![
            "has no form that can be printed: `.snapshots(version)` on its aggregate gives it one"
                .into(),
        ];
    };
    match &state.json {
        Ok(json) => {
            let line = one_line(json);
            if line.chars().count() <= ONE_LINE {
                vec![line]
            } else {
                json.lines().map(str::to_owned).collect()
            }
        }
        Err(problem) => vec![format!("cannot be written as JSON: {problem}")],
    }
}

/// JSON in lines, put into one.
pub(super) fn one_line(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    for part in json.lines() {
        line.push_str(part.trim_start());
        if part.ends_with(',') {
            line.push(' ');
        }
    }
    line
}

pub(super) fn barrier(sagas: &[InspectedSaga]) -> Vec<String> {
    if sagas.is_empty() {
        return vec!["no step done, none barred".into()];
    }
    let mut lines = Vec::new();
    for saga in sagas {
        let pivot = if saga.is_past_pivot {
            ", past the pivot"
        } else {
            ""
        };
        lines.push(format!("saga {}{pivot}", saga.correlation));
        lines.extend(
            saga.done
                .iter()
                .map(|(step, id)| format!("  done    {step}, {id}")),
        );
        lines.extend(saga.barred.iter().map(|step| format!("  barred  {step}")));
        let waiting = saga.waiting.iter();
        lines.extend(waiting.map(|(step, by)| {
            format!("  waits   {step}: undone for {by} once its request is answered")
        }));
    }
    lines
}

fn deadline(known: &Inspected, now: Timestamp) -> String {
    let Some(deadline) = &known.deadline else {
        return "none".into();
    };
    let state = if deadline.is_answered {
        "answered".to_owned()
    } else if deadline.due > now {
        format!("in {}", age(deadline.due.since(now)))
    } else {
        format!(
            "passed {} ago, and not answered yet",
            age(now.since(deadline.due))
        )
    };
    format!("{}, {state}; set by {}", time(deadline.due), deadline.cause)
}

pub(super) fn pending(requests: &[InspectedRequest], now: Timestamp) -> Vec<String> {
    if requests.is_empty() {
        return vec!["no request is without an answer".into()];
    }
    let line = |request: &InspectedRequest| {
        let port = request.port.rsplit("::").next().unwrap_or(request.port);
        let parked = if request.is_parked { ", parked" } else { "" };
        format!(
            "{} to {port} since {} ({}){parked}; id {}",
            request.request,
            time(request.since),
            age(now.since(request.since)),
            request.id
        )
    };
    requests.iter().map(line).collect()
}

fn parked(known: &Inspected, now: Timestamp) -> String {
    let Some(first) = known.parked.first() else {
        return "nothing".into();
    };
    let failure = &first.parked.failure;
    format!(
        "{} for {}, the first for {}: {}",
        count(known.parked.len(), "record"),
        age(now.since(first.since)),
        failure.class,
        failure.message
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_json_are_put_into_one_and_texts_are_left_alone() {
        let json = serde_json::to_string_pretty(&("a,  b\n", [1, 2])).unwrap();
        assert_eq!(one_line(&json), r#"["a,  b\n", [1, 2]]"#);
    }
}
