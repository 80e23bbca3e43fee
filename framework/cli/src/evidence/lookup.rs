//! What the scan has found, by what an event of a saga names: so that a saga costs what it has, and not what all have.

use std::collections::HashMap;

use kolo_core::wire::{ParkedKind, Queued};
use kolo_core::{EventId, TopicId};

use super::part::{Copied, Part};
use super::plan::Role;
use super::read::Found;

/// Something that an aggregate has parked.
#[derive(Debug, Clone, Copy)]
pub(super) struct ParkedAt<'a> {
    /// The aggregate, as `<service>.<aggregate>`.
    pub(super) by: &'a str,
    pub(super) key: &'a str,
    pub(super) queued: &'a Queued,
    /// The first of its queue.
    pub(super) first: &'a Queued,
}

/// A copy that stands in an inbox and is not decided.
#[derive(Debug, Clone, Copy)]
pub(super) struct Undecided<'a> {
    /// The aggregate, as `<service>.<aggregate>`.
    pub(super) by: &'a str,
    pub(super) inbox: &'a Part<'a>,
    pub(super) copied: &'a Copied,
}

/// Everything that is looked up.
#[derive(Debug, Default)]
pub(crate) struct Lookup<'a> {
    parts: HashMap<(TopicId, i32), &'a Part<'a>>,
    streams: HashMap<&'a str, HashMap<i32, &'a Part<'a>>>,
    /// The name of each aggregate's inbox.
    inboxes: HashMap<&'a str, &'a str>,
    /// The last offset of a source's partition of which an aggregate's inbox has a copy.
    routed: HashMap<(&'a str, TopicId, i32), i64>,
    copies: HashMap<(TopicId, i32, i64), Vec<Undecided<'a>>>,
    parked: HashMap<EventId, Vec<ParkedAt<'a>>>,
    /// Parked deadlines, by aggregate and key: their ids are no event's.
    deadlines: HashMap<&'a str, HashMap<&'a str, Vec<ParkedAt<'a>>>>,
}

impl<'a> Lookup<'a> {
    pub(crate) fn of(found: &'a Found<'a>) -> Self {
        let mut lookup = Lookup::default();
        for part in &found.parts {
            lookup.parts.insert((part.topic.id, part.number), part);
            if let Role::Stream(owner) = &part.topic.role {
                let parts = lookup.streams.entry(owner).or_default();
                parts.insert(part.number, part);
                lookup.park(owner, part);
            }
        }
        // Whether a copy is decided is known to the stream alone.
        for part in &found.parts {
            if let Role::Inbox(owner) = &part.topic.role {
                lookup.copy(owner, part);
            }
        }
        lookup
    }

    fn park(&mut self, by: &'a str, part: &'a Part<'a>) {
        for key in part.parked.keys() {
            let Some(first) = part.parked.first(key) else {
                continue;
            };
            for queued in part.parked.of(key) {
                let parked = ParkedAt {
                    by,
                    key,
                    queued,
                    first,
                };
                match queued.parked.kind {
                    ParkedKind::Deadline => {
                        let keys = self.deadlines.entry(by).or_default();
                        keys.entry(key).or_default()
                    }
                    _ => self.parked.entry(queued.parked.id).or_default(),
                }
                .push(parked);
            }
        }
    }

    fn copy(&mut self, by: &'a str, inbox: &'a Part<'a>) {
        self.inboxes.insert(by, &inbox.topic.name);
        for (&(topic, partition), &offset) in &inbox.routed {
            let last = self.routed.entry((by, topic, partition)).or_insert(offset);
            *last = (*last).max(offset);
        }
        let own = self.stream(by, inbox.number);
        for copied in &inbox.copies {
            if own.is_some_and(|own| is_decided(own, inbox.topic.id, copied)) {
                continue;
            }
            let place = (copied.topic, copied.partition, copied.position.offset);
            let known = self.copies.entry(place).or_default();
            // A router that began anew has copied it again.
            let is_known = known.iter().any(|one| {
                let same = one.copied.position.copy == copied.position.copy;
                same && one.by == by && one.inbox.number == inbox.number
            });
            if !is_known {
                known.push(Undecided { by, inbox, copied });
            }
        }
    }

    /// The partition of a topic.
    pub(super) fn part(&self, topic: TopicId, number: i32) -> Option<&'a Part<'a>> {
        self.parts.get(&(topic, number)).copied()
    }

    /// A partition of an aggregate's stream.
    pub(super) fn stream(&self, by: &str, number: i32) -> Option<&'a Part<'a>> {
        self.streams.get(by)?.get(&number).copied()
    }

    pub(super) fn inbox(&self, by: &str) -> Option<&'a str> {
        self.inboxes.get(by).copied()
    }

    /// How far the routers of an aggregate have come, as far as its inbox tells.
    pub(super) fn routed(&self, by: &str, source: (TopicId, i32)) -> Option<i64> {
        self.routed.get(&(by, source.0, source.1)).copied()
    }

    /// The undecided copies of what stands there.
    pub(super) fn copies(&self, topic: TopicId, partition: i32, offset: i64) -> &[Undecided<'a>] {
        let known = self.copies.get(&(topic, partition, offset));
        known.map_or(&[], Vec::as_slice)
    }

    /// What is parked of an event, by whom.
    pub(super) fn parked(&self, id: EventId) -> &[ParkedAt<'a>] {
        self.parked.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The deadlines that an aggregate has parked under a key.
    pub(super) fn deadlines(&self, by: &str, key: &str) -> &[ParkedAt<'a>] {
        let keys = self.deadlines.get(by);
        let known = keys.and_then(|keys| keys.get(key));
        known.map_or(&[], Vec::as_slice)
    }
}

/// Whether the aggregate has decided a copy: by the origin's position, or since it has read the inbox beyond it.
fn is_decided(own: &Part<'_>, inbox: TopicId, copied: &Copied) -> bool {
    let is_read = own
        .progress
        .next(inbox)
        .is_some_and(|next| next > copied.offset);
    is_read
        || own
            .progress
            .has_decided(copied.topic, copied.partition, copied.position)
}
