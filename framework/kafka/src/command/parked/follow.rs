//! Follows the streams until what was asked for has been done.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use kolo_core::EventId;
use kolo_core::wire::ParkedChange;
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::terminal::progress;
use super::streams::{At, Streams};

/// What became of a key since its owner was asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing was seen yet: its owner is down, or busy.
    #[default]
    Pending,
    /// Nothing is parked under it any more.
    Free,
    /// It was tried again, and failed again.
    Failed,
}

impl Outcome {
    const fn name(self) -> &'static str {
        match self {
            Outcome::Pending => "pending",
            Outcome::Free => "free",
            Outcome::Failed => "parked",
        }
    }
}

impl Streams<'_> {
    /// Follows until `done` says so of each key, or for so long.
    pub(super) fn follow_until(
        &mut self,
        keys: Vec<At>,
        patience: Duration,
        mut done: impl FnMut(&Streams<'_>, &At, &ParkedChange) -> bool,
    ) -> Result<(), Failure> {
        let begun = Instant::now();
        let bar = progress(u64::try_from(keys.len()).unwrap_or(0), 2, "keys");
        let mut left: HashSet<At> = keys.into_iter().collect();
        let mut consumed = self.follow()?;
        while !left.is_empty() && begun.elapsed() < patience {
            self.take_up(&mut consumed, &mut |streams, at, change| {
                if left.contains(at) && done(streams, at, change) {
                    left.remove(at);
                    bar.inc(1);
                }
                Ok(())
            })?;
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// What became of a key, for programs.
    pub(super) fn outcome_json(&self, at: &At, outcome: Outcome) -> Value {
        let queues = &self.part(at).queues;
        let first = queues.first(&at.key).filter(|_| outcome != Outcome::Free);
        json!({
            "aggregate": self.aggregate(at),
            "partition": self.part(at).number,
            "key": at.key,
            "outcome": outcome.name(),
            "records": if first.is_some() { queues.records(&at.key) } else { 0 },
            "first": first.map(super::json::record_json),
        })
    }

    /// Who did not answer, and what follows.
    pub(super) fn silent(&self, at: &At, patience: Duration) -> String {
        let part = self.part(at);
        format!(
            "the owner of {} partition {} has not answered for {patience:?}: is `{}` running? What was asked stands in `{}`, and is done when it is back",
            self.aggregate(at),
            part.number,
            self.service.name(),
            self.streams[at.stream].inbox
        )
    }
}

/// What a change of its queue makes of a key.
pub(super) fn outcome_of(streams: &Streams<'_>, at: &At, change: &ParkedChange) -> Outcome {
    match change {
        ParkedChange::Failed(_) => Outcome::Failed,
        ParkedChange::Unparked(..) if !streams.part(at).queues.contains(&at.key) => Outcome::Free,
        _ => Outcome::Pending,
    }
}

/// Whether a change is about the record with this id.
pub(super) fn concerns(change: &ParkedChange, id: EventId) -> bool {
    match change {
        ParkedChange::Failed(failed) => *failed == id,
        ParkedChange::Unparked(queued, _) => queued.parked.id == id,
        ParkedChange::Parked | ParkedChange::Nothing => false,
    }
}
