//! The events of all sagas, in short: names by number, keys in one text, each saga's events found together by sorting.

use std::collections::HashMap;

use kolo_core::saga::Told;
use kolo_core::{CorrelationId, EventId, Timestamp};

use crate::evidence::part::{Event, Part};
use crate::evidence::plan::Topic;

/// What some partitions of one topic hold.
#[derive(Debug)]
pub(super) struct Kept<'p> {
    topic: &'p Topic,
    events: Vec<Short>,
    names: Names,
    /// The keys of all events, one behind the other.
    keys: String,
}

/// One event without its texts.
#[derive(Debug)]
struct Short {
    saga: CorrelationId,
    id: EventId,
    causation: Option<EventId>,
    at: Timestamp,
    offset: i64,
    key: (usize, u32),
    partition: i32,
    event: u32,
    by: Option<u32>,
    of_deadline: bool,
}

impl<'p> Kept<'p> {
    pub(super) fn of(topic: &'p Topic) -> Self {
        Kept {
            topic,
            events: Vec::new(),
            names: Names::default(),
            keys: String::new(),
        }
    }

    /// Keeps an event that stands in this partition.
    pub(super) fn take(&mut self, part: &Part<'_>, event: &Event<'_>) {
        let begin = self.keys.len();
        self.keys.push_str(&event.key);
        let short = Short {
            saga: event.saga,
            id: event.id,
            causation: event.causation,
            at: event.at,
            offset: event.offset,
            // A key of Kafka has less than 2 GiB.
            key: (begin, u32::try_from(event.key.len()).unwrap_or(u32::MAX)),
            partition: part.number,
            event: self.names.number(event.event),
            by: part.writer().map(|by| self.names.number(by)),
            of_deadline: event.of_deadline,
        };
        self.events.push(short);
    }

    fn told(&self, short: &Short) -> Told {
        let (begin, length) = short.key;
        Told {
            id: short.id,
            causation: short.causation,
            event: self.names.of(short.event).to_owned(),
            by: short.by.map(|by| self.names.of(by).to_owned()),
            of_deadline: short.of_deadline,
            key: self.keys[begin..begin + length as usize].to_owned(),
            at: short.at,
            topic: self.topic.name.clone(),
            partition: short.partition,
            offset: short.offset,
        }
    }
}

/// Hands on one saga after the other, each with all of its events.
pub(super) struct Sagas<'k, 'p> {
    kept: &'k [Kept<'p>],
    /// How many events of each were handed on.
    next: Vec<usize>,
}

impl<'k, 'p> Sagas<'k, 'p> {
    pub(super) fn of(kept: &'k mut [Kept<'p>]) -> Self {
        for one in &mut *kept {
            one.events.sort_unstable_by_key(|event| event.saga.0);
        }
        Sagas {
            next: vec![0; kept.len()],
            kept,
        }
    }
}

impl Iterator for Sagas<'_, '_> {
    type Item = (CorrelationId, Vec<Told>);

    fn next(&mut self) -> Option<Self::Item> {
        let heads = self.kept.iter().zip(&self.next);
        let heads = heads.filter_map(|(kept, &next)| Some(kept.events.get(next)?.saga));
        let saga = heads.min_by_key(|saga| saga.0)?;
        let mut told = Vec::new();
        for (kept, next) in self.kept.iter().zip(&mut self.next) {
            let rest = kept.events[*next..].iter();
            let its = rest.take_while(|event| event.saga == saga);
            let before = told.len();
            told.extend(its.map(|short| kept.told(short)));
            *next += told.len() - before;
        }
        Some((saga, told))
    }
}

/// Texts that come again and again, by number.
#[derive(Debug, Default)]
struct Names {
    all: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        // So many names are not declared anywhere.
        let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.all.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    fn of(&self, number: u32) -> &str {
        &self.all[number as usize]
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn event<'a>(saga: &'a str, event: &'a str, offset: i64) -> Event<'a> {
        Event {
            saga: CorrelationId::of_saga(saga),
            id: EventId::foreign(&format!("{event} of {saga}")),
            causation: None,
            event,
            of_deadline: false,
            key: Cow::Borrowed(saga),
            at: Timestamp::from_millis(offset),
            offset,
        }
    }

    #[test]
    fn each_saga_comes_once_with_its_events_of_all_topics() {
        let topics = ["orders", "stock"].map(Topic::intake);
        let parts = topics
            .each_ref()
            .map(|topic| Part::new(topic, 3, (0, 9), true));
        let mut kept = topics.each_ref().map(Kept::of);
        for (at, saga, name, offset) in [
            (0, "o-2", "Created", 0),
            (0, "o-1", "Created", 1),
            (1, "o-1", "Taken", 0),
            (0, "o-2", "Cancelled", 2),
        ] {
            kept[at].take(&parts[at], &event(saga, name, offset));
        }
        let mut all: Vec<(String, Vec<_>)> = Sagas::of(&mut kept)
            .map(|(saga, told)| {
                let mut told: Vec<_> = told
                    .into_iter()
                    .map(|told| {
                        assert_eq!(CorrelationId::of_saga(&told.key), saga);
                        assert_eq!(told.partition, 3);
                        (told.topic, told.event, told.offset)
                    })
                    .collect();
                told.sort();
                (saga.to_string(), told)
            })
            .collect();
        all.sort();
        let one = |topic: &str, event: &str, offset| (topic.to_owned(), event.to_owned(), offset);
        let mut expected = vec![
            (
                CorrelationId::of_saga("o-1").to_string(),
                vec![one("orders", "Created", 1), one("stock", "Taken", 0)],
            ),
            (
                CorrelationId::of_saga("o-2").to_string(),
                vec![one("orders", "Cancelled", 2), one("orders", "Created", 0)],
            ),
        ];
        expected.sort();
        assert_eq!(all, expected);
    }
}
