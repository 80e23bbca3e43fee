//! One partition, read once: the records of the saga, and what tells where the saga waits.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use kolo_core::saga::Told;
use kolo_core::wire::{
    MARKER, PARKED, ParkedQueues, Record, Source, Stamp, UNPARKED, event_id, is_own_record,
};
use kolo_core::{CorrelationId, EventId, Position, Timestamp, TopicId};

use super::asked::Asked;
use super::plan::{Foreign, Plan, Role, Topic};
use super::progress::Progress;
use super::versions::Versions;
use crate::judge::{Judge, Standing};

/// A copy of one of the saga's events in an inbox.
#[derive(Debug, Clone)]
pub(crate) struct Copied {
    pub(crate) offset: i64,
    /// Where the event itself stands.
    pub(crate) topic: TopicId,
    pub(crate) partition: i32,
    pub(crate) position: Position,
}

/// What a record is to its saga.
#[derive(Debug)]
pub(crate) enum Seen<'r> {
    Event(Event<'r>),
    Copy(CopyOf, Copied),
    /// What is parked under this key has changed.
    Parked(Option<CorrelationId>, Cow<'r, str>),
}

/// What a copy says of whose it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum CopyOf {
    Saga(CorrelationId),
    /// An event from outside says no saga, and neither does its copy.
    Event(EventId),
}

/// One of a saga's records: as [`Told`], but for what its partition says.
#[derive(Debug)]
pub(crate) struct Event<'r> {
    pub(crate) saga: CorrelationId,
    pub(crate) id: EventId,
    pub(crate) causation: Option<EventId>,
    pub(crate) event: &'r str,
    pub(crate) of_deadline: bool,
    pub(crate) key: Cow<'r, str>,
    pub(crate) at: Timestamp,
    pub(crate) offset: i64,
}

/// What a partition holds.
#[derive(Debug)]
pub(crate) struct Part<'p> {
    pub(crate) topic: &'p Topic,
    pub(crate) number: i32,
    /// The first offset that counts, and the end as of now.
    pub(crate) from: i64,
    pub(crate) end: i64,
    /// The first offset of which an index may hold anything.
    pub(crate) held_from: i64,
    pub(crate) judge: Judge,
    pub(crate) records: u64,
    /// Records of which nobody can tell whether they are valid.
    pub(crate) unknown: u64,
    pub(crate) told: Vec<Told>,
    /// The saga of those.
    pub(crate) saga: Option<CorrelationId>,
    /// The sagas to which an event id or a key has led, each with its last record's time.
    pub(crate) others: BTreeMap<CorrelationId, Timestamp>,
    pub(crate) progress: Progress,
    pub(crate) parked: ParkedQueues,
    pub(crate) copies: Vec<Copied>,
    /// The last offset of each source's partition of which there is a copy.
    pub(crate) routed: HashMap<(TopicId, i32), i64>,
    /// If the saga of some events from outside could not be read: with what that was tried.
    pub(crate) unread_with: Option<Versions>,
}

impl<'p> Part<'p> {
    pub(crate) fn new(topic: &'p Topic, number: i32, (from, end): (i64, i64), knows: bool) -> Self {
        Part {
            topic,
            number,
            from,
            end,
            held_from: from,
            judge: Judge::new(knows),
            records: 0,
            unknown: 0,
            told: Vec::new(),
            saga: None,
            others: BTreeMap::new(),
            progress: Progress::default(),
            parked: ParkedQueues::without_bytes(),
            copies: Vec::new(),
            routed: HashMap::new(),
            unread_with: None,
        }
    }

    /// Takes up the next record, and keeps what is asked for.
    pub(crate) fn take(&mut self, record: &Record<'_>, plan: &Plan, asked: &Asked) {
        match self.read(record, plan) {
            Some(Seen::Event(event)) if event.offset >= self.from => self.keep(&event, asked),
            Some(Seen::Copy(CopyOf::Saga(saga), _)) if !asked.is_saga(saga) => {}
            Some(Seen::Copy(_, copied)) => self.copies.push(copied),
            _ => {}
        }
    }

