//! `state show`: what a key is, or was.

use kolo_core::{Service, revealed};

use crate::config::Config;
use crate::worker::record::now;

use super::super::failure::Failure;
use super::super::parked::json::print_all;
use super::super::print;
use super::super::sensitive::Sensitive;
use super::super::terminal::{key_argument, key_shown, note, time};
use super::args::Show;
use super::at::At;
use super::history::History;
use super::stream::{aggregates, streams};
use super::{json, text};

pub(super) fn run(service: &Service, config: &Config, args: &Show) -> Result<(), Failure> {
    let (key, at, now) = (args.key.as_str(), args.at.unwrap_or_default(), now());
    if matches!(at, At::Time(time) if time > now) {
        note("that time has not come: this is what the key is now");
    }
    let wanted = aggregates(service, args.aggregate.as_deref())?;
    if matches!(at, At::Offset(_)) && wanted.len() > 1 {
        let names: Vec<&str> = wanted
            .iter()
            .map(|known| known.description.aggregate)
            .collect();
        return Err(Failure::input(format!(
            "an offset is a place in the stream of one aggregate: name it with --aggregate, as one of {}",
            names.join(", ")
        )));
    }
    let sensitive = Sensitive::of(service, args.reveal);
    let mut histories = Vec::new();
    for stream in streams(service, config, wanted)? {
        let read = || History::read(service, config, stream, key, at);
        let mut history = if args.reveal { revealed(read) } else { read() }?;
        history.known = history.known.map(|known| sensitive.without(known));
        histories.push(history);
    }
    let (found, not): (Vec<History>, Vec<History>) = histories
        .into_iter()
        .partition(|history| history.known.is_some());
    if found.is_empty() {
        return Err(never_was(service, key, at, &not));
    }
    if args.json {
        return print_all(found.iter().map(|history| json::of(history, key, at)));
    }
    let shown = found.iter();
    let texts = shown.map(|history| text::of(history, service.name(), key, at, now));
    print(&texts.collect::<Vec<_>>().join("\n"))
}

/// Nothing is known of the key, or nothing was by then.
fn never_was(service: &Service, key: &str, at: At, looked: &[History]) -> Failure {
    let places: Vec<String> = looked
        .iter()
        .map(|history| {
            let (name, stream) = (
                &history.aggregate.name,
                history.aggregate.description.stream,
            );
            let later = history.later.map_or_else(String::new, |(offset, at)| {
                format!(
                    ": its first record there is offset {offset}, of {}",
                    time(at)
                )
            });
            format!("{name} ({stream}[{}]{later})", history.partition)
        })
        .collect();
    let (shown, places) = (key_shown(key), places.join(" or "));
    if looked.iter().any(|history| history.later.is_some()) {
        return Failure::input(format!(
            "the key `{shown}` was not yet there, as of {at}, in {places}"
        ));
    }
    let (name, argument) = (service.name(), key_argument(key));
    Failure::input(format!(
        "the key `{shown}` has no record in {places}. Is it the key of another service, or mistyped? What was published for it and cannot be decided may lie parked elsewhere: `{name} parked show {argument}`"
    ))
}
