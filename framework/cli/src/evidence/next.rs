//! What to type next.

use super::verdict::Status;
use super::waits::{Wait, Why};
use super::words::quoted;

/// What to type next, and a word about it: for all that is stuck, or else for what comes first.
pub(crate) fn next(status: Status, asked: &str, waits: &[Wait<'_>]) -> Vec<(String, &'static str)> {
    let again = (
        format!("kolo explain {}", quoted(asked)),
        "to see how far it has come",
    );
    let mut all: Vec<(String, &'static str)> = Vec::new();
    for wait in waits.iter().filter(|wait| wait.is_stuck()) {
        let command = unstick(wait);
        if !all.contains(&command) {
            all.push(command);
        }
    }
    if all.is_empty() && !status.is_over() {
        let first = waits.first();
        all.extend(first.filter(|wait| wait.cause().is_behind()).map(how_far));
        all.push(again);
    }
    all
}

/// What to type next about one wait alone; none where nothing is to be done but to wait for an answer.
pub(crate) fn next_of(wait: &Wait<'_>) -> Option<String> {
    match wait.cause() {
        cause if cause.is_stuck() => Some(unstick(wait).0),
        cause if cause.is_behind() => Some(how_far(wait).0),
        _ => None,
    }
}

fn how_far(wait: &Wait<'_>) -> (String, &'static str) {
    let advice = "how far it is behind, partition by partition";
    (format!("kolo lag {}", wait.by), advice)
}

fn unstick(wait: &Wait<'_>) -> (String, &'static str) {
    let service = wait.service();
    match &wait.why {
        Why::Parked { key, .. } => {
            let key = if key.is_empty() {
                "--no-key".into()
            } else {
                quoted(key)
            };
            let advice = "once the cause is mended; `parked show` has the whole record, and `parked drop` forgets it";
            (format!("{service} parked redrive {key}"), advice)
        }
        _ if wait.members == 0 => (format!("{service} run"), "it goes on where it stopped"),
        _ => (
            "kolo tail kolo.effects".into(),
            "mend what is called: the call is made again by itself, as its policy says",
        ),
    }
}
