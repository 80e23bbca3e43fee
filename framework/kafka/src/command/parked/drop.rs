//! `parked drop`: one parked record is forgotten, with a reason.

use std::io::IsTerminal;

use kolo_core::wire::{self, DROP, FailureClass, ParkedChange, ParkedKind, ParkedQueues, Queued};
use kolo_core::{EventId, Service};
use serde_json::json;

use crate::config::Config;

use super::super::control::Sender;
use super::super::failure::Failure;
use super::super::print;
use super::super::sensitive::Sensitive;
use super::super::terminal::{confirms, count, key_argument, key_shown, note, say};
use super::args::Drop;
use super::follow::{Outcome, concerns};
use super::json::print_one;
use super::redrive::failed_again;
use super::select::Wanted;
use super::show::record;
use super::streams::{At, Streams};

pub(super) fn run(service: &Service, config: &Config, args: &Drop) -> Result<(), Failure> {
    let queues = ParkedQueues::default();
    let mut streams = Streams::open(service, config, args.aggregate.as_deref(), &queues)?;
    streams.read_to_end()?;
    let (at, chosen) = choose(&streams, args)?;
    let shown = record(&chosen, &Sensitive::of(service, false));
    confirm(&streams, &at, (&chosen, &shown), args)?;
    let id = chosen.parked.id;
    let drop = wire::Drop {
        id,
        reason: args.reason.clone(),
    };
    let sender = Sender::new(config)?;
    streams.ask(&sender, &at, DROP, &serde_json::to_vec(&drop)?)?;
    sender.acknowledged()?;
    let (mut outcome, mut dropped) = (Outcome::Pending, false);
    let patience = args.patience.timeout;
    streams.follow_until(vec![at.clone()], patience, |streams, at, change| {
        if concerns(change, id) {
            dropped = matches!(change, ParkedChange::Unparked(..));
        }
        outcome = match (change, streams.part(at).queues.first(&at.key)) {
            (_, None) => Outcome::Free,
            (ParkedChange::Failed(failed), _) if dropped || *failed == id => Outcome::Failed,
            // What waits behind it runs in the same breath.
            (_, Some(first)) if dropped && !waits(first) => Outcome::Failed,
            _ => Outcome::Pending,
        };
        outcome != Outcome::Pending
    })?;
    if args.json {
        let mut value = streams.outcome_json(&at, outcome);
        value["id"] = json!(id);
        value["dropped"] = json!(dropped);
        print_one(&value)?;
    } else {
        print(&report(&streams, &at, id, dropped, outcome))?;
    }
    if outcome == Outcome::Pending {
        note(&streams.silent(&at, patience));
    }
    if dropped {
        Ok(())
    } else {
        Err(Failure::NotDone)
    }
}

fn waits(queued: &Queued) -> bool {
    queued.parked.failure.class == FailureClass::Behind
}

/// The record to drop: the key's first, or the one with this id.
fn choose(streams: &Streams<'_>, args: &Drop) -> Result<(At, Queued), Failure> {
    let key = args.key.text();
    let found = streams.found(&Wanted::key(key));
    if found.is_empty() {
        return Err(streams.not_parked(key));
    }
    let Some(id) = args.id else {
        return match <[_; 1]>::try_from(found) {
            Ok([only]) => Ok((only.at, only.first.clone())),
            Err(found) => Err(Failure::input(format!(
                "{} is parked in {} places: {}. Name the record with --id",
                key_shown(key),
                found.len(),
                found
                    .iter()
                    .map(|found| {
                        let (name, part) = (streams.aggregate(&found.at), streams.part(&found.at));
                        format!(
                            "{name} partition {} as {}",
                            part.number, found.first.parked.id
                        )
                    })
                    .collect::<Vec<_>>()
                    .join(", ")
            ))),
        };
    };
    for found in &found {
        let mut queue = streams.part(&found.at).queues.of(key);
        if let Some(queued) = queue.find(|queued| queued.parked.id == id) {
            return Ok((found.at.clone(), queued.clone()));
        }
    }
    let service = streams.service.name();
    Err(Failure::input(format!(
        "no record of {} is parked under the id {id}: `{service} parked show {}` shows those that are",
        key_shown(key),
        key_argument(key)
    )))
}

/// Shows what will be forgotten, and asks.
fn confirm(
    streams: &Streams<'_>,
    at: &At,
    (chosen, shown): (&Queued, &str),
    args: &Drop,
) -> Result<(), Failure> {
    let (asks, terminal) = (!args.yes, std::io::stdin().is_terminal());
    if asks && !terminal {
        return Err(Failure::input(
            "this is no terminal, and nobody can be asked: --yes drops without asking. Nothing was sent",
        ));
    }
    if asks || !args.json {
        let behind = streams.part(at).queues.records(&at.key) - 1;
        let others = match behind {
            0 => String::new(),
            others => format!(", before {}", count(others, "other record")),
        };
        let (name, key) = (streams.aggregate(at), key_shown(&at.key));
        say(&format!("{name}, key {key}{others}:\n"));
        say(shown);
    }
    if chosen.parked.kind == ParkedKind::Request {
        note(
            "this is a request to the outside world. It then has no answer for ever: no event will say what became of it, and whether the outside world has done it, nobody here knows",
        );
    }
    if !asks {
        return Ok(());
    }
    if confirms("Drop it for good?") {
        return Ok(());
    }
    Err(Failure::Run("nothing was dropped, and nothing sent".into()))
}

fn report(streams: &Streams<'_>, at: &At, id: EventId, dropped: bool, outcome: Outcome) -> String {
    let (name, key) = (streams.aggregate(at), key_shown(&at.key));
    let done = if dropped {
        format!("dropped {id}")
    } else {
        format!("{id} is not dropped")
    };
    let became = match outcome {
        Outcome::Free => "the key is free".to_owned(),
        Outcome::Failed => failed_again(streams, at),
        Outcome::Pending if dropped => "what waited behind it has not run yet".to_owned(),
        Outcome::Pending => "not handled yet".to_owned(),
    };
    format!("{name} {key}: {done}; {became}\n")
}
