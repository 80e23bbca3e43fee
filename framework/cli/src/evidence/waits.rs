//! What a saga waits for, and why: what is declared and open, held against positions, parked keys, groups and notes.

use std::collections::BTreeSet;

use kolo_core::choreography::Manifest;
use kolo_core::effect_note::{EffectNote, RequestNote};
use kolo_core::saga::{Open, Saga, Told};
use kolo_core::wire::Queued;

use super::beside::{Groups, Notes};
use super::cause::Cause;
use super::lookup::{Lookup, ParkedAt};
use super::plan::{Plan, is_routed};
use super::routers::Routers;

/// One thing that has not been done.
#[derive(Debug)]
pub(crate) struct Wait<'a> {
    /// The event that is not answered.
    pub(crate) event: &'a Told,
    /// The `<service>.<aggregate>` whose turn it is.
    pub(crate) by: String,
    pub(crate) why: Why<'a>,
    /// How many instances are in its group.
    pub(crate) members: usize,
}

/// Why it has not been done.
#[derive(Debug)]
pub(crate) enum Why<'a> {
    /// It is parked under this key, behind the first of its queue or as the first.
    Parked {
        key: &'a str,
        queued: &'a Queued,
        first: &'a Queued,
    },
    /// It has not been read: so many records of that partition come first or with it, where the position is known.
    Unread {
        topic: &'a str,
        partition: i32,
        behind: Option<i64>,
    },
    /// No router has copied it into the aggregate's inbox.
    Unrouted { inbox: &'a str },
    /// The outside world has not answered.
    Called {
        note: Option<&'a RequestNote>,
        breaker: Option<&'a EffectNote>,
    },
}

impl Wait<'_> {
    pub(crate) fn service(&self) -> &str {
        self.by.split('.').next().unwrap_or(&self.by)
    }

    pub(crate) fn cause(&self) -> Cause {
        Cause::of(self)
    }

    pub(crate) fn is_stuck(&self) -> bool {
        self.cause().is_stuck()
    }
}

/// All that waits are made of.
pub(crate) struct Evidence<'a> {
    pub(crate) manifests: &'a [Manifest],
    pub(crate) plan: &'a Plan,
    pub(crate) lookup: Lookup<'a>,
    pub(crate) notes: &'a Notes,
    pub(crate) routers: &'a Routers,
}

impl<'a> Evidence<'a> {
    /// What a saga waits for; the groups' members are not known yet.
    pub(crate) fn waits<'s>(&'s self, saga: &'s Saga) -> Vec<Wait<'s>> {
        let mut waits = Vec::new();
        for open in saga.open(self.manifests) {
            let by = open.by();
            let parked = self.lookup.parked(open.event.id).iter();
            let parked = parked.copied().find(|parked| parked.by == by);
            let why = parked.map(Why::from).or_else(|| self.open(&open, &by));
            waits.extend(why.map(|why| wait(open.event, by, why)));
        }
        waits.extend(self.copies(saga));
        self.parked_besides(saga, &mut waits);
        waits
    }

    /// Why an open answer has not come; none where it was decided with nothing.
    fn open<'s>(&'s self, open: &Open<'s>, by: &str) -> Option<Why<'s>> {
        let event = open.event;
        if open.is_call() {
            return Some(Why::Called {
                note: self.notes.request(event.id),
                breaker: self.notes.effect(by, &event.event),
            });
        }
        if open.uses.iter().any(|one| is_routed(one.does)) {
            return self.unrouted(by, event);
        }
        let topic = self.plan.topic(&event.topic)?;
        let input = self.lookup.part(topic.id, event.partition)?;
        let own = self.lookup.stream(by, event.partition);
        let next = own.and_then(|part| part.progress.next(topic.id));
        if next.is_some_and(|next| next > event.offset) {
            return None;
        }
        Some(Why::Unread {
            topic: &event.topic,
            partition: event.partition,
            behind: next.map(|next| input.end - next),
        })
    }

    /// An event to be routed of which there is no copy, unless the router has got further: then it is for nobody.
    fn unrouted(&self, by: &str, event: &Told) -> Option<Why<'a>> {
        let source = (self.plan.topic(&event.topic)?.id, event.partition);
        let inbox = self.lookup.inbox(by)?;
        let last = self.lookup.routed(by, source);
        let is_past = last.is_some_and(|last| last >= event.offset)
            || self.routers.have_passed(by, source, event.offset);
        (!is_past).then_some(Why::Unrouted { inbox })
    }

    /// Copies in inboxes that are not decided: an event that is routed to several keys waits for each of them.
    fn copies<'s>(&'s self, saga: &'s Saga) -> Vec<Wait<'s>> {
        let mut waits = Vec::new();
        for event in saga.told() {
            let Some(topic) = self.plan.topic(&event.topic) else {
                continue;
            };
            let undecided = self.lookup.copies(topic.id, event.partition, event.offset);
            waits.extend(undecided.iter().map(|one| {
                let why = Why::Unread {
                    topic: &one.inbox.topic.name,
                    partition: one.inbox.number,
                    behind: Some(one.inbox.end - one.copied.offset),
                };
                wait(event, one.by.to_owned(), why)
            }));
        }
        waits
    }

    /// What is parked of the saga and answers nothing that is open: a copy for one of several keys, a deadline. A deadline's
    /// event is the aggregate's last one at its key.
    fn parked_besides<'s>(&'s self, saga: &'s Saga, waits: &mut Vec<Wait<'s>>) {
        let mut seen = BTreeSet::new();
        for event in saga.told().iter().rev() {
            let parked = self.lookup.parked(event.id).iter();
            let due = event
                .by
                .as_deref()
                .filter(|by| seen.insert((*by, &*event.key)));
            let due = due.map_or(&[][..], |by| self.lookup.deadlines(by, &event.key));
            for &parked in parked.chain(due) {
                let is_known = waits.iter().any(|wait| match &wait.why {
                    Why::Parked { queued, .. } => {
                        wait.by == parked.by && std::ptr::eq(*queued, parked.queued)
                    }
                    _ => false,
                });
                if !is_known {
                    waits.push(wait(event, parked.by.to_owned(), parked.into()));
                }
            }
        }
    }
}

/// Adds the groups' members, and puts the worst first, and of those the oldest.
pub(crate) fn rank(waits: &mut [Wait<'_>], groups: &Groups) {
    for wait in &mut *waits {
        wait.members = groups.members(&wait.by);
    }
    waits.sort_by_key(|wait| (wait.cause(), wait.event.at));
}

impl<'a> From<ParkedAt<'a>> for Why<'a> {
    fn from(parked: ParkedAt<'a>) -> Self {
        Why::Parked {
            key: parked.key,
            queued: parked.queued,
            first: parked.first,
        }
    }
}

fn wait<'a>(event: &'a Told, by: String, why: Why<'a>) -> Wait<'a> {
    Wait {
        event,
        by,
        why,
        members: 0,
    }
}
