//! `parked redrive`: what is parked runs again, by the code that is deployed now.

use std::collections::HashMap;
use std::fmt::Write as _;

use kolo_core::Service;
use kolo_core::wire::{ParkedKind, ParkedQueues, REDRIVE};

use crate::config::Config;

use super::super::control::Sender;
use super::super::failure::Failure;
use super::super::print;
use super::super::terminal::{count, harmless, key_shown, note};
use super::args::Redrive;
use super::follow::{Outcome, outcome_of};
use super::json::print_all;
use super::route::Routed;
use super::select::Wanted;
use super::streams::{At, Streams};

pub(super) fn run(service: &Service, config: &Config, args: &Redrive) -> Result<(), Failure> {
    let aggregate = args.filter.aggregate.as_deref();
    let mut streams = Streams::open(service, config, aggregate, &ParkedQueues::without_bytes())?;
    streams.read_to_end()?;
    let mut asked = Asked::of(&streams, args)?;
    let sender = Sender::new(config)?;
    let mut outcomes: HashMap<At, Outcome> = HashMap::new();
    for (at, before) in &mut asked.0 {
        before.routed = streams.route(&sender, at)?;
        if before.routed.failed.is_some() {
            outcomes.insert(at.clone(), Outcome::Failed);
        } else if before.routed.records < before.records {
            streams.ask(&sender, at, REDRIVE, b"{}")?;
        }
    }
    sender.acknowledged()?;
    let keys = asked.0.iter().map(|(at, _)| at);
    let keys: Vec<At> = keys
        .filter(|at| !outcomes.contains_key(at))
        .cloned()
        .collect();
    streams.follow_until(keys, args.patience.timeout, |streams, at, change| {
        let outcome = outcome_of(streams, at, change);
        if outcome != Outcome::Pending {
            outcomes.insert(at.clone(), outcome);
        }
        outcome != Outcome::Pending
    })?;
    let outcome = |at: &At| outcomes.get(at).copied().unwrap_or_default();
    if args.json {
        let all = asked.0.iter();
        print_all(all.map(|(at, _)| streams.outcome_json(at, outcome(at))))?;
    } else {
        print(&asked.report(&streams, outcome))?;
    }
    let pending = asked
        .0
        .iter()
        .find(|(at, _)| outcome(at) == Outcome::Pending);
    if let Some((at, _)) = pending {
        note(&streams.silent(at, args.patience.timeout));
    }
    let free = |(at, _): &(At, Before)| outcome(at) == Outcome::Free;
    if asked.0.iter().all(free) {
        Ok(())
    } else {
        Err(Failure::NotDone)
    }
}

/// What a key was before it was redriven.
struct Before {
    records: usize,
    kind: ParkedKind,
    routed: Routed,
}

/// The keys that are redriven.
struct Asked(Vec<(At, Before)>);

impl Asked {
    /// Fails if a key that was named is not parked: nothing is sent then.
    fn of(streams: &Streams<'_>, args: &Redrive) -> Result<Self, Failure> {
        let mut named: Vec<&str> = args.keys.iter().map(String::as_str).collect();
        named.extend(args.no_key.then_some(""));
        named.sort_unstable();
        named.dedup();
        let mut found = Vec::new();
        if named.is_empty() {
            found = streams.found(&Wanted::of(&args.filter));
        }
        for key in named {
            let of_key = streams.found(&Wanted::key(key));
            if of_key.is_empty() {
                return Err(streams.not_parked(key));
            }
            found.extend(of_key);
        }
        let asked = found.into_iter().map(|found| {
            let before = Before {
                records: found.records,
                kind: found.first.parked.kind,
                routed: Routed::default(),
            };
            (found.at, before)
        });
        Ok(Asked(asked.collect()))
    }

    fn report(&self, streams: &Streams<'_>, outcome: impl Fn(&At) -> Outcome) -> String {
        if self.0.is_empty() {
            return "Nothing is parked.\n".into();
        }
        let (mut text, mut free) = (String::new(), 0);
        for (at, before) in &self.0 {
            let records = count(before.records, "record");
            let became = match outcome(at) {
                Outcome::Free if before.routed.records > 0 => {
                    free += 1;
                    format!("free, {records}, {}", before.routed)
                }
                Outcome::Free if before.kind == ParkedKind::Request => {
                    free += 1;
                    format!(
                        "free, {records}: the request is called again, and is parked again if that fails"
                    )
                }
                Outcome::Free => {
                    free += 1;
                    format!("free, {records} decided")
                }
                Outcome::Failed => match &before.routed.failed {
                    Some(cause) => format!(
                        "still parked, its route fails again: {}: {}",
                        cause.class,
                        harmless(&cause.message)
                    ),
                    None => failed_again(streams, at),
                },
                Outcome::Pending => "not handled yet".to_owned(),
            };
            let aggregate = streams.aggregate(at);
            let _ = writeln!(text, "{aggregate} {}: {became}", key_shown(&at.key));
        }
        if self.0.len() > 1 {
            let _ = writeln!(text, "{free} of {} are free", count(self.0.len(), "key"));
        }
        text
    }
}

/// The failure that a key has met again.
pub(super) fn failed_again(streams: &Streams<'_>, at: &At) -> String {
    let first = streams.part(at).queues.first(&at.key);
    let Some(first) = first.map(|first| &first.parked) else {
        return "free".to_owned();
    };
    let message = harmless(&first.failure.message);
    let tried = count(usize::try_from(first.attempts).unwrap_or(0), "time");
    format!(
        "still parked, tried {tried}: {}: {message}",
        first.failure.class
    )
}
