//! The verdict: how the saga stands, in one sentence, and what to type next.

use kolo_core::choreography::Manifest;
use kolo_core::effect_note::EffectNote;
use kolo_core::saga::{Saga, Told};
use kolo_core::wire::FailureClass;
use kolo_core::{Mark, Timestamp};

use super::ends::Ends;
use super::plan::aggregates;
use super::waits::{Wait, Why};
use super::words::{ago, short};

/// How a saga stands, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// It waits for something that will not come by itself.
    Stuck,
    /// It ended with a failure, and what follows is under way.
    Compensating,
    /// It goes on, or waits for its turn.
    Running,
    /// It ended with a failure, and all that was done is undone.
    Compensated,
    /// It ended with a failure, and there was nothing to undo.
    Failed,
    /// It ended with a success, or is one that nothing ends, and nothing is open.
    Completed,
}

impl Status {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Status::Completed => "completed",
            Status::Compensated => "compensated",
            Status::Failed => "failed",
            Status::Compensating => "compensating",
            Status::Running => "running",
            Status::Stuck => "stuck",
        }
    }

    pub(crate) fn of(
        saga: &Saga,
        manifests: &[Manifest],
        ends: &Ends<'_>,
        waits: &[Wait<'_>],
    ) -> Self {
        let end = saga.end(manifests).map(|(_, mark)| mark);
        let told = saga.told();
        match end {
            _ if waits.iter().any(Wait::is_stuck) => Status::Stuck,
            Some(Mark::Failure) if !waits.is_empty() => Status::Compensating,
            _ if !waits.is_empty() => Status::Running,
            Some(Mark::Failure) if told.iter().any(|one| saga.undone(one, manifests).is_some()) => {
                Status::Compensated
            }
            Some(Mark::Failure) => Status::Failed,
            Some(_) => Status::Completed,
            None if ends.may_come(saga) => Status::Running,
            None => Status::Completed,
        }
    }

    /// Whether nothing more is to come.
    pub(crate) fn is_over(self) -> bool {
        match self {
            Status::Completed | Status::Compensated | Status::Failed => true,
            Status::Compensating | Status::Running | Status::Stuck => false,
        }
    }
}

/// A deadline that is declared where the saga has been. When it acts is known to the service's state alone.
#[derive(Debug)]
pub(crate) struct Deadline<'a> {
    pub(crate) by: String,
    /// The key of its latest event in the saga.
    pub(crate) key: &'a str,
    pub(crate) function: &'a str,
    pub(crate) emits: Vec<&'a str>,
}

/// The deadlines of aggregates that have written events of the saga; none once it has ended, or once one was answered.
pub(crate) fn deadlines<'a>(saga: &'a Saga, manifests: &'a [Manifest]) -> Vec<Deadline<'a>> {
    if saga.end(manifests).is_some() {
        return Vec::new();
    }
    let declared = aggregates(manifests).filter_map(|(service, known)| {
        let deadline = known.deadline.as_ref()?;
        let by = format!("{service}.{}", known.name);
        let mut own = saga.told().iter().rev();
        let latest = own.find(|event| event.by.as_ref() == Some(&by))?;
        let is_answered = |event: &Told| event.of_deadline && event.by.as_ref() == Some(&by);
        (!saga.told().iter().any(is_answered)).then(|| Deadline {
            key: &latest.key,
            by,
            function: &deadline.function.name,
            emits: deadline
                .emits
                .iter()
                .map(|edge| short(&edge.event))
                .collect(),
        })
    });
    declared.collect()
}