    /// Takes up the next record; gives what it is to its saga, if it is anything.
    pub(crate) fn read<'r>(&mut self, record: &Record<'r>, plan: &Plan) -> Option<Seen<'r>>
    where
        'p: 'r,
    {
        self.records += 1;
        let stamp = match self
            .judge
            .read(record.offset, &record.headers, record.value)
        {
            Standing::Valid(stamp) => Some(stamp),
            Standing::Unfenced(stamp) => stamp,
            Standing::Fence | Standing::Void(_) => return None,
            Standing::Unknown(_) => {
                self.unknown += 1;
                return None;
            }
        };
        match (&self.topic.role, stamp) {
            (Role::Stream(_), Some(stamp)) => self.own(record, stamp),
            (Role::Inbox(_), Some(stamp)) => self.copy(record, &stamp),
            (Role::Intake, stamp) => self.foreign(record, stamp, plan),
            (Role::Stream(_) | Role::Inbox(_), None) => None,
        }
    }

    fn own<'r>(&mut self, record: &Record<'r>, stamp: Stamp) -> Option<Seen<'r>> {
        self.progress.answered(&stamp.source, &self.judge);
        match record.headers.event_type {
            Some(MARKER) => {
                self.progress.marked(record.value, &self.judge);
                None
            }
            Some(kind @ (PARKED | UNPARKED)) => {
                let key = key(record);
                // One that cannot be read parks nothing here, as it does for nobody else.
                let value = record.value.unwrap_or_default();
                let _ = self.parked.fold(kind, &key, value, record.timestamp);
                Some(Seen::Parked(stamp.correlation, key))
            }
            event => {
                let saga = stamp.correlation?;
                Some(Seen::Event(self.event(record, event, saga, Some(stamp))))
            }
        }
    }

    fn foreign<'r>(
        &mut self,
        record: &Record<'r>,
        stamp: Option<Stamp>,
        plan: &Plan,
    ) -> Option<Seen<'r>>
    where
        'p: 'r,
    {
        let event = self.topic.event(record.headers.event_type);
        if event.is_some_and(is_own_record) {
            return None;
        }
        let saga = stamp.and_then(|stamp| stamp.correlation).or_else(|| {
            plan.saga_of(&Foreign {
                event,
                id: self.id(record),
                key: &key(record),
                value: record.value,
            })
        });
        if saga.is_none() {
            let with = &self.topic.versions;
            let known = self.unread_with.get_or_insert_with(|| with.clone());
            known.keep(with);
        }
        Some(Seen::Event(self.event(record, event, saga?, stamp)))
    }

    fn copy<'r>(&mut self, record: &Record<'r>, stamp: &Stamp) -> Option<Seen<'r>> {
        let Source::Copy {
            topic,
            partition,
            position,
            ..
        } = stamp.source
        else {
            return None;
        };
        let last = self
            .routed
            .entry((topic, partition))
            .or_insert(position.offset);
        *last = (*last).max(position.offset);
        let copied = Copied {
            offset: record.offset,
            topic,
            partition,
            position,
        };
        let of = match stamp.correlation {
            Some(saga) => CopyOf::Saga(saga),
            None => CopyOf::Event(self.id(record)),
        };
        Some(Seen::Copy(of, copied))
    }

    fn event<'r>(
        &self,
        record: &Record<'r>,
        event: Option<&'r str>,
        saga: CorrelationId,
        stamp: Option<Stamp>,
    ) -> Event<'r> {
        Event {
            saga,
            id: self.id(record),
            causation: stamp.and_then(|stamp| stamp.causation),
            event: event.unwrap_or("(no type)"),
            of_deadline: stamp.is_some_and(|stamp| matches!(stamp.source, Source::Deadline(_))),
            key: key(record),
            at: record.timestamp,
            offset: record.offset,
        }
    }

    fn keep(&mut self, event: &Event<'_>, asked: &Asked) {
        if !asked.is_saga(event.saga) {
            if asked.leads_to(event.id, &event.key) {
                self.others.insert(event.saga, event.at);
            }
            return;
        }
        self.saga = Some(event.saga);
        self.told.push(Told {
            id: event.id,
            causation: event.causation,
            event: event.event.to_owned(),
            by: self.writer().map(str::to_owned),
            of_deadline: event.of_deadline,
            key: event.key.to_string(),
            at: event.at,
            topic: self.topic.name.clone(),
            partition: self.number,
            offset: event.offset,
        });
    }

    /// The `<service>.<aggregate>` that writes here now. A stream whose service has never published its manifest has an owner
    /// all the same.
    pub(crate) fn writer(&self) -> Option<&str> {
        match &self.topic.role {
            Role::Stream(owner) => Some(owner),
            Role::Inbox(_) | Role::Intake => self.judge.owner(),
        }
    }

    fn id(&self, record: &Record<'_>) -> EventId {
        match record.headers.id {
            Some(id) => event_id(id),
            None => EventId::of_place(self.topic.id, self.number, record.offset),
        }
    }
}

