//! One saga in one line.

use std::time::Duration;

use kolo_core::saga::Saga;
use kolo_core::wire::FailureClass;
use kolo_core::{CorrelationId, Timestamp};

use crate::evidence::{
    Cause, Ends, Evidence, Groups, Status, Wait, Why, next_of, quoted, rank, sentence, short, what,
    why,
};

/// What is told of a saga in the list.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) saga: CorrelationId,
    /// The value of its field where a key tells it, or else its id: `kolo explain` takes either.
    pub(super) name: String,
    pub(super) status: Status,
    /// When its first event was written.
    pub(super) begun: Timestamp,
    /// Since when nothing has followed: the event of its oldest wait, or its last event.
    pub(super) since: Timestamp,
    /// The worst of what it waits for.
    pub(super) waits: Option<Waits>,
    /// The `<service>.<aggregate>` of everything that it waits for.
    pub(super) by: Vec<String>,
    pub(super) text: String,
    pub(super) next: Option<String>,
}

/// What a saga waits for.
#[derive(Debug)]
pub(super) struct Waits {
    pub(super) by: String,
    pub(super) event: String,
    pub(super) cause: Cause,
    /// The class of what is parked.
    pub(super) class: Option<FailureClass>,
    /// Why, without whom and for what.
    pub(super) why: String,
    /// Records before it, and with it, where they are known.
    pub(super) behind: Option<i64>,
}

/// What all rows are made with.
pub(super) struct Rows<'a> {
    pub(super) evidence: &'a Evidence<'a>,
    pub(super) groups: &'a Groups,
    pub(super) ends: &'a Ends<'a>,
    pub(super) now: Timestamp,
}

impl Rows<'_> {
    /// The line of a saga that has an event at least.
    pub(super) fn of(&self, id: CorrelationId, saga: &Saga) -> Option<Row> {
        let manifests = self.evidence.manifests;
        let mut waits = self.evidence.waits(saga);
        rank(&mut waits, self.groups);
        let status = Status::of(saga, manifests, self.ends, &waits);
        let (first, last) = (saga.told().first()?, saga.told().last()?);
        let name = name(id, saga);
        let oldest = waits.iter().map(|wait| wait.event.at).min();
        let worst = waits.first();
        let mut by: Vec<String> = waits.iter().map(|wait| wait.by.clone()).collect();
        by.sort();
        by.dedup();
        Some(Row {
            saga: id,
            status,
            begun: first.at,
            since: oldest.unwrap_or(last.at),
            by,
            text: match worst {
                Some(wait) => self.text(wait, waits.len() - 1),
                None => sentence(status, saga, manifests, &[], self.now),
            },
            next: match worst {
                Some(wait) => next_of(wait),
                None if status.is_over() => None,
                None => Some(format!("kolo explain {}", quoted(&name))),
            },
            waits: worst.map(|wait| Waits::of(wait, self.now)),
            name,
        })
    }

    fn text(&self, wait: &Wait<'_>, more: usize) -> String {
        let more = match more {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        format!("{}: {}{more}", what(wait), why(wait, self.now))
    }
}

impl Row {
    pub(super) fn is_stuck(&self) -> bool {
        self.status == Status::Stuck
    }

    /// Whether it has waited for so long.
    pub(super) fn is_older(&self, than: Duration, now: Timestamp) -> bool {
        !self.status.is_over() && now.since(self.since) >= than
    }

    /// Whether it waits for this service, or this `<service>.<aggregate>`.
    pub(super) fn waits_for(&self, whom: &str) -> bool {
        let is_it = |by: &String| by == whom || by.split('.').next() == Some(whom);
        self.by.iter().any(is_it)
    }

    /// The worst comes first, and of those the one that has waited longest. What waits for nothing comes last.
    pub(super) fn rank(&self) -> (bool, Option<Cause>, Timestamp) {
        let cause = self.waits.as_ref().map(|waits| waits.cause);
        (cause.is_none(), cause, self.since)
    }
}

impl Waits {
    fn of(wait: &Wait<'_>, now: Timestamp) -> Self {
        Waits {
            by: wait.by.clone(),
            event: short(&wait.event.event).to_owned(),
            cause: wait.cause(),
            class: match &wait.why {
                Why::Parked { queued, .. } => Some(queued.parked.failure.class),
                _ => None,
            },
            why: why(wait, now),
            behind: match &wait.why {
                Why::Unread { behind, .. } => *behind,
                _ => None,
            },
        }
    }
}

/// A key of one of its events that is the value of its field, or else its id.
fn name(id: CorrelationId, saga: &Saga) -> String {
    let mut tried: Vec<&str> = Vec::new();
    for event in saga.told() {
        if !tried.contains(&&*event.key) {
            if CorrelationId::of_saga(&event.key) == id {
                return event.key.clone();
            }
            tried.push(&event.key);
        }
    }
    id.to_string()
}