/// The first line.
pub(crate) fn sentence(
    status: Status,
    saga: &Saga,
    manifests: &[Manifest],
    waits: &[Wait<'_>],
    now: Timestamp,
) -> String {
    let more = match waits.len() {
        0 | 1 => String::new(),
        count => format!(" (and {} more, below)", count - 1),
    };
    if let Some(first) = waits.first() {
        return format!("{}{more}", waits_for(first, now));
    }
    let ended = |(event, _): (&Told, Mark)| {
        format!(
            "it ended with {} {} ago",
            short(&event.event),
            ago(now.since(event.at))
        )
    };
    let ended = saga.end(manifests).map(ended);
    match (status, ended) {
        (Status::Compensated, Some(ended)) => {
            format!("{ended}, and what was done before is undone")
        }
        (Status::Failed, Some(ended)) => format!("{ended}, and there was nothing to undo"),
        (_, Some(ended)) => format!("{ended}, and nothing is open"),
        (_, None) => match deadlines(saga, manifests).first() {
            Some(deadline) => format!(
                "nothing that is declared is open: it waits for an event from outside, or for the deadline of {}",
                deadline.by
            ),
            None => "nothing that is declared is open, and none of its events ends a saga".into(),
        },
    }
}

/// "waits for payment.payment to decide InventoryReserved since 12 s: …"
pub(crate) fn waits_for(wait: &Wait<'_>, now: Timestamp) -> String {
    format!(
        "waits for {} since {}: {}",
        what(wait),
        ago(now.since(wait.event.at)),
        why(wait, now)
    )
}

/// "payment.payment to decide InventoryReserved"
pub(crate) fn what(wait: &Wait<'_>) -> String {
    let verb = match wait.why {
        Why::Called { .. } => "get an answer to",
        _ => "decide",
    };
    format!("{} to {verb} {}", wait.by, short(&wait.event.event))
}

pub(crate) fn why(wait: &Wait<'_>, now: Timestamp) -> String {
    let nobody = format!("nobody is in the group {}", wait.by);
    match &wait.why {
        Why::Parked { queued, first, .. }
            if queued.parked.failure.class == FailureClass::Behind =>
        {
            let failure = &first.parked.failure;
            let event = first
                .parked
                .event_type
                .as_deref()
                .map_or("(no type)", short);
            format!(
                "its key is parked since {}, for {event} ({}): {}",
                ago(now.since(first.since)),
                failure.class,
                failure.message
            )
        }
        Why::Parked { queued, .. } => {
            let failure = &queued.parked.failure;
            let times = match queued.parked.attempts {
                0 | 1 => String::new(),
                attempts => format!(", tried {attempts} times"),
            };
            format!(
                "it is parked ({}{times}): {}",
                failure.class, failure.message
            )
        }
        Why::Unread {
            topic,
            partition,
            behind,
        } => {
            let behind = match behind {
                Some(1) => format!("it is 1 record behind on {topic}[{partition}]"),
                Some(behind) => format!("it is {behind} records behind on {topic}[{partition}]"),
                None => {
                    format!("how far it has read {topic}[{partition}] is not told by its stream")
                }
            };
            match wait.members {
                0 => format!("{behind}, and {nobody}"),
                _ => behind,
            }
        }
        Why::Unrouted { inbox } => match wait.members {
            0 => format!("no copy of it is in {inbox}, and {nobody}"),
            _ => format!("no copy of it is in {inbox} yet"),
        },
        Why::Called { .. } if wait.members == 0 => format!("no call is made, since {nobody}"),
        Why::Called {
            note: Some(note),
            breaker,
            ..
        } => {
            let next = note.next.filter(|&next| next > now);
            let next = next.map_or_else(String::new, |next| {
                format!(", next in {}", ago(next.since(now)))
            });
            let times = if note.attempts == 1 {
                "call has"
            } else {
                "calls have"
            };
            let open = breaker.and_then(open);
            let open = open.map_or_else(String::new, |open| format!("{open}, and "));
            format!(
                "{open}{} {times} failed{next}: {}",
                note.attempts, note.problem
            )
        }
        Why::Called {
            breaker: Some(note),
            ..
        } => match open(note) {
            Some(open) => format!("{open}; the last problem: {}", note.problem),
            None => format!(
                "calls of its kind fail, {} are pending: {}",
                note.pending, note.problem
            ),
        },
        Why::Called { .. } => "the call is under way, and no call is known to have failed".into(),
    }
}

/// "the breaker is open (it lets one call try after each pause, and keeps 7 requests waiting)". When it tries next is not told: a note is written
/// when a breaker opens or closes, and not for each call in between.
fn open(note: &EffectNote) -> Option<String> {
    note.open_until?;
    Some(format!(
        "the breaker is open (it lets one call try after each pause, and keeps {} requests waiting)",
        note.pending
    ))
}
