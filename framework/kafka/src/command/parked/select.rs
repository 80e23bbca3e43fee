//! Picks keys out of what is parked.

use kolo_core::Timestamp;
use kolo_core::wire::{Failure as Reason, FailureClass, Queued};

use super::super::failure::Failure;
use super::super::terminal::{key_argument, key_shown};
use super::args::Filter;
use super::streams::{At, Streams};

/// What a parked key must be like.
#[derive(Default)]
pub(super) struct Wanted<'a> {
    pub(super) key: Option<&'a str>,
    pub(super) class: Option<FailureClass>,
    pub(super) fingerprint: Option<&'a str>,
    pub(super) since: Option<Timestamp>,
}

impl<'a> Wanted<'a> {
    pub(super) fn of(filter: &'a Filter) -> Self {
        Wanted {
            class: filter.class,
            fingerprint: filter.fingerprint.as_deref(),
            ..Wanted::default()
        }
    }

    pub(super) fn key(key: &'a str) -> Self {
        Wanted {
            key: Some(key),
            ..Wanted::default()
        }
    }

    fn fits(&self, key: &str, first: &Queued) -> bool {
        let reason: &Reason = &first.parked.failure;
        self.key.is_none_or(|wanted| wanted == key)
            && self.class.is_none_or(|class| class == reason.class)
            && self.since.is_none_or(|since| first.since >= since)
            && self
                .fingerprint
                .is_none_or(|text| reason.fingerprint().contains(text))
    }
}

/// A parked key, with the record that it is parked for.
pub(super) struct Found<'a> {
    pub(super) at: At,
    pub(super) first: &'a Queued,
    pub(super) records: usize,
}

impl Streams<'_> {
    /// The parked keys that are wanted: aggregate by aggregate, the longest parked first.
    pub(super) fn found(&self, wanted: &Wanted<'_>) -> Vec<Found<'_>> {
        let mut found = Vec::new();
        for (stream, known) in self.streams.iter().enumerate() {
            for (part, known) in known.parts.iter().enumerate() {
                for key in known.queues.keys() {
                    let Some(first) = known.queues.first(key) else {
                        continue;
                    };
                    if wanted.fits(key, first) {
                        found.push(Found {
                            at: At {
                                stream,
                                part,
                                key: key.to_owned(),
                            },
                            first,
                            records: known.queues.records(key),
                        });
                    }
                }
            }
        }
        found.sort_by(|one, other| {
            let order = |found: &Found<'_>| (found.at.stream, found.first.since);
            order(one)
                .cmp(&order(other))
                .then_with(|| one.at.cmp(&other.at))
        });
        found
    }

    /// Nothing is parked under a key that was asked for.
    pub(super) fn not_parked(&self, key: &str) -> Failure {
        let service = self.service.name();
        let looked = self.streams.iter();
        let looked: Vec<String> = looked
            .map(|stream| format!("{service}.{}", stream.aggregate))
            .collect();
        Failure::input(format!(
            "nothing is parked under {} in {}: it may be free by now, or be a key of another service. `{service} parked list` shows what is parked",
            match key {
                "" => "no key".to_owned(),
                key => format!("the key `{}`", key_shown(key)),
            },
            looked.join(" or ")
        ))
    }

    /// The command that names this key, behind `service parked`.
    pub(super) fn command(&self, what: &str, at: &At) -> String {
        let service = self.service.name();
        let aggregate = match self.service.aggregates().len() {
            1 => String::new(),
            _ => format!(" --aggregate {}", self.streams[at.stream].aggregate),
        };
        format!(
            "{service} parked {what}{aggregate} {}",
            key_argument(&at.key)
        )
    }
}