fn key<'r>(record: &Record<'r>) -> Cow<'r, str> {
    String::from_utf8_lossy(record.key.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use kolo_core::wire::{FENCE, Headers, Writer};

    use super::*;

    fn topic(role: Role) -> Topic {
        Topic {
            role,
            only: Some("shop.order.OrderCreated".into()),
            ..Topic::intake("orders.outcome")
        }
    }

    fn of_saga(stamp: Stamp) -> Stamp {
        Stamp {
            correlation: Some(CorrelationId::of_saga("o-1")),
            ..stamp
        }
    }

    fn own(epoch: Option<i64>, number: u64) -> Stamp {
        of_saga(Stamp::own(Writer {
            epoch,
            nonce: 7,
            number,
        }))
    }

    /// Takes up one record of key `o-1` at the next offset.
    fn take(part: &mut Part<'_>, event: Option<&str>, stamp: Option<Stamp>, asked: &str) {
        let text = stamp.map(|stamp| stamp.to_string());
        let record = Record {
            offset: i64::try_from(part.records).unwrap(),
            key: Some(b"o-1"),
            headers: Headers {
                event_type: event,
                stamp: text.as_deref(),
                ..Headers::default()
            },
            ..Record::default()
        };
        part.take(&record, &Plan::default(), &Asked::of(asked));
    }

    /// The owner's event of this number, under the fence at offset 0.
    fn take_own(part: &mut Part<'_>, event: &str, number: u64) {
        take(part, Some(event), Some(own(Some(0), number)), "o-1");
    }

    #[test]
    fn of_a_stream_only_valid_records_are_told() {
        let topic = topic(Role::Stream("order.lifecycle".into()));
        let mut part = Part::new(&topic, 0, (0, 9), true);
        take(&mut part, Some(FENCE), Some(own(None, 0)), "o-1");
        take_own(&mut part, "shop.order.OrderOpened", 1);
        take_own(&mut part, "shop.order.OrderConfirmed", 3);
        take(&mut part, Some("shop.order.OrderCancelled"), None, "o-1");
        let told: Vec<&str> = part.told.iter().map(|told| told.event.as_str()).collect();
        assert_eq!(told, ["shop.order.OrderOpened"]);
        assert_eq!(part.told[0].by.as_deref(), Some("order.lifecycle"));
        assert_eq!(part.records, 4);
    }

    #[test]
    fn a_record_before_the_bound_is_judged_and_not_told() {
        let topic = topic(Role::Stream("order.lifecycle".into()));
        let mut part = Part::new(&topic, 0, (2, 9), true);
        take(&mut part, Some(FENCE), Some(own(None, 0)), "o-1");
        take_own(&mut part, "shop.order.OrderOpened", 1);
        take_own(&mut part, "shop.order.OrderConfirmed", 2);
        assert_eq!(part.told.len(), 1);
        assert_eq!(part.told[0].offset, 2);
    }

    #[test]
    fn an_event_from_outside_belongs_to_the_saga_of_its_key_and_leads_there() {
        let topic = topic(Role::Intake);
        let mut part = Part::new(&topic, 0, (0, 9), true);
        take(&mut part, None, None, "o-1");
        assert_eq!(part.told[0].event, "shop.order.OrderCreated");
        assert_eq!(part.told[0].by, None);
        let id = part.told[0].id.to_string();
        let mut part = Part::new(&topic, 0, (0, 9), true);
        take(&mut part, None, None, &id);
        assert!(part.told.is_empty());
        let led: Vec<_> = part.others.keys().collect();
        assert_eq!(led, [&CorrelationId::of_saga("o-1")]);
    }
}
